"""Row 7: a reporter raises something, whatever it is."""

from __future__ import annotations

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import Call, Recorder, SteppedClock, make_event, make_job


class Cancelled(BaseException):
    """Of the reporter's own."""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        SystemExit(1),
        KeyboardInterrupt(),
        GeneratorExit(),
        RecursionError(),
        MemoryError(),
        StopIteration(),
        Cancelled(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_it_fails_one_event_and_lives_on(error: BaseException) -> None:
    """The event is failed for this reporter alone; it gets the next without waiting, and its neighbour gets all in order."""

    def raise_once(call: Call) -> None:
        if call.job is not None and call.job.id == "1":
            raise error

    raising, neighbour, clock = Recorder(effect=raise_once), Recorder(), SteppedClock()
    reporters = {"raising": raising, "neighbour": neighbour}
    with Dispatcher(reporters, clock=clock) as dispatcher:
        for number in range(5):
            dispatcher.publish(make_event("started", job=make_job(id=str(number))))
        clock.run(lambda: len(raising.events) == len(neighbour.events) == 5, at_most=0.1)
    for recorder in (raising, neighbour):
        assert [event.job.id for event in recorder.events] == ["0", "1", "2", "3", "4"]
    stats = dispatcher.stats()
    assert (stats["raising"].failed, stats["raising"].handled, stats["raising"].restarts) == (1, 4, 1)
    assert (stats["neighbour"].failed, stats["neighbour"].handled, stats["neighbour"].restarts) == (0, 5, 0)
    assert raising.names().count("reporter_start") == 2
