"""A clock that was ahead for a while and is set back: nothing waits until it has caught up."""

from __future__ import annotations

import pytest

from jobreporter.schedules import Schedule
from jobreporter_history._incidents import lease as leases
from jobreporter_history._incidents.lease import LENGTH
from jobreporter_history._open import open_database
from jobreporter_history._schedules.watch import Watch
from jobreporter_history.store import Store

from .conftest import Read, Run
from .executions import NOW, ORIGIN, failed, succeeded
from .sessions import Running

AHEAD = 2 * 86_400.0


@pytest.fixture
def running(url: str, run: Run) -> Running:
    """A worker that is the keeper."""
    return run(url, now=NOW)


@pytest.fixture
def store(url: str, read: Read, running: Running) -> Store:
    """What it writes to, by its clock."""
    return read(url, clock=lambda: running.now)


def fail(running: Running) -> None:
    """A failure that no attempt follows."""
    assert running.write(failed(running.now, event={"will_retry": False}))
    running.tick(5)


def test_a_keeper_that_died_ahead_has_a_successor_at_once(url: str, running: Running) -> None:
    """Its lease seems to be good for two days more."""
    running.now += AHEAD
    running.tick(5)
    running.now -= AHEAD
    successor = open_database(url, lambda: running.now)
    assert leases.take(successor, "successor", running.now, agent=False) is not None
    successor.close()


def test_a_keeper_that_lives_keeps_its_lease(url: str, running: Running) -> None:
    """Nothing changes for one that was set back by less than a lease."""
    running.tick(5)
    successor = open_database(url, lambda: running.now)
    assert leases.take(successor, "successor", running.now + LENGTH - 1, agent=False) is None
    successor.close()


def test_what_fails_after_it_is_told(running: Running, store: Store) -> None:
    """An incident that was resolved ahead of time comes back with the next failure, and that is told."""
    outbox = store.outbox("people")
    outbox.claim()
    fail(running)
    running.tick(60)
    outbox.told(*outbox.claim(settled=30))
    running.now += AHEAD
    assert running.write(succeeded(running.now))
    running.tick(5)
    [incident] = store.incidents()
    assert incident.state == "resolved"
    running.now -= AHEAD
    running.tick(5)
    assert store.incidents() == store.incidents(["resolved"])
    running.now += 1
    fail(running)
    [incident] = store.incidents()
    assert incident.state == "open"
    running.tick(60)
    assert [notice.row.happening for notice in outbox.claim(settled=30)] == ["resolved", "regressed"]


def test_a_claim_from_ahead_holds_nothing_up(running: Running, store: Store) -> None:
    """Whoever claimed a notice and died, or was to try again later by that clock, is not waited for; and what was told then
    is not told lately."""
    first, second = store.outbox("people"), store.outbox("people")
    first.claim()
    running.now += AHEAD
    fail(running)
    assert len(first.claim()) == 1
    running.now -= AHEAD
    [notice] = second.claim()
    assert second.told(notice)
    assert second.told_lately(60) == 1
    running.now += 120 - AHEAD
    assert second.told_lately(60) == 0


def test_signs_of_life_and_retention_go_on(running: Running, store: Store) -> None:
    """At the next tick, and not in two days."""
    running.tick(20)
    running.now += AHEAD
    running.tick(20)
    running.now -= AHEAD
    running.tick(20)
    [process] = store.processes()
    assert process.seen_at == running.now


def test_schedules_are_watched_from_then_on(running: Running, store: Store) -> None:
    """A run that doesn't come after it is missed, once; what was ahead is not judged again."""
    plan = Schedule(name="nightly", job="backup", every=3600.0, grace=60.0)
    watch = Watch(running.database, [plan], ORIGIN)
    watch.look(running.now)
    running.now += AHEAD
    watch.look(running.now)
    running.now -= AHEAD
    back, missed = running.now, []
    while running.now < back + 2 * 3600 + 600:
        running.now += 30
        missed += watch.look(running.now)
    assert len(missed) == 2
    [schedule] = store.schedules()
    assert schedule.missed == 2
