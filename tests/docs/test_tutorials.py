"""The tutorial for Celery, to the letter: its files, its commands, and what it says that they show."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.packaging.documents import ROOT, Block, blocks

CELERY = ROOT / "docs/tutorials/celery.md"
#: Seconds that a worker may take, on a machine that is busy with other tests.
PATIENCE = 90.0


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder with what the tutorial has saved at its end."""
    for block in blocks(CELERY, "python"):
        (tmp_path / str(block.file)).write_text(block.text)
    (tmp_path / "jobreporter.toml").write_text("\n".join(block.text for block in blocks(CELERY, "toml")))
    return tmp_path


@pytest.fixture
def environment() -> dict[str, str]:
    """As of a shell in which the environment is active."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONWARNINGS": "default"}


def pattern(line: str) -> str:
    """A line as it may come: other paths and times, and anything for dots."""
    line = re.escape(line).replace(r"\.\.\.", r"\S+").replace("/srv/shop/", r"\S*/")
    return re.sub(r"\d+ms|\d\\\.\d+", r"\\S+", line)


def test_it_goes_as_it_says(shop: Path, environment: dict[str, str]) -> None:
    """The check, the log of three jobs, and the two lines at the desk."""
    _install, run = blocks(CELERY, "sh")
    check, explain = blocks(CELERY, "console")
    log, desk = blocks(CELERY, "text")
    enqueue, work = run.text.splitlines()

    everything = (shop / "jobreporter.toml").read_text()
    first, _ = blocks(CELERY, "toml")
    (shop / "jobreporter.toml").write_text(first.text)
    shows(check, shop, environment)
    subprocess.run(["sh", "-c", enqueue], cwd=shop, env=environment, check=True, timeout=PATIENCE)
    until_told(log, work, shop, environment)
    assert not (shop / "desk.txt").exists()

    (shop / "jobreporter.toml").write_text(everything)
    shows(explain, shop, environment)
    subprocess.run(["sh", "-c", enqueue], cwd=shop, env=environment, check=True, timeout=PATIENCE)
    beside = log._replace(text=log.text.replace("jobs to log;", "jobs to log, desk;"))
    until_told(beside, work, shop, environment)
    assert sorted((shop / "desk.txt").read_text().splitlines()) == sorted(desk.text.splitlines())


def shows(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """Runs what stands at the prompt of a block. What it shows has to be what stands below."""
    command, *told = block.text.splitlines()
    done = subprocess.run(
        shlex.split(command)[1:],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert len(lines) == len(told), done.stdout
    assert [(line, is_) for line, is_ in zip(told, lines, strict=True) if not re.fullmatch(pattern(line), is_)] == []


def until_told(log: Block, command: str, folder: Path, environment: dict[str, str]) -> None:
    """Runs a worker until each line of a block was in its log, and ends it as Ctrl-C does."""
    awaited = [pattern(line) for line in log.text.splitlines()]
    worker = subprocess.Popen(
        shlex.split(command), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert worker.stdout is not None
    end = threading.Timer(PATIENCE, worker.kill)
    end.start()
    seen: list[str] = []
    try:
        for line in worker.stdout:
            seen.append(line)
            awaited = [each for each in awaited if not re.search(each, line)]
            if not awaited:
                break
        worker.send_signal(signal.SIGINT)
        seen += worker.stdout  # so that it never waits for a reader
        assert awaited == [], "".join(seen)
        assert "Warm shutdown" in "".join(seen)  # Celery's exit code for Ctrl-C is 1
    finally:
        end.cancel()
        worker.kill()
        worker.communicate()
