"""Each failure is reported once: with each queue, with and without the SDK's own integration, and a dsn of our own.

The program does nothing but ``sentry_sdk.init(dsn)``, so the SDK's integration for logging is active as well, and the
reporter ``log`` is on beside ours.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.packaging.documents import ROOT, rows
from tests.redis_servers import Server

from .fake_sentry import Kent

PROGRAM = Path(__file__).parent / "queue_program.py"
QUEUES = ["celery", "rq", "huey", "dramatiq"]
README = ROOT / "plugins/sentry/README.md"
#: What each failure of the README's table says. Celery names its own error of what can't be stored.
WORDS = {
    "the last attempt": "fatal 1",
    "an attempt that is tried again": "flaky 1",
    "`before_start` raises": "before 1",
    "a result that can't be serialised": "Object of type object is not JSON serializable",
    "an error that the program logs": "fatal 1",
    "an error that the job's task ends with": "crash 1",
}
#: The table's columns, each with what the program does for it.
COLUMNS: dict[str, dict[str, str]] = {
    "with the SDK's integration": {"HOST_DSN": "dsn", "ASYNCIO": "on"},
    "without it": {"HOST_DSN": "dsn", "WITHOUT": "the queue's"},
    "without a Sentry of the program's": {"OWN_DSN": "dsn"},
}
#: The program for each queue of the table.
PROGRAMS = {"Celery": "celery", "RQ": "rq", "Huey": "huey", "Dramatiq": "dramatiq", "asyncio": "program", "arq": "arq"}
#: arq has a session of its own, since it takes no redis-py newer than 5: see with_arq/checks.py.
HERE = [queue for queue in PROGRAMS if queue != "arq"]


class Row(NamedTuple):
    """A row of the README's table. reporters: who reports it, by the column."""

    queue: str
    failure: str
    reporters: dict[str, str]


TABLE = [Row(queue, failure, dict(zip(COLUMNS, who, strict=True))) for queue, failure, *who in rows(README, "queue")]


def failures_of(program: str) -> Counter[str]:
    """What its jobs fail with, each once."""
    return Counter(WORDS[row.failure] for row in TABLE if PROGRAMS[row.queue] == program)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that RQ's jobs wait in."""
    server = Server("redis", tmp_path_factory.mktemp("redis"), databases=10_000)
    yield server
    server.close()


def run(queue: str, redis: Server, **environ: str) -> None:
    """Run the queue's worker, in a process of its own, since the SDK changes a queue's classes for good."""
    environment = os.environ | {"REDIS_URL": redis.new_database()} | environ
    done = subprocess.run(
        [sys.executable, PROGRAM, queue], env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr


def reported(kent: Kent) -> Counter[str]:
    """What each event says to have failed. An event without an exception, such as a line of the log, has none to say."""
    values = [
        event.get("exception", {"values": [{}]})["values"][-1].get("value", "no exception") for event in kent.items()
    ]
    return Counter(values)


def reporter_of(event: dict[str, Any]) -> str:
    """Who has reported it, in the table's words."""
    if event.get("logger") == "jobreporter":
        return "jobreporter"
    by = event["exception"]["values"][-1].get("mechanism", {}).get("type")
    return "the ERROR line" if by == "logging" else "the integration"


def test_the_table_is_about_every_queue_and_every_failure() -> None:
    """None of those that the programs here make happen is left out, and its columns are those."""
    assert {row.queue for row in TABLE} == set(PROGRAMS)
    assert {row.failure for row in TABLE} == set(WORDS)
    [heading] = re.findall(r"^\| queue \| failure \| (.*) \|$", README.read_text(), re.MULTILINE)
    assert heading.split(" | ") == list(COLUMNS)


@pytest.mark.parametrize("own", [False, True], ids=["the program's client", "a dsn of its own"])
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("queue", HERE)
def test_who_reports_and_how_often(kent: Kent, redis: Server, queue: str, column: str, *, own: bool) -> None:
    """As the README's table has it: each failure once, whoever it is that reports it."""
    check_reports(kent, redis, queue, column, own=own)


def check_reports(kent: Kent, redis: Server, queue: str, column: str, *, own: bool) -> None:
    """Have a queue's jobs fail, and compare what has come with a column of the table."""
    program = PROGRAMS[queue]
    environ = COLUMNS[column] | ({"OWN_DSN": "another"} if own else {})
    keys = {"dsn": kent.dsn, "another": kent.dsn.replace("public", "another"), "the queue's": program}
    if program == "program":
        environ.pop("WITHOUT", None)
    run(program, redis, **{name: keys.get(value, value) for name, value in environ.items()})

    assert reported(kent) == failures_of(program)
    told = {WORDS[row.failure]: row.reporters[column] for row in TABLE if row.queue == queue}
    assert {event["exception"]["values"][-1]["value"]: reporter_of(event) for event in kent.items()} == told


@pytest.mark.parametrize("own", [False, True], ids=["the program's client", "a dsn of its own"])
@pytest.mark.parametrize("queue", QUEUES)
def test_a_job_fails_before_the_reporter_has_started(kent: Kent, redis: Server, queue: str, *, own: bool) -> None:
    """RQ logs a line of its own of it, which is known to be no report even then."""
    environ = {"HOST_DSN": kent.dsn, "WITHOUT": queue, "LATE": "1"}
    if own:
        environ["OWN_DSN"] = kent.dsn.replace("public", "another")
    run(queue, redis, **environ)
    assert reported(kent) == failures_of(queue)


@pytest.mark.parametrize("environ", [{}, {"OWN_DSN": "another"}, {"WITHOUT": "celery"}], ids=str)
def test_a_child_that_is_lost_is_one_report(kent: Kent, redis: Server, environ: dict[str, str]) -> None:
    """Celery's main process logs what became of the job, after jobreporter has told it, and once more without the error."""
    another = {name: value.replace("another", kent.dsn.replace("public", "another")) for name, value in environ.items()}
    run("lost", redis, HOST_DSN=kent.dsn, **another)
    events = kent.items()
    failures = [event["exception"]["values"][-1]["type"] for event in events if "exception" in event]
    assert Counter(failures) == Counter(["TimeLimitExceeded", "WorkerLostError"])
    assert {event["logger"] for event in events if "exception" not in event} <= {"multiprocessing"}


def test_a_child_that_is_lost_is_told_to_each_of_two_projects(kent: Kent, redis: Server) -> None:
    """The program's client keeps every line, where what jobreporter reports is elsewhere."""
    run("lost", redis, HOST_DSN=kent.dsn, OWN_DSN=kent.dsn.replace("/1", "/2"))
    failures = [event["exception"]["values"][-1]["type"] for event in kent.items() if "exception" in event]
    assert Counter(failures) == Counter(["TimeLimitExceeded", "WorkerLostError"] * 2)
    lines = [event.get("logentry", {}).get("message", "") for event in kent.items()]
    assert any(line.startswith("Hard time limit") for line in lines)


def test_the_line_for_another_project(kent: Kent, redis: Server) -> None:
    """Where the program's client and the reporter have different projects, RQ's own line goes to the program's."""
    run("rq", redis, HOST_DSN=kent.dsn, OWN_DSN=kent.dsn.replace("/1", "/2"), WITHOUT="rq", LATE="1")
    assert reported(kent) == failures_of("rq") + Counter({"no exception": 2})
