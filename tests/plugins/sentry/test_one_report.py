"""Each failure is reported once: with each queue, with and without the SDK's own integration, and a dsn of our own.

The program does nothing but ``sentry_sdk.init(dsn)``, so the SDK's integration for logging is active as well, and the
reporter ``log`` is on beside ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_servers import Server

from .fake_sentry import Kent

PROGRAM = Path(__file__).parent / "queue_program.py"
QUEUES = ["celery", "rq", "huey", "dramatiq"]
#: The attempts that fail: one that no other follows, and one that is tried again.
FAILURES = Counter(["fatal 1", "flaky 1"])


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
        [sys.executable, PROGRAM, queue], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def reported(kent: Kent) -> Counter[str]:
    """What each event says to have failed. An event without an exception, such as a line of the log, has none to say."""
    values = [
        event.get("exception", {"values": [{}]})["values"][-1].get("value", "no exception") for event in kent.items()
    ]
    return Counter(values)


@pytest.mark.parametrize("own", [False, True], ids=["the program's client", "a dsn of its own"])
@pytest.mark.parametrize("integration", [True, False], ids=["with the integration", "without it"])
@pytest.mark.parametrize("queue", QUEUES)
def test_one_report_of_each(kent: Kent, redis: Server, queue: str, *, integration: bool, own: bool) -> None:
    """Also of the attempts that are tried again, whoever it is that reports them."""
    environ = {"HOST_DSN": kent.dsn}
    if not integration:
        environ["WITHOUT"] = queue
    if own:
        environ["OWN_DSN"] = kent.dsn.replace("public", "another")
    run(queue, redis, **environ)
    assert reported(kent) == FAILURES


@pytest.mark.parametrize("own", [False, True], ids=["the program's client", "a dsn of its own"])
@pytest.mark.parametrize("queue", QUEUES)
def test_a_job_fails_before_the_reporter_has_started(kent: Kent, redis: Server, queue: str, *, own: bool) -> None:
    """RQ logs a line of its own of it, which is known to be no report even then."""
    environ = {"HOST_DSN": kent.dsn, "WITHOUT": queue, "LATE": "1"}
    if own:
        environ["OWN_DSN"] = kent.dsn.replace("public", "another")
    run(queue, redis, **environ)
    assert reported(kent) == FAILURES


def test_the_line_for_another_project(kent: Kent, redis: Server) -> None:
    """Where the program's client and the reporter have different projects, RQ's own line goes to the program's."""
    run("rq", redis, HOST_DSN=kent.dsn, OWN_DSN=kent.dsn.replace("/1", "/2"), WITHOUT="rq", LATE="1")
    assert reported(kent) == FAILURES + Counter({"no exception": 2})


@pytest.mark.parametrize("queue", QUEUES)
def test_without_a_sentry_of_the_programs(kent: Kent, redis: Server, queue: str) -> None:
    """All of them are ours."""
    run(queue, redis, OWN_DSN=kent.dsn)
    assert reported(kent) == FAILURES
    assert {event["logger"] for event in kent.items()} == {"jobreporter"}


@pytest.mark.parametrize("own", [False, True], ids=["the program's client", "a dsn of its own"])
def test_an_asyncio_program(kent: Kent, redis: Server, *, own: bool) -> None:
    """What the program itself logs once the job is over counts as its report."""
    environ = {"HOST_DSN": kent.dsn} | ({"OWN_DSN": kent.dsn} if own else {})
    run("program", redis, **environ)
    assert reported(kent) == Counter(["fatal 1"])
