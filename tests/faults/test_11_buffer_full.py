"""Row 11: more events come than a reporter takes."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from jobreporter import Dispatcher, Event, hookimpl
from jobreporter._lane.buffer import PIECE
from jobreporter.testing import Recorder, make_event, make_job
from tests.waiting import arrives, until

CAPACITY = 100


class Gate:
    """Takes nothing until it is open, and then counts what it gets by kind."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        self.seen: Counter[str] = Counter()

    def take(self, event: Event) -> None:
        self.reached.set()
        self.open.wait()
        self.seen[type(event).__name__.lower()] += 1

    @hookimpl
    def handle_started(self, meta: Event) -> None:
        self.take(meta)

    @hookimpl
    def handle_success(self, meta: Event) -> None:
        self.take(meta)

    @hookimpl
    def handle_failure(self, meta: Event) -> None:
        self.take(meta)

    @hookimpl
    def handle_stopped(self, meta: Event) -> None:
        self.take(meta)


@pytest.mark.parametrize("overflow", ["drop_newest", "drop_oldest"])
def test_drops_are_counted_by_reporter_reason_and_kind(overflow: str, caplog: pytest.LogCaptureFixture) -> None:
    """For every kind, what was published is what the reporter saw and what was counted as dropped, and no more."""
    gate, neighbour = Gate(), Recorder()
    lane = {"capacity": CAPACITY, "overflow": overflow, "timeout": 60}
    dispatcher = Dispatcher({"gate": gate, "neighbour": neighbour}, config={"reporters": {"gate": {"lane": lane}}})
    published: Counter[str] = Counter()
    for number in range(1_000):
        job = make_job(id=str(number))
        for kind in ("started", "failure" if number % 3 else "success", "stopped"):
            dispatcher.publish(make_event(kind, job=job))
            published[kind] += 1
    until(lambda: len(neighbour.events) == 3_000)
    assert dispatcher.stats()["gate"].pending <= CAPACITY + PIECE, "its buffer, and one piece in hand"
    gate.open.set()
    assert dispatcher.close(20)
    stats = dispatcher.stats()
    dropped = stats["gate"].dropped_kinds["capacity"]
    assert Counter(dropped) + gate.seen == published
    assert stats["gate"].dropped == {"capacity": sum(dropped.values())}
    assert dropped["started"] > 0
    assert (stats["neighbour"].dropped, stats["neighbour"].dropped_kinds) == ({}, {})
    assert "reporter 'gate' is too slow" in caplog.text


def test_outcomes_keep_their_room() -> None:
    """A flood of starts leaves a fifth of the room to how jobs ended."""
    gate = Gate()
    dispatcher = Dispatcher({"gate": gate}, config={"reporters": {"gate": {"lane": {"capacity": CAPACITY}}}})
    dispatcher.publish(make_event("stopped"))
    arrives(gate.reached)
    for _ in range(10 * CAPACITY):
        dispatcher.publish(make_event("started"))
    for _ in range(CAPACITY // 5):
        dispatcher.publish(make_event("success"))
    gate.open.set()
    assert dispatcher.close(20)
    assert gate.seen["success"] == CAPACITY // 5
    assert set(dispatcher.stats()["gate"].dropped_kinds["capacity"]) == {"started"}


def test_what_is_left_at_the_end_is_counted_by_kind_too() -> None:
    """What waited when the dispatcher closed, and what came later."""
    gate = Gate()
    dispatcher = Dispatcher({"gate": gate})
    for kind in ("started", "success", "stopped", "started"):
        dispatcher.publish(make_event(kind))
    arrives(gate.reached)
    until(lambda: dispatcher._runtime.lanes[0].buffer.admitted == 4)
    assert not dispatcher.close(0.01)
    with dispatcher.begin("late"):
        pass
    stats = dispatcher.stats()["gate"]
    assert (stats.failed, stats.dropped) == (1, {"closed": 6})
    assert stats.dropped_kinds == {"closed": {"started": 2, "success": 2, "stopped": 2}}
    gate.open.set()


class Publishing:
    """Publishes an event on its lane."""

    dispatcher: Dispatcher

    @hookimpl
    def handle_success(self) -> None:
        self.dispatcher.publish(make_event("started"))


def test_every_reason_tells_its_kinds() -> None:
    """What was dropped for another reason than a full buffer is counted by kind as well."""
    publishing = Publishing()
    dispatcher = publishing.dispatcher = Dispatcher({"publishing": publishing})
    dispatcher.publish("no event")  # type: ignore[arg-type]
    with dispatcher.begin("a") as execution:
        pass
    execution._stopped = False  # what a time limit leaves that is raised between the append and this note of it
    execution.stop()
    assert dispatcher.flush(20)
    assert dispatcher.stats()["publishing"].dropped_kinds == {
        "echo": {"started": 1},
        "invalid": {"unknown": 1},
        "repeated": {"success": 1, "stopped": 1},
    }
    dispatcher.close(20)
