"""Row 22: sentry-sdk's own integration for the job queue sees the same errors as the reporter."""

from __future__ import annotations

import os
from collections import Counter

import celery_app
import pytest
import rq_app
from scenarios import FAILED

from jobreporter.events import Failure
from jobreporter.testing import StandIn
from tests.plugins.sentry.fake_sentry import items

from .conftest import BenchOf, KitBench, Source

CONFIG = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"

[reporters.sentry]
"""


class CeleryBesideSentry(celery_app.Source):
    """Its worker loads the application with Sentry's integration."""

    def command(self, kind: str, *, workers: int, max_jobs: int | None) -> list[str]:
        return beside_sentry(super().command(kind, workers=workers, max_jobs=max_jobs), self.name)


class RqBesideSentry(rq_app.Source):
    """Its worker loads the settings with Sentry's integration."""

    def command(self, kind: str, *, workers: int, max_jobs: int | None) -> list[str]:
        return beside_sentry(super().command(kind, workers=workers, max_jobs=max_jobs), self.name)


def beside_sentry(command: list[str], module: str) -> list[str]:
    """The worker's command with a module in place of this one, which says the same and also makes a Sentry client."""
    return [module.replace("_app", "_beside_sentry") if word == module else word for word in command]


CELERY, RQ = CeleryBesideSentry(), RqBesideSentry()
QUEUES = pytest.mark.parametrize(("source", "kind"), [(CELERY, "prefork"), (RQ, "fork")], ids=["celery", "rq"])


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch, stand_in: StandIn) -> StandIn:
    """A Sentry that the environment names."""
    for name in [name for name in os.environ if name.startswith("SENTRY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SENTRY_DSN", stand_in.url.replace("://", "://key@") + "/1")
    return stand_in


@pytest.fixture
def bench(source: Source, kind: str, bench_of: BenchOf, sentry: StandIn) -> KitBench:
    """The bench of a worker that has Sentry's integration and the reporter."""
    return bench_of(source, kind, CONFIG)


def queue_of(source: Source) -> str:
    """What both the integration and the source are called."""
    return source.name.removesuffix("_app")


def reports(sentry: StandIn) -> Counter[str]:
    """How many failures each has reported."""
    events = [body for request in sentry.requests for header, body in items(request.body) if header["type"] == "event"]
    return Counter(event["exception"]["values"][-1]["mechanism"]["type"] for event in events)


@QUEUES
def test_one_report_of_each_error(source: Source, bench: KitBench, sentry: StandIn) -> None:
    """What jobs raise is reported once each, by the integration, to which the reporter leaves it."""
    bench.send("exception", "exception")
    bench.start()
    bench.wait_for_stops({"exception": 2})
    bench.stop()

    assert bench.executions("exception") == [FAILED, FAILED]
    assert reports(sentry) == {queue_of(source): 2}


@pytest.mark.parametrize(
    ("source", "kind", "jobs"),
    [
        (CELERY, "prefork", ("random-1-death", "timeout")),
        (RQ, "fork", ("random-1-death",)),
    ],
    ids=["celery", "rq"],
)
def test_one_report_of_what_the_integration_cannot_see(bench: KitBench, jobs: tuple[str, ...], sentry: StandIn) -> None:
    """A job whose process was killed, by whomever, is reported once, by the reporter."""
    bench.send(*jobs)
    bench.start()
    bench.wait_for_stops(dict.fromkeys(jobs, 1))
    bench.stop()

    failures = [event for job in jobs for event in bench.events(job) if isinstance(event, Failure)]
    # Celery hands a job on whose child was gone before it had said that it took it: then each of them has lost it.
    assert {event.job.id for event in failures} == set(jobs)
    assert reports(sentry) == {"jobreporter": len(failures)}
