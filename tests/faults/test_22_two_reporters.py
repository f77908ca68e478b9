"""Row 22: sentry-sdk's own integration for the job queue sees the same errors as the reporter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import celery_app
import pytest
import rq_app
from scenarios import FAILED

from jobreporter.events import Failure
from tests.loopback import Loopback, loopback
from tests.plugins.sentry.fake_sentry import items

from .conftest import IN_WORKERS, BenchOf, KitBench, Source

CONFIG = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"

[reporters.sentry]
"""

SAID = "sentry-sdk's own integrations report failures to the same project: those of {} are left to them"


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
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A Sentry that the environment names."""
    for name in [*os.environ]:
        if name.startswith("SENTRY_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with loopback() as server:
        monkeypatch.setenv("SENTRY_DSN", server.url.replace("://", "://key@") + "/1")
        yield server


@pytest.fixture
def bench(source: Source, kind: str, bench_of: BenchOf, sentry: Loopback) -> KitBench:
    """The bench of a worker that has Sentry's integration and the reporter."""
    return bench_of(source, kind, CONFIG)


def queue_of(source: Source) -> str:
    """What both the integration and the source are called."""
    return source.name.removesuffix("_app")


def reports(sentry: Loopback) -> Counter[str]:
    """How many failures each has reported."""
    events = [body for request in sentry.requests for header, body in items(request.body) if header["type"] == "event"]
    return Counter(event["exception"]["values"][-1]["mechanism"]["type"] for event in events)


@QUEUES
def test_one_report_of_each_error(source: Source, bench: KitBench, sentry: Loopback) -> None:
    """What jobs raise is reported once each, by the integration; and the worker's log says that it is left to that."""
    bench.send("exception", "exception")
    bench.start()
    bench.wait_for_stops({"exception": 2})
    bench.stop()

    assert bench.executions("exception") == [FAILED, FAILED]
    assert reports(sentry) == {queue_of(source): 2}
    assert SAID.format(queue_of(source)) in bench.what_the_worker_said()


@pytest.mark.parametrize(
    ("source", "kind", "jobs"),
    [
        (CELERY, "prefork", ("random-1-death", "timeout")),
        (RQ, "fork", ("random-1-death",)),
    ],
    ids=["celery", "rq"],
)
def test_one_report_of_what_the_integration_cannot_see(
    bench: KitBench, jobs: tuple[str, ...], sentry: Loopback
) -> None:
    """A job whose process was killed, by whomever, is reported once, by the reporter."""
    bench.send(*jobs)
    bench.start()
    bench.wait_for_stops(dict.fromkeys(jobs, 1))
    bench.stop()

    failures = [event for job in jobs for event in bench.events(job) if isinstance(event, Failure)]
    # Celery hands a job on whose child was gone before it had said that it took it: then each of them has lost it.
    assert {event.job.id for event in failures} == set(jobs)
    assert reports(sentry) == {"jobreporter": len(failures)}


@QUEUES
def test_check_warns(source: Source, kind: str, tmp_path: Path, sentry: Loopback) -> None:
    """`jobreporter check` says the same of an application before its worker is ever started."""
    module = f"{queue_of(source)}_beside_sentry"
    (tmp_path / "jobreporter.toml").write_text(f'[reporters.sentry]\nuse = "{module}:SentryReporter"\n')
    path = os.pathsep.join(map(str, (IN_WORKERS, Path(rq_app.__file__).parent)))
    check = [sys.executable, "-m", "jobreporter", "check"]
    done = subprocess.run(
        check, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert SAID.format(queue_of(source)) in done.stdout + done.stderr
