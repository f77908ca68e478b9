"""Several workers and apps in one process, one after the other or at once: each is told once, to the same reporters."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import celery
import pytest
from celery import Celery
from celery.contrib.testing.worker import TestWorkController
from celery_bench import app_in_memory
from in_jobs import RECORDS
from reported import recording, use_config
from scenarios import SUCCEEDED, ran, summary
from workers import CONFIG, PATIENCE, wait_for

from jobreporter import Dispatcher, Execution, JobReporterError
from jobreporter.events import Event, Stopped
from jobreporter.sources.celery import attach
from jobreporter.testing import Call, read_calls

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*broker_connection_retry:celery.exceptions.CPendingDeprecationWarning",
    "ignore:.*superuser privileges:celery.platforms.SecurityWarning",
)


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reporter of this process's config writes."""
    use_config(tmp_path, monkeypatch, CONFIG)
    return tmp_path / RECORDS


@contextmanager
def attached_app(name: str, dispatcher: Dispatcher | None = None) -> Iterator[Celery]:
    app = app_in_memory(name, worker_hijack_root_logger=False, broker_transport_options={"polling_interval": 0.01})

    @app.task(name=f"{name}.work", shared=False)
    def work() -> str:
        assert Execution.current() is not None
        return threading.current_thread().name

    attach(app, dispatcher)
    yield app
    app.close()


@contextmanager
def working(
    app: Celery, pool: str = "solo", end: Callable[[Any], None] = TestWorkController.stop, **options: Any
) -> Iterator[None]:
    """A real worker, in a thread of this process, which ends alone: Celery's own helper would end all that there are."""
    quick = {"without_heartbeat": True, "without_mingle": True, "without_gossip": True}
    app.finalize()
    app.set_current()
    app.set_default()
    worker = TestWorkController(app=app, concurrency=1, pool=pool, **quick, **options)
    thread = threading.Thread(target=worker.start)
    thread.start()
    worker.ensure_started()
    try:
        yield
    finally:
        end(worker)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def send(app: Celery, *ids: str) -> None:
    for each in ids:
        app.send_task(f"{app.main}.work", task_id=each)


def stories(events: list[Event]) -> dict[str, tuple[str, ...]]:
    """What was told of each job."""
    found: dict[str, tuple[str, ...]] = {}
    for event in events:
        found[event.job.id] = (*found.get(event.job.id, ()), summary(event))
    return found


def told(calls: list[Call]) -> list[Event]:
    return [call.meta for call in calls if call.meta is not None]


def wait_until_stopped(records: Path, *ids: str) -> None:
    def stopped() -> set[str]:
        return {event.job.id for event in told(read_calls(records)) if isinstance(event, Stopped)}

    wait_for(lambda: stopped() >= set(ids), f"{ids} stopped")


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_a_worker_that_is_started_again_reports_again(records: Path, pool: str) -> None:
    """Each time the reporters start, and stop when it ends; nothing is lost between, and nothing told twice."""
    with attached_app("again") as app:
        for name in ("1", "2", "3"):
            with working(app, pool):
                send(app, name)
                wait_until_stopped(records, name)
        calls = read_calls(records)

    assert stories(told(calls)) == dict.fromkeys("123", SUCCEEDED)
    assert [call.hook for call in calls if call.hook.startswith("reporter_st")] == [
        "reporter_start",
        "reporter_stop",
    ] * 3


@pytest.mark.parametrize("other", ["two@here", "one@here"], ids=["of two names", "of one name"])
def test_two_workers_of_one_app(records: Path, other: str) -> None:
    """The first that ends takes nothing from the other."""
    with attached_app("twice") as app, working(app, "threads", hostname="one@here"):
        with working(app, "threads", hostname=other):
            send(app, "1", "2")
            wait_until_stopped(records, "1", "2")
        send(app, "3")
        wait_until_stopped(records, "1", "2", "3")
    calls = read_calls(records)

    assert stories(told(calls)) == dict.fromkeys("123", SUCCEEDED)
    assert Counter(call.hook for call in calls)["reporter_start"] == 1


def test_a_job_bears_the_name_of_its_own_worker(records: Path) -> None:
    """And not that of the machine, nor of a worker that started later."""
    with (
        attached_app("named") as app,
        working(app, "threads", hostname="one@here", queues=["one"]),
        working(app, "solo", hostname="two@here", queues=["two"]),
    ):
        app.send_task("named.work", task_id="1", queue="one")
        app.send_task("named.work", task_id="2", queue="two")
        wait_until_stopped(records, "1", "2")

    assert {event.job.id: event.job.extra["node"] for event in told(read_calls(records))} == {
        "1": "one@here",
        "2": "two@here",
    }


def test_a_job_whose_worker_ends_at_once_is_shut_down_alone(records: Path) -> None:
    """A cold end waits for no thread; what another worker of the process is at goes on."""
    goes_on, began = threading.Event(), {name: threading.Event() for name in ("1", "2")}
    with attached_app("cold") as app:

        @app.task(name="cold.wait", shared=False, bind=True)
        def wait(self: celery.Task) -> None:
            began[self.request.id].set()
            assert goes_on.wait(PATIENCE)

        with working(app, "threads", hostname="one@here", queues=["one"]):
            with working(app, "threads", hostname="two@here", queues=["two"], end=TestWorkController.terminate):
                app.send_task("cold.wait", task_id="1", queue="one")
                app.send_task("cold.wait", task_id="2", queue="two")
                assert all(each.wait(PATIENCE) for each in began.values())
            try:
                wait_until_stopped(records, "2")
            finally:
                goes_on.set()
            wait_until_stopped(records, "1")

    assert stories(told(read_calls(records))) == {"1": SUCCEEDED, "2": ran("aborted shutdown")}


def test_workers_of_two_apps(records: Path) -> None:
    """One after the other, which is what Celery can do: each tells of its own app's jobs, and of no other's."""
    with attached_app("left") as left, attached_app("right") as right:
        for app, name in ((left, "1"), (right, "2"), (left, "3"), (right, "4")):
            with working(app, "threads"):
                send(app, name)
                wait_until_stopped(records, name)
    calls = read_calls(records)
    names = {event.job.id: event.job.name for event in told(calls)}

    assert stories(told(calls)) == dict.fromkeys("1234", SUCCEEDED)
    assert names == {"1": "left.work", "2": "right.work", "3": "left.work", "4": "right.work"}


def test_two_apps_at_once(records: Path) -> None:
    """A job of one may run eagerly beside the worker of the other: they share the reporters of their config."""
    with attached_app("left") as left, attached_app("right") as right, working(left):
        right.tasks["right.work"].apply(task_id="1")
        send(left, "2")
        wait_until_stopped(records, "1", "2")
    calls = read_calls(records)

    assert stories(told(calls)) == dict.fromkeys("12", SUCCEEDED)
    assert Counter(call.hook for call in calls)["reporter_start"] == 1


def test_a_dispatcher_that_was_passed_outlives_the_workers() -> None:
    """It is closed by whoever made it, so two apps and a program can have it together."""
    with recording() as (dispatcher, events):
        with attached_app("left", dispatcher) as left, attached_app("right", dispatcher) as right:
            for app, name in ((left, "1"), (right, "2"), (left, "3")):
                with working(app):
                    send(app, name)
                    wait_for(lambda name=name: stories(events()).get(name) == SUCCEEDED, f"{name} stopped")
        with dispatcher.begin("ours", id="4"):
            pass

        assert stories(events()) == dict.fromkeys("1234", SUCCEEDED)


def test_an_app_that_is_attached_twice_reports_once(records: Path) -> None:
    """The second call is refused in a sentence, and changes nothing. A proxy of the app is the app."""
    with attached_app("once") as app:
        app.set_current()
        for again in (app, celery.current_app):
            with pytest.raises(JobReporterError, match="attach\\(\\) was called twice for the Celery app 'once'"):
                attach(again)
        with working(app):
            send(app, "1")
            wait_until_stopped(records, "1")

    assert stories(told(read_calls(records))) == {"1": SUCCEEDED}


def test_an_eager_job_does_not_keep_a_worker_s_reporters(records: Path) -> None:
    """It may be the first to need a dispatcher: that is the worker's as well, and what it published has left."""
    with attached_app("eager") as app:
        app.tasks["eager.work"].apply(task_id="1")
        with working(app):
            send(app, "2")
            wait_until_stopped(records, "2")

    assert stories(told(read_calls(records))) == dict.fromkeys("12", SUCCEEDED)
