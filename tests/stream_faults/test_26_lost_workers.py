"""Faults 26 to 29, 31 and 33: whose worker is dead, and whose is not."""

from __future__ import annotations

import pytest

from jobreporter import Failure, Stopped
from jobreporter._agent.sweeper import EVERY, PATIENCE, Sweeper
from jobreporter._stream.decode import decode
from jobreporter.streams import StreamDown
from jobreporter.testing import SteppedClock
from tests.stream_faults.fleet import FOREVER, Fleet, execution, ids


class Watched:
    """A stream, a worker with one execution, and a sweeper with a clock of its own."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.stream = fleet.stream()
        self.clock = SteppedClock()
        self.sweeper = self.new_sweeper()
        self.worker = fleet.producer()
        self.begin("job")

    def new_sweeper(self) -> Sweeper:
        return Sweeper(self.fleet.stream(), self.clock, lambda _started: None)

    def begin(self, name: str) -> None:
        self.worker.send(execution(name, end=False))
        self.worker.stream.beat(self.worker.name, b"")

    def pass_time(self, seconds: float, *, beats: bool, looks: bool = True) -> int:
        """So much time, in steps; how many executions were ended."""
        ended = 0
        for step in range(int(seconds / EVERY)):
            self.clock.advance(EVERY)
            if beats and step % 2 == 0:
                self.worker.stream.beat(self.worker.name, b"")
            if looks:
                ended += self.sweeper.turn()
        return ended

    def events(self) -> list[str]:
        entries = [e for number in range(self.stream.partitions) for e in self.stream.read(number, 0, 10**9).entries]
        return ids([event for entry in entries for event in decode(entry.data).events])  # type: ignore[misc]  # all are


@pytest.fixture
def watched(fleet: Fleet) -> Watched:
    return Watched(fleet)


def test_a_worker_that_is_silent_for_long_enough_is_lost(watched: Watched) -> None:
    """Its execution fails, with the worker named, at the time of its last sign of life."""
    assert watched.pass_time(PATIENCE - EVERY, beats=False) == 0
    assert watched.pass_time(3 * EVERY, beats=False) == 1
    assert watched.events() == ["job Started", "job Failure", "job Stopped"]
    entries = [e for number in range(watched.stream.partitions) for e in watched.stream.read(number, 0, 10**9).entries]
    failure, stopped = decode(entries[-1].data).events
    assert isinstance(failure, Failure)
    assert isinstance(stopped, Stopped)
    assert (failure.kind, failure.error.type, failure.will_retry) == ("worker_lost", "jobreporter.WorkerLost", None)
    assert failure.error.message == "the worker web-1:4711 gave no sign of life any more"
    assert watched.pass_time(100, beats=False) == 0


def test_a_job_that_the_queue_gives_out_again_is_retried(watched: Watched) -> None:
    """Where its source said so when it began."""
    import msgspec

    (started,) = execution("again", end=False)
    started = msgspec.structs.replace(started, job=msgspec.structs.replace(started.job, extra={"redelivered": True}))
    watched.worker.send([started])
    assert watched.pass_time(60, beats=False) == 2
    entries = [e for number in range(watched.stream.partitions) for e in watched.stream.read(number, 0, 10**9).entries]
    failures = [event for entry in entries for event in decode(entry.data).events if isinstance(event, Failure)]
    assert sorted((each.job.id, each.will_retry) for each in failures) == [("again", True), ("job", None)]


def test_26_a_stream_that_is_down_makes_nobody_dead(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as it can't be asked, workers can't give a sign either."""
    watched.pass_time(20, beats=True)

    def down() -> None:
        raise StreamDown("for a minute")

    monkeypatch.setattr(watched.sweeper._stream, "open_executions", down)
    for _ in range(12):
        watched.clock.advance(EVERY)
        with pytest.raises(StreamDown):
            watched.sweeper.turn()
        watched.sweeper.interrupted()
    monkeypatch.undo()
    assert watched.pass_time(PATIENCE - 2 * EVERY, beats=False) == 0, "its time begins anew"
    assert watched.pass_time(60, beats=True) == 0


def test_27_an_agent_that_was_paused_makes_nobody_dead(watched: Watched) -> None:
    """It did not look for a minute; the workers lived all the while."""
    watched.pass_time(20, beats=True)
    watched.clock.advance(60)
    assert watched.sweeper.turn() == 0, "its own pause counts for no more than a turn"
    assert watched.pass_time(120, beats=True) == 0


def test_28_a_worker_that_was_stopped_is_lost_once(watched: Watched) -> None:
    """Awake again, its late ending is refused and counted, and the rest of what it says is taken."""
    assert watched.pass_time(60, beats=False) == 1
    watched.worker.send([*execution("job")[1:], *execution("next")])
    assert watched.worker.outcome.repeated == 2
    found = watched.events()
    assert sorted(found) == sorted(
        ["job Started", "job Failure", "job Stopped", "next Started", "next Success", "next Stopped"]
    )
    assert watched.pass_time(60, beats=False) == 0


def test_29_the_same_execution_may_begin_again(watched: Watched) -> None:
    """Ids repeat: its new end is taken."""
    assert watched.pass_time(60, beats=False) == 1
    other = watched.fleet.producer()
    other.send(execution("job", end=False))
    other.send(execution("job")[1:])
    assert other.outcome.repeated == 0
    assert watched.events().count("job Success") == 1
    assert watched.pass_time(100, beats=False) == 0


def test_31_two_sweepers_end_an_execution_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen that it is open, and have found the worker dead; the second finds nothing to end."""
    second = watched.new_sweeper()
    open_at_once = watched.stream.open_executions()
    monkeypatch.setattr(second._stream, "open_executions", lambda: open_at_once)
    watched.sweeper.turn()
    second.turn()
    ended = 0
    for _ in range(12):
        watched.clock.advance(EVERY)
        open_at_once = watched.stream.open_executions()
        ended += watched.sweeper.turn() + second.turn()
    assert ended == 1
    assert watched.events().count("job Failure") == 1


def test_33_a_job_of_thirty_days_is_found(watched: Watched) -> None:
    """Its beginning was settled and removed long ago, and its worker dies."""
    watched.stream.register({"log": "oldest"})
    from jobreporter.streams import Settlement

    for partition in range(watched.stream.partitions):
        lease = watched.stream.acquire("log", partition, b"agent", 10)
        window = watched.stream.read(partition, 0, 10**6)
        assert lease is not None
        if window.entries:
            end = window.head
            settlement = Settlement(begin=0, end=end, last_key=window.entries[-1].key, handled=end)
            assert watched.stream.settle(lease, settlement) == "settled"
    assert watched.stream.trim(FOREVER).entries == 1
    for _ in range(30):
        watched.pass_time(20, beats=True)
        watched.clock.advance(86_400 - 20)
    assert watched.pass_time(60, beats=False) == 1
    assert watched.events() == ["job Failure", "job Stopped"]


def test_30_the_sources_own_report_is_the_only_one(watched: Watched) -> None:
    """The parent of a killed child ends its execution at once: nobody is left to be ended 45 seconds later."""
    parent = watched.fleet.producer()
    parent.send(execution("job", fails=True)[1:])
    assert watched.pass_time(100, beats=False) == 0
    assert watched.events().count("job Failure") == 1
