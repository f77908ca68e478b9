"""What `flush` and `close` make of the numbers that they are given."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import inf, nan

import pytest

from jobreporter import Dispatcher
from jobreporter._system.clock import LONGEST, waiting_time
from jobreporter.testing import Recorder, make_event


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    """A dispatcher that has an event to hand out."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    dispatcher.publish(make_event("started"))
    yield dispatcher
    dispatcher.close(5)


@pytest.mark.parametrize("endless", [inf, 10**400, 1e300, Decimal("Infinity")])
def test_endless_is_as_long_as_it_takes(dispatcher: Dispatcher, endless: float) -> None:
    """Infinity, and any other number that no clock can wait for, is a timeout like any other."""
    assert dispatcher.flush(endless)
    assert dispatcher.close(endless)


@pytest.mark.parametrize("nothing", [nan, -1, -inf, -(10**400), Decimal("NaN"), 0])
def test_no_time_is_no_time(dispatcher: Dispatcher, nothing: float) -> None:
    """Less than nothing and NaN are 0: both calls return at once, and raise nothing."""
    assert dispatcher.flush(20)
    assert dispatcher.flush(nothing) in {True, False}
    assert dispatcher.close(nothing) in {True, False}
    stats = dispatcher.stats()["recorder"]
    assert (stats.status, stats.handled, stats.pending) == ("closed", 1, 0)


@pytest.mark.parametrize("wrong", ["5", b"5", object()])
def test_what_is_no_number_is_a_type_error(dispatcher: Dispatcher, wrong: float) -> None:
    """A text is no number of seconds, and neither call does anything with it."""
    with pytest.raises(TypeError):
        dispatcher.flush(wrong)
    with pytest.raises(TypeError):
        dispatcher.close(wrong)
    assert dispatcher.flush(20)


def test_every_number_becomes_a_time_that_a_wait_can_take() -> None:
    """From 0 to `LONGEST` seconds, and nothing else."""
    assert [waiting_time(number) for number in (nan, -0.5, 0, 0.5, True, LONGEST, 2 * LONGEST, inf)] == [
        0,
        0,
        0,
        0.5,
        1,
        LONGEST,
        LONGEST,
        LONGEST,
    ]
