"""``jobreporter explain``: who would get a job's events, and why the others would not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobreporter.testing import CommandLine

CONFIG = """
[reporters.log]

[reporters.mail]
use = "log"
[reporters.mail.when]
events = ["failure"]
attempts = "final"
ignore = ["OSError", "shop_errors.Declined"]
queues = ["mail*"]
jobs = ["!billing.*"]
max_per_minute = 60

[reporters.first]
use = "log"
when.attempts = "first"

[reporters.quiet]
use = "quiet:Quiet"

[reporters.off]
use = "gone:away"
enabled = false

[reporters.gone]
use = "gone:away"
"""


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project with a filter for everything."""
    project = CommandLine(tmp_path)
    project.config(CONFIG)
    project.module("shop_errors", "class Declined(Exception): ...\nclass Expired(Declined): ...\n")
    project.module(
        "quiet", "from jobreporter import hookimpl\nclass Quiet:\n    @hookimpl\n    def handle_success(self): ...\n"
    )
    return project


def failures(project: CommandLine, *words: str, **environ: str) -> dict[str, str | None]:
    """What keeps back the failures from each reporter, by its name and, if it was asked for, the error."""
    done = project.run("explain", "--json", "--event", "failure", *words, **environ)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert all(row["reaches"] == (row["kept_back_by"] is None) for row in rows)
    return {row["reporter"] + (f" {row['error']}" if row["error"] else ""): row["kept_back_by"] for row in rows}


def test_each_key_is_told_where_it_keeps_an_event_back(project: CommandLine) -> None:
    """Whatever switches the reporter off, or has no hook, too."""
    job = ("--job", "shop.receipt", "--queue", "mail-bulk")
    assert failures(project, *job) == {
        "log": None,
        "mail": None,
        "first": None,
        "quiet": "hooks",
        "off": "enabled",
        "gone": "broken",
    }
    assert failures(project, *job, JOBREPORTER_DISABLE="mail")["mail"] == "JOBREPORTER_DISABLE"
    assert failures(project, *job, "--retry")["mail"] == "when.attempts"
    assert failures(project, *job, "--attempt", "2")["first"] == "when.attempts"
    assert failures(project, "--job", "shop.receipt")["mail"] == "when.queues"
    assert failures(project, "--job", "billing.run", "--queue", "mail")["mail"] == "when.jobs"


def test_errors_are_matched_as_a_worker_does_it(project: CommandLine) -> None:
    """With their bases, where the type can be imported; and builtin ones by their bare names, aliases too."""
    words = ["--job", "a", "--queue", "mail", "--reporter", "mail"]
    for error in ("ValueError", "TimeoutError", "IOError", "shop_errors.Expired", "shop_errors.Other", "nowhere.Lost"):
        words += ["--error", error]
    assert failures(project, *words) == {
        "mail builtins.ValueError": None,
        "mail builtins.TimeoutError": "when.ignore",
        "mail builtins.OSError": "when.ignore",
        "mail shop_errors.Expired": "when.ignore",
        "mail shop_errors.Other": None,
        "mail nowhere.Lost": None,
    }
    told = "nothing is known of the bases of 'nowhere.Lost': can't import 'nowhere': there is no module 'nowhere' on"
    assert told in project.run("explain", *words).stderr


def test_people_get_a_table(project: CommandLine) -> None:
    """With the line of the key."""
    done = project.run("explain", "--job", "billing.run", "--queue", "mail", "--reporter", "mail", "--reporter", "log")
    assert done.returncode == 0
    header, *rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert header == "REPORTER EVENT REACHES IT WHY"
    assert rows[:5] == ["log started yes", "log success yes", "log aborted yes", "log failure yes", "log stopped yes"]
    assert rows[5:] == [
        "mail started no when.events keeps it back (line 7)",
        "mail success no when.events keeps it back (line 7)",
        "mail aborted no when.events keeps it back (line 7)",
        "mail failure no when.jobs keeps it back (line 11)",
        "mail stopped no when.events keeps it back (line 7)",
    ]


def test_a_limit_is_told(project: CommandLine) -> None:
    """Such an event may still be the one too many."""
    done = project.run("explain", "--job", "a", "--queue", "mail", "--reporter", "mail", "--event", "failure")
    assert "at most 60 a minute" in done.stdout


def test_a_bare_name_that_is_no_builtin_is_wrong_usage(project: CommandLine) -> None:
    """As in the config."""
    done = project.run("explain", "--job", "a", "--error", "Declined")
    assert done.returncode == 2
    assert "'Declined' is no builtin exception: give its full name" in done.stderr
    assert project.run("explain").returncode == 2


def test_a_config_that_is_wrong_is_told(project: CommandLine) -> None:
    """What can be explained is explained all the same."""
    path = project.config("[reporters.log]\n[reporters.lgo]\n")
    done = project.run("explain", "--job", "a", "--event", "failure")
    assert done.returncode == 1
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:]] == [
        ["log", "failure", "yes"],
        ["lgo", "failure", "no"],
    ]
    assert done.stderr.startswith(f"{path}:2, [reporters.lgo]: no reporter 'lgo' is installed. Did you mean 'log'?")
    (project.folder / "jobreporter.toml").write_text("x = ")
    assert project.run("explain", "--job", "a").returncode == 1


def test_without_reporters_there_is_nobody(project: CommandLine) -> None:
    """It says so."""
    path = project.config("")
    assert project.run("explain", "--job", "a").stdout == f"{path}: no reporter\n"
    path.unlink()
    assert project.run("explain", "--job", "a").stdout == "there is no config: no reporter\n"
