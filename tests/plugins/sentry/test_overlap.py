"""Beside sentry-sdk's own integration for a job queue: one report of each failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .fake_sentry import Kent

HERE = Path(__file__).parent
SAID = "the program's own Sentry client has captured a failure of a huey job and sends it to the same project"


def run(program: str, **environ: str) -> str:
    """Run one of the programs beside this file. Returns what it said."""
    command = [sys.executable, HERE / "sentry_program.py", program]
    done = subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def mechanisms(kent: Kent) -> list[str]:
    """Who has reported each of the events."""
    return [event["exception"]["values"][-1]["mechanism"]["type"] for event in kent.items()]


def test_one_report_through_the_programs_client(kent: Kent) -> None:
    """What the integration sees is left to it, and that is said once; what it can't see, such as a lost worker, is not."""
    said = run("huey", HOST_DSN=kent.dsn)
    assert mechanisms(kent) == ["huey", "huey", "jobreporter"]
    assert said.count(SAID) == 1


def test_one_report_to_one_project(kent: Kent) -> None:
    """A client of its own that reports to the program's project, by whatever key, is no second reporter."""
    said = run("huey", HOST_DSN=kent.dsn, OWN_DSN=kent.dsn.replace("public", "another"))
    assert sorted(mechanisms(kent)) == ["huey", "huey", "jobreporter"]
    assert said.count(SAID) == 1


def test_two_projects_have_two_reports(kent: Kent) -> None:
    """Where they report to different projects, both are wanted."""
    said = run("huey", HOST_DSN=kent.dsn, OWN_DSN=kent.dsn.replace("/1", "/2"))
    assert sorted(mechanisms(kent)) == ["huey", "huey", "jobreporter", "jobreporter", "jobreporter"]
    assert SAID not in said


def test_without_the_integration_all_is_reported(kent: Kent) -> None:
    """A program without a Sentry of its own has its failures reported."""
    run("huey", OWN_DSN=kent.dsn)
    assert mechanisms(kent) == ["jobreporter"] * 3


def test_a_client_that_sends_nothing_has_no_project(kent: Kent) -> None:
    """An empty DSN, which switches the program's own client off, leaves all to the reporter."""
    run("huey", HOST_DSN="", OWN_DSN=kent.dsn)
    assert mechanisms(kent) == ["jobreporter"] * 3
