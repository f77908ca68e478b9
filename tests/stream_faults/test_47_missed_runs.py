"""Fault 47: a run of a schedule does not come, while the agent that watches changes, or the stream is away."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jobreporter import Aborted, Context, Event, Job, Started, Stopped, TryAgain
from jobreporter._agent.progress import ReadUpTo
from jobreporter._agent.schedule_lane import reporter_for
from jobreporter._stream.decode import decode
from jobreporter.schedules import Schedule
from jobreporter.streams import StreamDown
from tests.stream_faults.fleet import Fleet

START = 1_767_614_400.0
HOUR = 3600.0
HOURLY = Schedule(name="hourly", job="backup", cron="0 * * * *")
CONTEXT = Context(host="host", pid=1, version="0", stats=dict)


class Watcher:
    """The lane's reporter of one agent, whose calls are the test's."""

    def __init__(self, fleet: Fleet) -> None:
        self.reading: ReadUpTo | None = None
        self.reporter = reporter_for([HOURLY], fleet.stream, lambda: self.reading)()
        self.reporter.reporter_start(CONTEXT)

    def tick(self, at: float) -> None:
        self.reading = ReadUpTo(at, 0.0, at)
        self.reporter.reporter_tick()

    def until(self, at: float) -> None:
        """Tick every twenty seconds, from the last tick on."""
        while self.reading is None or self.reading.at < at:
            self.tick(at if self.reading is None else self.reading.at + 20)

    def read(self, at: float) -> None:
        """A run of the job, which is settled after this."""
        self.reporter.handle_started(Started(job=Job(id="1", execution_id="1", name="backup", source="command"), at=at))
        self.reporter.reporter_flush()


def missed(fleet: Fleet) -> list[Event]:
    """What the stream holds."""
    stream = fleet.stream()
    entries = [e for number in range(stream.partitions) for e in stream.read(number, 0, 10**9).entries]
    return [event for entry in entries for event in decode(entry.data).events]  # type: ignore[misc]  # all are known


def test_a_missed_run_is_told_to_everybody(fleet: Fleet) -> None:
    """Aborted, and over, once."""
    watcher = Watcher(fleet)
    watcher.tick(START)
    watcher.until(START + HOUR + 400)
    aborted, stopped = missed(fleet)
    assert isinstance(aborted, Aborted)
    assert isinstance(stopped, Stopped)
    assert (aborted.job.id, aborted.reason) == (f"missed:hourly:{START + HOUR:.0f}", "missed")


def test_an_agent_that_takes_over_knows_of_runs_that_are_settled(fleet: Fleet) -> None:
    """The first one has read the run, and is killed before its grace is over."""
    first = Watcher(fleet)
    first.tick(START)
    first.until(START + HOUR - 30)
    first.read(START + HOUR - 20)
    second = Watcher(fleet)
    second.tick(START + HOUR + 20)
    second.until(START + HOUR + 400)
    assert missed(fleet) == []
    second.until(START + 2 * HOUR + 400)
    assert [event.job.id for event in missed(fleet)] == [f"missed:hourly:{START + 2 * HOUR:.0f}"] * 2


def test_what_is_not_kept_is_not_settled(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream is away when a run is flushed: it stays unsettled, as does what comes before anybody knows how far it is."""
    watcher = Watcher(fleet)
    with pytest.raises(TryAgain):
        watcher.read(START + HOUR - 20)
    watcher.tick(START + HOUR - 10)
    with monkeypatch.context() as context:

        def down(*_: Any) -> None:
            raise StreamDown("away")

        context.setattr(watcher.reporter._opened, "beat", down)
        with pytest.raises(TryAgain):
            watcher.reporter.reporter_flush()
        watcher.tick(START + HOUR)
    watcher.until(START + HOUR + 400)
    assert missed(fleet) == []


def test_a_missed_run_that_can_not_be_told_is_told_later(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is judged, and noted as such only after the stream has it."""
    watcher = Watcher(fleet)
    watcher.tick(START)
    watcher.until(START + HOUR + 300)
    with monkeypatch.context() as context:

        def down(*_: Any) -> None:
            raise StreamDown("away")

        context.setattr(watcher.reporter._opened, "append", down)
        watcher.tick(START + HOUR + 320)
    assert missed(fleet) == []
    another = Watcher(fleet)
    another.tick(START + HOUR + 330)
    assert len(missed(fleet)) == 2
    watcher.tick(START + HOUR + 340)
    assert {event.job.id for event in missed(fleet)} == {f"missed:hourly:{START + HOUR:.0f}"}


@pytest.mark.parametrize("notes", [b"\xff", msgspec.msgpack.encode({"since": "later"})])
def test_notes_that_nobody_can_read_begin_anew(fleet: Fleet, notes: bytes) -> None:
    """As those of a later version."""
    fleet.stream().beat(b"schedule", notes)
    watcher = Watcher(fleet)
    watcher.tick(START)
    watcher.until(START + HOUR + 400)
    assert len(missed(fleet)) == 2
