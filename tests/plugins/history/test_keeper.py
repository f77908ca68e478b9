"""The keeper: one at a time, each decision logged once, whoever is killed or stopped in the middle of it."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import pytest

from jobreporter import Aborted, Event, Origin, Started, Stopped
from jobreporter_history._engines import file_lock, sqlite
from jobreporter_history._engines import postgresql_connection as asking
from jobreporter_history._incidents.keeper import Keeper
from jobreporter_history._incidents.lease import LENGTH
from jobreporter_history._open import open_database
from jobreporter_history.store import Unavailable

from .conftest import Read, Run
from .executions import NOW, ORIGIN, failed, new_job, succeeded, write
from .interrupted import Child
from .model import Model

CELL = NOW // 600 * 600
HOUR = 3600.0


def keeper_of(url: str, owner: str, now: float) -> Callable[..., int]:
    """A keeper with a clock that stands still. Returns what ticks it, some seconds later."""
    database = open_database(url, lambda: now)
    keeper = Keeper(database, owner)

    def tick(later: float = 0.0) -> int:
        try:
            return keeper.decide(now + later) if keeper.take(now + later) else 0
        finally:
            database.close()

    return tick


def log_of(url: str) -> list[tuple[int, int, str]]:
    """What was logged: incident, number, what happened."""
    with closing(open_database(url)) as database, database.reading() as connection:
        return connection.rows("SELECT incident, seq, happening FROM incident_log ORDER BY n")


def fail_five(url: str) -> None:
    """Five incidents that are due to be opened."""
    write(url, [event for number in range(5) for event in failed(NOW + number, name=f"shop.tasks.job_{number}")])


EVERY = [(number, 1, "opened") for number in range(1, 6)]


def test_a_killed_keeper_is_followed(url: str) -> None:
    """SIGKILL before any of its statements: the next keeper takes over once the lease is over, and each row is there once."""
    fail_five(url)
    last = Child(keeper_of(url, "first", NOW + 10), None).wait()
    assert log_of(url) == EVERY
    for statement in range(1, last + 1):
        with closing(open_database(url)) as database, database.writing() as connection:
            connection.run("DELETE FROM lease")
            connection.run("DELETE FROM incident_log")
            connection.run("UPDATE incident SET state = 'pending', seq = 0")
        Child(keeper_of(url, "first", NOW + 10), statement).wait()
        second = keeper_of(url, "second", NOW + 10)
        second(5)  # it may be that the first hadn't come to take the lease
        second(LENGTH + 5)
        assert Counter(sorted((a, c) for a, _, c in log_of(url))) == Counter((a, c) for a, _, c in EVERY), statement


def test_a_stopped_keeper_that_goes_on_writes_nothing_twice(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP before any of its statements, for longer than the lease: another keeper takes over within 30 s, and whatever
    the first one does when it goes on, each row is there once."""
    fail_five(url)
    last = Child(keeper_of(url, "first", NOW + 10), None).wait()
    monkeypatch.setitem(asking.SETTINGS, "idle_in_transaction_session_timeout", "400ms")
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    monkeypatch.setattr(file_lock, "_PATIENCE", 0.05)
    taken_over = 0

    def work() -> None:
        try:
            keeper_of(url, "first", NOW + 10)()
        except Unavailable:
            pass  # the server ended its transaction while it was stopped

    for statement in range(1, last + 1):
        with closing(open_database(url)) as database, database.writing() as connection:
            connection.run("DELETE FROM lease")
            connection.run("DELETE FROM incident_log")
            connection.run("UPDATE incident SET state = 'pending', seq = 0")
        child = Child(work, statement, signal.SIGSTOP)
        assert child.wait_for_stop()
        try:
            taken_over += keeper_of(url, "second", NOW + 10)(LENGTH + 5) > 0
        except Unavailable:
            # In SQLite, whoever is stopped in the middle of a write has everybody wait.
            assert url.startswith("sqlite")
        child.go_on()
        child.wait()
        keeper_of(url, "third", NOW + 10)(3 * LENGTH)
        assert sorted(log_of(url)) == EVERY, statement
    assert taken_over >= 5


def test_the_lease_has_one_owner(url: str) -> None:
    """It is renewed by its owner, taken over after 15 seconds, and an agent's keeper goes before a worker's."""
    write(url, [])
    database = open_database(url, lambda: NOW)
    worker, other, agent = (Keeper(database, name, agent=name == "agent") for name in ("worker", "other", "agent"))
    assert worker.take(NOW)
    assert not other.take(NOW + 1)
    assert worker.take(NOW + 10)
    assert not other.take(NOW + 10 + LENGTH - 1)
    assert other.take(NOW + 10 + LENGTH)
    assert not worker.take(NOW + 10 + LENGTH)
    assert agent.take(NOW + 10 + LENGTH + 1)
    assert not other.take(NOW + 10 + LENGTH + 2)
    agent.close()
    assert worker.take(NOW + 10 + LENGTH + 3)
    database.close()


def test_a_keeper_that_ends_in_good_order_hands_over_at_once(url: str, run: Run) -> None:
    """When its process ends, another one decides at its next tick."""
    first, second = run(url), run(url, pid=8)
    for running in (first, second):
        running.tick(10)
    assert first.write(failed(NOW))
    first.session.close()
    second.tick(5)
    assert log_of(url) == [(1, 1, "opened")]


def test_processes_that_run_one_job_each_decide_at_their_end(url: str, run: Run, read: Read) -> None:
    """Where no process lives for long, whoever has a failure to tell decides at its last tick, which comes before its last
    flush; of the others, one in five seconds."""
    now = NOW

    def live(event: list[Event]) -> None:
        running = run(url, now=now)
        running.take(event)
        running.tick()
        assert running.write()
        running.close()

    for number in range(3):
        live(failed(now, name=f"shop.tasks.job_{number}", event={"will_retry": False}))
        now += 1
    assert log_of(url) == [(1, 1, "opened"), (2, 1, "opened"), (3, 1, "opened")]
    store = read(url, clock=lambda: now)
    now += 1000
    live(succeeded(now, name="shop.tasks.job_0"))
    assert [store.incident(1).incident.state, len(log_of(url))] == ["resolved", 4]
    now += 2
    live(succeeded(now, name="shop.tasks.job_1"))
    assert len(log_of(url)) == 4
    now += 5
    live(succeeded(now, name="shop.tasks.job_2"))
    assert len(log_of(url)) == 6


def test_an_agent_is_who_hears_of_others(url: str, run: Run) -> None:
    """A reporter that gets events of another process is an agent's, and its keeper goes first."""
    worker, agent = run(url), run(url, pid=99)
    worker.tick(10)
    assert agent.write(succeeded(NOW))
    agent.tick(10)
    assert agent.session.upkeep.keeper.agent
    assert agent.session.upkeep.keeper.lease is not None
    worker.tick(5)
    assert worker.session.upkeep.keeper.lease is None


def test_the_store_decides_as_the_model_does(url: str, read: Read) -> None:
    """A day of random successes, failures and retries leads to the same log, whether its sums are in memory or in the
    store."""
    chance = random.Random(7)  # noqa: S311 - chance, and no secret
    model = Model()
    database = open_database(url)
    keeper = Keeper(database, "keeper")
    events: list[Event] = []
    for minute in range(26 * 60):
        at = CELL + minute * 60.0
        share = 0.9 if 5 * 60 < minute < 6 * 60 else 0.02 if minute < 14 * 60 else 0.0
        if chance.random() < share:
            final = chance.random() < 0.5
            model.fail(at, final=final)
            events += failed(at, event={"will_retry": not final})
        else:
            model.succeed(at)
            events += succeeded(at)
        if minute % 10 == 0:
            write(database, events)
            events = []
            assert keeper.take(at + 1)
            keeper.decide(at + 1)
            model.tick(at + 1)
    store = read(url)
    found = store.incident(1)
    assert found is not None
    logged = [(row.at, row.happening, row.cause, row.quiet, row.facts) for row in reversed(found.log)]
    assert logged == [(at, each.happening, each.cause, quiet, each.facts) for at, each, quiet in model.log]
    assert len(logged) >= 3
    assert (found.incident.failed, found.incident.final) == (model.known.failed, model.known.final)
    database.close()


def test_releases_are_ordered_by_their_first_sight(url: str, run: Run, read: Read) -> None:
    """An incident that is fixed in a release is not reopened by a worker that still runs the one before."""
    running, store = run(url), read(url)

    def fail(at: float, release: str) -> None:
        origin = Origin(service="shop", environment="production", release=release, host="web-1", pid=7, version="0.1.0")
        assert running.write([]) or True
        running.take(failed(at), origin)
        assert running.write()

    fail(NOW, "1.9")
    fail(NOW + 1, "1.10")
    running.tick(10)
    request = store.resolve(1, release="1.10", by="ada")
    running.tick(5)
    assert store.answer(request) == "it is resolved; failures in releases before 1.10 don't open it again"
    fail(NOW + 100, "1.9")
    running.tick(100)
    assert [each.state for each in store.incidents()] == ["resolved"]
    fail(NOW + 200, "1.10")
    running.tick(100)
    assert [(each.state, each.last_happening) for each in store.incidents()] == [("open", "regressed")]


def test_what_people_ask_for_is_done(url: str, run: Run, read: Read) -> None:
    """Requests wait for the keeper, are done in order, and answered; of an incident that there is none of, too."""
    running, store = run(url), read(url)
    assert running.write(failed(NOW))
    running.tick(10)
    requests = [store.silence(1, NOW + HOUR, by="ada"), store.resolve(1), store.unsilence(1), store.resolve(77)]
    assert [store.answer(each) for each in requests] == [None] * 4
    running.tick(5)
    assert [store.answer(each) for each in requests] == [
        "it is silenced",
        "it is resolved",
        "it is heard of again",
        "there is no incident 77",
    ]
    found = store.incident(1)
    assert found is not None
    assert [(row.happening, row.quiet) for row in found.log] == [
        ("unsilenced", True),
        ("resolved", True),
        ("silenced", True),
        ("opened", False),
    ]


def test_a_tagged_incident_resolves_by_all_of_its_jobs(url: str, run: Run, read: Read) -> None:
    """An incident of two jobs counts the runs of both, through whichever queue they go."""
    running, store = run(url), read(url)
    for number, name in enumerate(("shop.tasks.charge", "shop.tasks.refund")):
        assert running.write(failed(NOW + number, name=name, event={"tags": {"incident": "bank down"}}))
    running.tick(10)
    [incident] = store.incidents()
    assert (incident.kind, incident.parts, incident.failed) == ("tag", ("tag", "bank down"), 2)
    found = store.incident(incident.id)
    assert found is not None
    assert found.jobs == ("shop.tasks.charge", "shop.tasks.refund")
    assert running.write(succeeded(NOW + 60, name="shop.tasks.refund", queue="another"))
    running.tick(15 * 60)
    assert [each.state for each in store.incidents()] == ["resolved"]


def test_a_missed_run_is_told_at_once(url: str, run: Run, read: Read) -> None:
    """A run that a schedule missed opens an incident of that schedule, which the job's next success resolves."""
    running, store = run(url), read(url)
    job = new_job(id=f"missed:nightly:{NOW:.0f}", name="backup", source="command", queue=None)
    missed = [Aborted(job=job, at=NOW, reason="missed"), Stopped(job=job, at=NOW, outcome="aborted")]
    assert running.write(missed)
    assert running.write(missed)
    running.tick(10)
    [incident] = store.incidents()
    assert (incident.kind, incident.parts, incident.state, incident.failed) == (
        "missed",
        ("missed", "nightly"),
        "open",
        1,
    )
    assert incident.last_happening == "missed"
    found = store.incident(incident.id)
    assert found is not None
    assert found.sample is not None
    assert found.sample.execution.kind == "missed"
    assert running.write(succeeded(NOW + 60, name="backup", source="command", queue=None))
    running.tick(60)
    assert [each.state for each in store.incidents()] == ["resolved"]


def test_a_lost_execution_is_seen(url: str, run: Run, read: Read) -> None:
    """What runs in a process that has shown no sign of life for a minute is shown as lost."""
    running = run(url)
    store = read(url, clock=lambda: running.now)
    running.take([Started(job=new_job(id="long"), at=NOW)])
    assert running.write()
    running.tick(15)
    [found] = store.running()
    assert (found.lost, found.seen_at) == (False, NOW + 15)
    running.now += 61
    [found] = store.running()
    assert found.lost
    running.tick()
    [found] = store.running()
    assert not found.lost
    assert ORIGIN.pid == 7
