"""`pytest --jobreporter-reporter NAME`: the suite of an installed reporter, with no file of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobreporter.testing import ReporterConformance

from .test_fixtures import run

PIGEON = """
from urllib.request import urlopen

from jobreporter import Options, hookimpl


class PigeonOptions(Options):
    url: str
    loft: str
    message: str
    size: int = 1


class Pigeon:
    @hookimpl
    def reporter_start(self, options: PigeonOptions):
        assert options.size == 3 and options.message == "it's done" and options.loft.startswith("/"), options
        self.url = options.url

    @hookimpl
    def handle_failure(self):
        urlopen(self.url, timeout=5).close()
"""
CASE = "test_it_starts_again_in_the_same_process"


def test_every_case_of_an_installed_reporter_runs(tmp_path: Path) -> None:
    """All of them, and none of the project's own tests unless they are named."""
    (tmp_path / "test_own.py").write_text("def test_own(): pass")
    cases = [name for name in dir(ReporterConformance) if name.startswith("test_")]
    listed = run(tmp_path, "--jobreporter-reporter", "log", "--collect-only")
    assert f"{len(cases)} tests collected" in listed.stdout, listed.stdout + listed.stderr
    both = run(tmp_path, "--jobreporter-reporter", "log", "test_own.py", "-k", f"test_own or {CASE}")
    assert "2 passed" in both.stdout, both.stdout + both.stderr


@pytest.mark.parametrize("processes", [[], ["-n1"]], ids=["here", "shared"])
def test_its_options_are_said_on_the_command_line(tmp_path: Path, processes: list[str]) -> None:
    """As TOML or as plain text, with the stand-in's port and the folder of the test filled in."""
    (tmp_path / "pigeons.py").write_text(PIGEON)
    options = ["url=http://127.0.0.1:{port}/jobs", "loft={folder}", "message=it's done", "size=3"]
    words = [word for option in options for word in ("--jobreporter-option", option)]
    done = run(
        tmp_path, "-o", "pythonpath=.", "--jobreporter-reporter", "pigeons:Pigeon", *words, "-k", CASE, *processes
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_reporter_that_is_not_installed_is_told_once(tmp_path: Path) -> None:
    """In one sentence, with those that there are, and before anything is collected."""
    done = run(tmp_path, "--jobreporter-reporter", "lgo")
    assert done.returncode == 4
    assert done.stderr.startswith("ERROR: no reporter 'lgo' is installed, but ")
    assert "log" in done.stderr
