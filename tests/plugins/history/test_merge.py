"""Merging: the order of events, their repetition and how they are split into batches make no difference."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobreporter import Aborted, Event, Failure, Job, Started, Stopped, Success
from jobreporter.testing import make_error

from .conftest import MakeUrl, Read
from .contents import contents, rows_equal_rollups
from .executions import NOW, failed, new_job, succeeded, write
from .postgresql_server import PostgresqlServer

#: A moment before midnight (UTC), which the events of an execution fall on both sides of; it is the end of a month, too.
MIDNIGHT = 1_701_388_800.0

ERRORS = (make_error("shop.errors.Declined", "no funds"), make_error("shop.errors.Lost", "it is lost"))


def told(job: Job, kind: str, at: float, duration: float) -> Event:
    """One thing that may be told of an execution."""
    tags = {"customer": "acme" if duration > 1 else "globex"}
    if kind == "started":
        return Started(job=job, at=at)
    if kind == "success":
        return Success(job=job, at=at, duration=duration, queue_wait=duration / 7, tags=tags)
    if kind == "aborted":
        return Aborted(job=job, at=at, reason="skipped", will_retry=duration > 1, duration=duration)
    if kind == "stopped":
        return Stopped(job=job, at=at, outcome="failure", duration=duration)
    return Failure(
        job=job,
        at=at,
        error=ERRORS[kind == "worker_lost"],
        kind="worker_lost" if kind == "worker_lost" else "exception",
        will_retry=duration > 1,
        duration=duration,
        tags=tags,
    )


KINDS = ("started", "success", "aborted", "failure", "worker_lost", "stopped")
JOBS = [new_job(name="shop.tasks.charge" if number else "shop.tasks.refund", root_id="root") for number in range(3)]
EVENTS = st.builds(
    told,
    st.sampled_from(JOBS),
    st.sampled_from(KINDS),
    st.integers(-300, 300).map(lambda seconds: MIDNIGHT + seconds * 0.75),
    st.sampled_from([0.002, 0.4, 3.0, 250.0]),
)


@st.composite
def histories(draw: Any) -> tuple[list[Event], list[list[Event]]]:
    """Events in one order, and the same ones in another: some repeated, and split into batches."""
    events = draw(st.lists(EVENTS, min_size=1, max_size=8))
    repeated = events + draw(st.lists(st.sampled_from(events), max_size=4))
    shuffled = draw(st.permutations(repeated))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled)), max_size=4)))
    return events, [shuffled[begin:end] for begin, end in itertools.pairwise([0, *cuts, len(shuffled)]) if begin < end]


History = tuple[list[Event], list[list[Event]]]
FRESH = [HealthCheck.function_scoped_fixture]  # each example makes stores of its own


@settings(max_examples=100, suppress_health_check=FRESH)
@given(histories())
def test_order_repetition_and_batches_make_no_difference_to_sqlite(tmp_path: Path, history: History) -> None:
    """Around midnight, too, one batch in order and several out of order with repetitions lead to the same store."""
    folder = tempfile.mkdtemp(dir=tmp_path)
    merged_alike(f"sqlite://{folder}/at-once.db", f"sqlite://{folder}/in-parts.db", history)


@settings(max_examples=12, suppress_health_check=FRESH)
@given(histories())
def test_order_repetition_and_batches_make_no_difference_to_postgresql(
    postgresql: PostgresqlServer, history: History
) -> None:
    """PostgreSQL merges in the same way."""
    merged_alike(postgresql.new_database(), postgresql.new_database(), history)


def merged_alike(at_once: str, in_parts: str, history: History) -> None:
    """Assert that two ways of telling the same lead to the same store."""
    events, batches = history
    write(at_once, events)
    for batch in batches:
        write(in_parts, batch)
    assert contents(in_parts) == contents(at_once)
    rows_equal_rollups(in_parts)


def all_orders(events: Sequence[Event]) -> list[tuple[Event, ...]]:
    return list(itertools.permutations(events))


def test_own_outcome_beats_that_of_a_lost_worker(make_url: MakeUrl, read: Read) -> None:
    """Whichever is told first, that the worker was lost or how the job ended, its own end counts, and once."""
    job = new_job()
    lost = told(job, "worker_lost", NOW + 40, 40.0)
    own = told(job, "success", NOW + 60, 60.0)
    stores = []
    for order in all_orders([told(job, "started", NOW, 0.4), lost, own, told(job, "stopped", NOW + 60, 60.0)])[::4]:
        stores.append(make_url())
        for event in order:
            write(stores[-1], [event])
        assert contents(stores[-1]) == contents(stores[0])
    store = read(stores[0])
    [found] = store.executions().rows
    assert (found.outcome, found.duration, found.started_at) == ("success", 60.0, NOW)
    assert store.incidents() == ()
    assert rows_equal_rollups(stores[0]) == 1


def test_a_lost_worker_counts_more_than_the_bare_word_that_it_stopped(url: str, read: Read) -> None:
    """Where nothing else is told, the failure of a lost worker is how it ended."""
    job = new_job()
    write(url, [told(job, "stopped", NOW + 9, 9.0)])
    write(url, [told(job, "worker_lost", NOW + 5, 5.0)])
    store = read(url)
    [found] = store.executions().rows
    assert (found.outcome, found.kind, found.error_type) == ("failure", "worker_lost", "shop.errors.Lost")
    assert [each.kind for each in store.incidents()] == ["worker_lost"]


def test_a_start_that_comes_late_makes_nothing_run(url: str, read: Read) -> None:
    """An execution of three days whose end is told before its start isn't taken for one that runs."""
    job = new_job()
    three_days = 3 * 86_400.0
    write(url, [Success(job=job, at=NOW + three_days, duration=three_days)])
    write(url, [Started(job=job, at=NOW - 0.25)])
    store = read(url)
    assert store.running() == ()
    [found] = store.executions().rows
    assert found.started_at == NOW - 0.25


def test_the_end_of_a_job_of_days_is_told_twice(url: str, read: Read) -> None:
    """That a worker was lost is told of the day of its last sign of life, and its own end three days later: one row."""
    job = new_job()
    three_days = 3 * 86_400.0
    write(url, [Started(job=job, at=NOW)])
    write(url, [told(job, "worker_lost", NOW + 60, 60.0)])
    write(url, [Success(job=job, at=NOW + three_days, duration=three_days)])
    store = read(url)
    assert [each.outcome for each in store.executions().rows] == ["success"]
    assert rows_equal_rollups(url) == 1


def test_two_executions_that_end_in_the_same_millisecond_are_two(url: str, monkeypatch: Any, read: Read) -> None:
    """Ids that would be the same are told apart, also by later batches."""
    monkeypatch.setattr("jobreporter_history._calendar.crc32", lambda _: 5)
    for _ in range(3):
        write(url, [*succeeded(NOW), *succeeded(NOW), *failed(NOW)])
    store = read(url)
    rows = store.executions().rows
    assert len({row.id for row in rows}) == len(rows) == 9
    assert {row.ended_at for row in rows} == {NOW}


def test_too_many_series_count_as_one(url: str, monkeypatch: Any, read: Read) -> None:
    """Beyond the bound, executions are counted as `other`, and keep their own names."""
    monkeypatch.setattr("jobreporter_history._write.dictionary.MOST_SERIES", 3)
    for number in range(6):
        write(url, succeeded(NOW + number, name=f"shop.tasks.job_{number}"))
    running = [Started(job=new_job(name="shop.tasks.runs"), at=NOW)]
    write(url, running)
    write(url, running)
    store = read(url)
    rows = store.executions().rows
    assert sorted(row.name for row in rows) == [f"shop.tasks.job_{number}" for number in range(6)]
    assert {row.service for row in rows} == {"shop"}
    assert [each.name for each in store.running()] == ["shop.tasks.runs"]
    figures = {job.name: job.figures.runs for job in store.overview(NOW - 60, NOW + 60).jobs}
    assert figures["other"] == 3
    assert rows_equal_rollups(url) == 6
