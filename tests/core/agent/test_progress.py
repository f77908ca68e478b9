"""How far a reporter has read, by the stream's clock."""

from __future__ import annotations

import pytest

from jobreporter._agent.progress import Progress, ReadUpTo
from jobreporter.streams import Beat, Ledger
from jobreporter.testing import SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


def ledger(reporter: str, oldest_at: float | None) -> Ledger:
    return Ledger(reporter=reporter, partition=0, start=0, position=0, head=9, oldest_at=oldest_at)


def test_nothing_is_known_before_the_stream_was_asked(clock: SteppedClock) -> None:
    """And then everything has been read up to when it was asked, or up to the oldest event that waits."""
    progress = Progress(clock)
    assert progress.of("watch") is None
    asked_at = progress.now()
    clock.advance(3)
    progress.looked([ledger("watch", None), ledger("other", asked_at - 50)], asked_at)
    assert progress.of("watch") == ReadUpTo(asked_at, 0.0, asked_at + 3)
    assert progress.of("other") == ReadUpTo(asked_at - 50, 0.0, asked_at + 3)


def test_the_time_is_the_streams(clock: SteppedClock) -> None:
    """This machine's clock may be an hour ahead."""
    progress = Progress(clock)
    progress.heard(Beat(counter=1, at=clock.time() - 3600, data=b""))
    progress.heard(None)  # it could not tell this time
    clock.advance(10)
    assert progress.now() == clock.time() - 3600


def test_what_is_still_in_the_spool_has_not_been_read(clock: SteppedClock) -> None:
    """From when on it was more than there was time for, until all of it was taken in."""
    progress = Progress(clock)
    progress.took_in(everything=False)
    behind_since = progress.now()
    clock.advance(100)
    progress.took_in(everything=False)
    progress.looked([], progress.now())
    reading = progress.of("watch")
    assert reading is not None
    assert reading.at == behind_since
    progress.took_in(everything=True)
    reading = progress.of("watch")
    assert reading is not None
    assert reading.at == progress.now()


@pytest.mark.parametrize("how", ["it was away", "this process was stopped"])
def test_a_time_without_an_answer_is_a_gap(clock: SteppedClock, how: str) -> None:
    """The first answers are none: what came before them is another agent's."""
    progress = Progress(clock)
    progress.interrupted()
    progress.answered()
    progress.looked([], progress.now())
    clock.advance(5)
    progress.answered()
    assert progress.of("watch") == ReadUpTo(progress.now() - 5, 0.0, progress.now())
    if how == "it was away":
        progress.interrupted()
        clock.advance(1)
    else:
        clock.advance(61)
    progress.answered()
    reading = progress.of("watch")
    assert reading is not None
    assert reading.answered_since == progress.now()


class SetClock(SteppedClock):
    """One that somebody sets."""

    set_by = 0.0

    def time(self) -> float:  # type: ignore[override]  # as in the class that it stands in for
        return super().time() + self.set_by


@pytest.mark.parametrize("shift", [-86_400.0, 86_400.0])
@pytest.mark.parametrize("whose", ["this machine's", "the stream's"])
def test_41_of_a_time_that_a_clock_leaves_out_nobody_knows(shift: float, whose: str) -> None:
    """Until the next answer nothing is said, and from then on it is a new time."""
    clock = SetClock()
    progress = Progress(clock)
    progress.looked([], progress.now())
    for _ in range(3):
        clock.advance(5)
        progress.heard(Beat(counter=1, at=clock.time(), data=b""))
        progress.answered()
    assert progress.of("watch") is not None
    if whose == "the stream's":
        progress.heard(Beat(counter=2, at=clock.time() + shift, data=b""))
    else:
        clock.set_by = shift
    progress.looked([], progress.now())
    assert progress.of("watch") is None
    progress.answered()
    reading = progress.of("watch")
    assert reading is not None
    assert reading.answered_since == reading.now == clock.time() + (shift if whose == "the stream's" else 0.0)


def test_41_a_clock_that_was_set_forward_is_known_for_a_while(clock: SteppedClock) -> None:
    """At once, by this machine's own or by what a server told; set back, or late by seconds, it wasn't that."""
    progress = Progress(clock)
    ahead = 0.0

    def hear() -> None:
        progress.heard(Beat(counter=1, at=clock.time() + ahead, data=b""))

    hear()
    progress.answered()
    for by in (-7200.0, 30.0, -30.0):
        clock.advance(5)
        ahead += by
        hear()
        assert not progress.was_advanced(3600)
        progress.answered()
    clock.advance(5)
    ahead += 86_400
    hear()
    for step in (600, 600, 2000):
        assert progress.was_advanced(3600), "also after other answers"
        progress.answered()
        clock.advance(step)
        hear()
    clock.advance(600)
    hear()
    assert not progress.was_advanced(3600)
