"""When a reporter that crashes is started again."""

from __future__ import annotations

from jobreporter._lane.backoff import LONGEST
from jobreporter._lane.breaker import CRASHES, Breaker
from jobreporter.testing import SteppedClock


def test_a_crash_alone_leaves_it_closed() -> None:
    """Four crashes in a row are forgiven."""
    breaker = Breaker(SteppedClock())
    for _ in range(CRASHES - 1):
        breaker.crashed()
    assert not breaker.open


def test_five_crashes_in_thirty_seconds_open_it() -> None:
    """The fifth crash within the window makes the reporter wait a tenth of a second."""
    clock = SteppedClock(0)
    breaker = Breaker(clock)
    for _ in range(CRASHES):
        clock.advance(7.5)
        breaker.crashed()
    assert breaker.retry_at == 37.5 + 0.1


def test_crashes_that_are_far_apart_leave_it_closed() -> None:
    """Five crashes in more than 30 seconds are five single ones."""
    clock = SteppedClock()
    breaker = Breaker(clock)
    for _ in range(2 * CRASHES):
        breaker.crashed()
        clock.advance(7.6)
    assert not breaker.open


def test_the_backoff_doubles_up_to_thirty_seconds() -> None:
    """Each probe that fails doubles the wait."""
    clock = SteppedClock(0)
    breaker = Breaker(clock)
    waits = []
    for _ in range(3000):
        breaker.failed_to_start()
        assert breaker.retry_at is not None
        waits.append(breaker.retry_at)
    assert [round(wait, 3) for wait in waits[:10]] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30]
    assert waits[-1] == LONGEST


def test_jitter_spreads_the_second_half_of_a_backoff() -> None:
    """A wait is between half of the backoff and the whole of it."""

    class Unlucky(SteppedClock):
        def random(self) -> float:
            return 0.0

    breaker = Breaker(Unlucky(0))
    breaker.failed_to_start()
    assert breaker.retry_at == 0.05


def test_a_crash_while_it_is_open_fails_the_probe() -> None:
    """A probe that crashes makes the next wait twice as long."""
    breaker = Breaker(SteppedClock(0))
    breaker.failed_to_start()
    breaker.crashed()
    assert breaker.retry_at == 0.2


def test_success_closes_it_and_forgets() -> None:
    """After a success, it takes five crashes again, and the backoff starts over."""
    breaker = Breaker(SteppedClock(0))
    for _ in range(2 * CRASHES):
        breaker.crashed()
    breaker.succeeded()
    assert not breaker.open
    breaker.crashed()
    assert not breaker.open
    breaker.failed_to_start()
    assert breaker.retry_at == 0.1
