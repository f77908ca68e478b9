"""The example on each source's page: copied as it stands it runs, and the log shows what the page says."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path
from typing import NamedTuple

import celery_app
import dramatiq_app
import huey_app
import pytest
import rq_app
from conftest import NewQueue
from packaging.requirements import Requirement
from workers import Source, wait_for

PAGES = Path(__file__).parents[2] / "docs" / "sources"


class Page(NamedTuple):
    """name: the page's. job: what the example's job is called. redis: the variable that says where Redis is."""

    name: str
    source: Source
    job: str
    leave: signal.Signals
    redis: str = "REDIS_URL"


EXAMPLES = (
    Page("celery", celery_app.Source(), "shop.receipt", signal.SIGTERM),
    Page("dramatiq", dramatiq_app.Source(), "send_receipt", signal.SIGTERM),
    Page("huey", huey_app.Source(), "shop.send_receipt", signal.SIGINT),
    Page("rq", rq_app.Source(), "shop.send_receipt", signal.SIGINT, redis="RQ_REDIS_URL"),
)


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.name)
def test_the_example_runs(page: Page, tmp_path: Path, new_queue: NewQueue) -> None:
    """One job succeeds and one is skipped, and the worker leaves when it is asked to."""
    enqueue, work = lay_out(page.name, tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "JOBREPORTER_CONFIG"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    if page.source.broker == "redis":
        environment[page.redis] = new_queue(page.source, tmp_path)
    log = tmp_path / "worker.log"
    promised = (f"success {page.job} #1/3", f"aborted {page.job} #1/3 skipped")

    subprocess.run(["sh", "-c", enqueue], cwd=tmp_path, env=environment, check=True)
    with log.open("wb") as output:
        worker = subprocess.Popen(work.split(), cwd=tmp_path, env=environment, stdout=output, stderr=output)
    try:
        wait_for(lambda: all(line in log.read_text() for line in promised), "both jobs done", log.read_text)
        worker.send_signal(page.leave)
        assert worker.wait(30) == 0
    finally:
        worker.kill()

    assert "ERROR" not in log.read_text()


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.name)
def test_the_install_line_is_enough_for_the_example(page: Page) -> None:
    """What it installs, with all that this needs, has every package that the example works with."""
    text = (PAGES / f"{page.name}.md").read_text(encoding="utf-8")
    install, *_ = re.findall(r"^pip install (.*)$", text, re.MULTILINE)
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert f"`pip install {install}`" in index
    assert closure(shlex.split(install)) >= {
        page.name,
        "jobreporter",
        *(["redis"] if page.source.broker == "redis" else []),
    }


def closure(requirements: Iterable[str]) -> set[str]:
    """The distributions that these requirements lead to, as far as this platform needs them."""
    found: set[str] = set()
    todo = [Requirement(text) for text in requirements]
    seen: set[str] = set()
    while todo:
        requirement = todo.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        found.add(requirement.name.lower())
        for text in requires(requirement.name) or ():
            needed = Requirement(text)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(needed)
    return found


def lay_out(name: str, folder: Path) -> tuple[str, str]:
    """Copy the page's files. Returns its two commands: the one that enqueues and the one that works."""
    blocks = re.findall(r"```(\w+)\n(.*?)```", (PAGES / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    app, *_ = (text for language, text in blocks if language == "python")
    (config,) = (text for language, text in blocks if language == "toml")
    (_install, commands) = (text for language, text in blocks if language == "sh")
    (folder / "shop.py").write_text(app)
    (folder / "jobreporter.toml").write_text(config)
    enqueue, work = commands.strip().splitlines()
    return enqueue, work
