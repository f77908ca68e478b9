"""A plugin that has something to say of an application says it in ``jobreporter check --app``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobreporter.testing import CommandLine

APP = """
from huey import MemoryHuey
from jobreporter.sources.huey import attach
app = MemoryHuey('shop')
attach(app)
print('imported')
"""
PLUGIN = """
import os
from jobreporter import Options, hookimpl

class Seen:
    errors = ()

    @hookimpl
    def handle_failure(self, error):
        self.errors += (error.message,)

class MyOptions(Options):
    def check_app(self, placement, fail_once, /):
        {says}

class Reporter:
    @hookimpl
    def reporter_start(self, options: MyOptions): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project with an app that is attached, and a plugin of its own."""
    project = CommandLine(tmp_path)
    project.config("[reporters.mine]\nuse = 'mine:Reporter'\n")
    (project.folder / "shop.py").write_text(APP)
    project.environ.pop("PYTHONPATH")
    return project


def check(project: CommandLine, says: str, *arguments: str) -> dict[str, Any]:
    (project.folder / "mine.py").write_text(PLUGIN.format(says=says))
    done = project.run("check", "--json", *(arguments or ("--app", "shop:app")))
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ok"] == (done.returncode == 0), done.stderr
    return found


def test_what_it_yields_is_a_note(project: CommandLine) -> None:
    """It has seen the failure by then, with the reporter that it gave."""
    says = "seen = Seen(); fail_once(seen); fail_once(seen); yield f'{len(seen.errors)} in a {placement.place}: {seen.errors[1]}'"
    failure = "a test failure, made by jobreporter check --app: nothing is wrong"
    assert check(project, says)["notes"] == [f"reporter 'mine': 2 in a worker: {failure}"]


def test_what_it_raises_is_wrong(project: CommandLine) -> None:
    """One thing, or several, each with its place in the config."""
    found = check(project, "raise ExceptionGroup('wrong', [ValueError('it is lost'), ValueError('it is doubled')])")
    assert not found["ok"]
    assert [(each["problem"], each["table"], each["line"]) for each in found["warnings"]] == [
        ("it is lost", "reporters.mine", 1),
        ("it is doubled", "reporters.mine", 1),
    ]
    assert found["summary"] == "wrong: it is lost"
    assert check(project, "raise ValueError('it is lost')")["warnings"][0]["problem"] == "it is lost"


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("raise OSError('no room')", "could not be tried: OSError: no room"),
        ("os._exit(3)", "the process that tried it ended before it was through"),
    ],
)
def test_what_can_not_be_tried_is_no_fault(project: CommandLine, says: str, told: str) -> None:
    """Whatever the plugin does in there."""
    found = check(project, says)
    assert found["ok"]
    assert told in found["notes"][0]


def test_who_is_not_asked(project: CommandLine) -> None:
    """Without an app, without a start, and where it is switched off, nothing is tried."""
    for arguments in (["--send"], ["--no-start", "--app", "shop:app"]):
        assert check(project, "raise ValueError('it is lost')", *arguments)["ok"]
    project.environ["JOBREPORTER_DISABLE"] = "mine"
    assert check(project, "raise ValueError('it is lost')")["ok"]


def test_a_queue_that_needs_a_server_is_not_tried(project: CommandLine) -> None:
    """It is said, rather than left open."""
    found = check(project, "raise ValueError('it is lost')", "--app", "jobreporter.sources.rq:Worker")
    assert found["ok"]
    assert found["notes"] == ["how a failure is reported can't be tried with rq, whose jobs don't run in memory"]
