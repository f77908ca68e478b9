"""``jobreporter check --app`` tries out who reports a failure beside the program's own Sentry, and how often."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobreporter.testing import CommandLine

#: Nothing listens there: a trial sends nothing.
DSN = "http://public@127.0.0.1:9/1"
SAME, OTHER = DSN.replace("public", "another"), DSN.replace("/1", "/2")
APPS = {
    "celery": "from celery import Celery\napp = Celery('shop', broker='memory://')\n",
    "dramatiq": "from dramatiq.brokers.stub import StubBroker\napp = StubBroker()\n",
    "huey": "from huey import MemoryHuey\napp = MemoryHuey('shop')\n",
}


def init(queue: str, *more: str) -> str:
    """The program's own client. Of what the SDK enables by itself, only the queue's is: the others take long to import."""
    integration = f"{queue.capitalize()}Integration" if queue else ""
    imported = f"from sentry_sdk.integrations.{queue} import {integration}\n" if queue else ""
    enabled = f"integrations=[{integration}()]" if queue else "integrations=[]"
    return f"{imported}sentry_sdk.init({', '.join([repr(DSN), 'auto_enabling_integrations=False', enabled, *more])})\n"


Check = Callable[..., dict[str, Any]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """What `jobreporter check --app` finds of a program that makes its Sentry so, with these options of the reporter's."""
    project = CommandLine(tmp_path)
    project.environ.pop("PYTHONPATH")

    def run(queue: str, sentry: str, options: str = "", before: str = "") -> dict[str, Any]:
        attach = f"from jobreporter.sources.{queue} import attach\nattach(app)\n"
        (project.folder / "shop.py").write_text("import sentry_sdk\n" + sentry + APPS[queue] + attach)
        project.config(f"{before}\n[reporters.sentry]\n{options}\n[reporters.log]\n")
        command = [sys.executable, "-P", "-m", "jobreporter", "check", "--json", "--app", "shop:app"]
        done = subprocess.run(
            command, cwd=tmp_path, env=project.environ, capture_output=True, text=True, timeout=170, check=False
        )
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["ok"] == (done.returncode == 0)
        return found

    return run


def told(found: dict[str, Any]) -> list[str]:
    """What the reporter says of the failure, right or wrong."""
    wrong = [each["problem"] for each in found["warnings"] if each["table"] == "reporters.sentry"]
    return wrong + [each.removeprefix("reporter 'sentry': ") for each in found["notes"] if "failure" in each]


@pytest.mark.parametrize(
    ("queue", "who"),
    [
        ("celery", "by the SDK's integration for celery"),
        ("huey", "by the SDK's integration for huey"),
        ("dramatiq", "by the line that dramatiq.worker.WorkerThread logs, through the SDK's integration for logging"),
    ],
)
@pytest.mark.parametrize("options", ["", f"dsn = '{SAME}'"], ids=["the program's client", "a dsn of its own"])
def test_with_the_queues_integration(check: Check, queue: str, who: str, options: str) -> None:
    """As the README's table has it, for the attempt that is the last."""
    found = check(queue, init(queue), options)
    assert found["ok"]
    assert told(found) == [f"a failure is reported once, {who}"]


def test_the_default_set_up(check: Check) -> None:
    """With everything that the SDK enables by itself."""
    found = check("huey", f"sentry_sdk.init('{DSN}')\n")
    assert told(found) == ["a failure is reported once, by the SDK's integration for huey"]


def test_without_the_queues_integration(check: Check) -> None:
    """The line in the log is there still. That a sample is kept of it, which no trial should meet by chance, is told."""
    without = "from sentry_sdk.integrations.celery import CeleryIntegration\n"
    found = check("celery", without + init("", "disabled_integrations=[CeleryIntegration()]", "sample_rate=0.0"))
    assert found["ok"]
    line = "the line that celery.app.trace logs, through the SDK's integration for logging"
    assert told(found) == [f"a failure is reported once, by {line}"]
    assert "reporter 'sentry': of that, the sample_rate of the program's own client keeps 0%" in found["notes"]


def test_with_no_integration_at_all(check: Check) -> None:
    """Nobody else captures anything, so the reporter does."""
    found = check("huey", init("", "default_integrations=False"))
    assert told(found) == ["a failure is reported once, by jobreporter"]


def test_without_a_sentry_of_the_programs(check: Check) -> None:
    """A worker may make it later, where an import of the app shows nothing."""
    found = check("huey", "", f"dsn = '{DSN}'")
    assert told(found) == ["a failure is reported once, by jobreporter"]
    assert "If its workers make one later" in " ".join(found["notes"])


def test_two_projects(check: Check) -> None:
    """Both are wanted, and both are named."""
    found = check("huey", init("huey"), f"dsn = '{OTHER}'")
    assert found["ok"]
    assert told(found) == [
        "a failure is reported once to each of 2 projects, by the SDK's integration for huey and by jobreporter"
    ]


def test_a_program_that_drops_what_is_left_to_it(check: Check) -> None:
    """Of the lines of its log it wants no events, and of what the queue logs nothing else is made."""
    dropping = "before_send=lambda event, hint: None if 'log_record' in hint else event"
    found = check("dramatiq", init("", dropping), f"dsn = '{SAME}'")
    assert not found["ok"]
    assert told(found)[0].startswith("a failure is reported by nobody: the program's own Sentry client captures it")
    assert found["summary"].startswith("wrong: a failure is reported by nobody")


def test_a_second_handler_of_the_programs_own(check: Check) -> None:
    """Each line of the log is an event of its own twice."""
    twice = (
        "import logging\nfrom sentry_sdk.integrations.logging import EventHandler\n"
        "logging.getLogger('dramatiq').addHandler(EventHandler(logging.ERROR))\n"
    )
    # Without the integration that leaves out what was captured just before.
    without = "from sentry_sdk.integrations.dedupe import DedupeIntegration\n"
    found = check("dramatiq", twice + without + init("", "disabled_integrations=[DedupeIntegration()]"))
    assert not found["ok"]
    assert told(found)[0].startswith("a failure is reported 2 times to the same project, by the line that dramatiq.")


@pytest.mark.parametrize(("dsn", "ok"), [(SAME, False), (OTHER, True)])
def test_in_an_agent(check: Check, tmp_path: Path, dsn: str, ok: bool) -> None:
    """What the program's client captures in the worker, an agent doesn't see."""
    stream = f"[stream]\nurl = 'sqlite:///{tmp_path}/stream.db'\n"
    found = check("huey", init("huey"), f"dsn = '{dsn}'", stream)
    said = told(found)[0]
    assert said.startswith(
        "a failure is reported once to each of 2 projects" if ok else "a failure is reported 2 times"
    )
    assert ok or "set where = 'worker', or switch that off" in said
