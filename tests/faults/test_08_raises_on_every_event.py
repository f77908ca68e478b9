"""Row 8: a reporter raises on every event, for twenty minutes, and then is healed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from jobreporter import Dispatcher
from jobreporter._lane.backoff import LONGEST as LONGEST_BACKOFF
from jobreporter.testing import Recorder, SteppedClock, make_event, make_job

#: Seconds.
LONG = 1200
#: From here to twice that all floats are equally far apart, and sums of seconds exact.
BEGINNING = 2_048
EVENTS = 240


class Lines(logging.Handler):
    """When a line was logged, by the stepped clock."""

    def __init__(self, clock: SteppedClock) -> None:
        super().__init__(logging.INFO)
        self._clock = clock
        self.lines: list[tuple[float, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((self._clock.monotonic(), record.getMessage()))


@contextmanager
def listening(clock: SteppedClock) -> Iterator[Lines]:
    """Hears what jobreporter logs."""
    heard, logger = Lines(clock), logging.getLogger("jobreporter")
    before = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.setLevel(before)


def test_it_is_tried_again_for_ever_and_comes_back() -> None:
    """Its breaker opens, its log is a line in 30 seconds at most, and it works again within one backoff once healed."""
    recorder, neighbour, clock = Recorder(crash_on={"handle_success"}), Recorder(), SteppedClock(BEGINNING)
    reporters = {"recorder": recorder, "neighbour": neighbour}
    with listening(clock) as heard, Dispatcher(reporters, clock=clock) as dispatcher:
        for number in range(EVENTS):
            dispatcher.publish(make_event("success", job=make_job(id=str(number))))
            clock.advance(LONG / EVENTS)
        stats = dispatcher.stats()["recorder"]
        assert (stats.status, stats.handled) == ("backing_off", 0)
        assert len(recorder.events) == stats.failed >= LONG // LONGEST_BACKOFF
        recorder.crash_on.clear()
        clock.run(lambda: dispatcher.stats()["recorder"].status == "running", at_most=LONGEST_BACKOFF)
        clock.run(lambda: dispatcher.stats()["recorder"].pending == 0, at_most=1)
    stats = dispatcher.stats()["recorder"]
    assert stats.failed + stats.handled == len(neighbour.events) == EVENTS
    assert [event.job.id for event in recorder.events] == [event.job.id for event in neighbour.events]
    crashes = [moment for moment, line in heard.lines if "crashed in handle_success" in line]
    assert len(crashes) >= LONG / 90, "it goes on being told"
    assert min(after - before for before, after in pairwise(crashes)) >= 30
    others = [line for _, line in heard.lines if "crashed in handle_success" not in line]
    assert others == [
        "reporter 'recorder' works again",
        f"reporter 'recorder' lost {stats.failed} of {EVENTS} events: {stats.failed} failed (it crashed or hung on them)",
    ]
