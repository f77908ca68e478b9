"""What a thread holds of a lane's events, and what becomes of it when the thread is given up."""

from __future__ import annotations

from _thread import allocate_lock

from jobreporter._config.settings import LaneSettings
from jobreporter._lane.buffer import Buffer
from jobreporter._lane.in_flight import Counts, InFlight
from jobreporter._lane.overflow import new_buffer
from jobreporter.testing import make_event
from tests.core.lane.batches import batch


def filled(count: int) -> Buffer:
    buffer = new_buffer(LaneSettings())
    buffer.offer(batch([make_event("started", at=float(number)) for number in range(count)], 100))
    return buffer


def test_a_hand_is_filled_from_the_buffer_until_that_is_empty() -> None:
    """`take` says whether there was something to take."""
    in_flight = InFlight(filled(2), allocate_lock())
    assert in_flight.take()
    assert [event.at for event in in_flight.events] == [0, 1]
    in_flight.handled += 2
    assert not in_flight.take()
    assert in_flight.counts == Counts(handled=2)


def test_what_a_thread_did_not_get_to_is_left_when_it_is_given_up() -> None:
    """The event in hand has failed; the rest is returned with its position, and the thread sees no more of it."""
    in_flight = InFlight(filled(5), allocate_lock())
    in_flight.take()
    next(in_flight.events)
    in_flight.handled += 1
    next(in_flight.events)
    remains = in_flight.give_up()
    assert remains.counts == Counts(handled=1, failed=1)
    assert remains.cut_off
    assert remains.position == 2
    assert [event.at for event in remains.events] == [2, 3, 4]
    assert list(in_flight.events) == []
    assert not in_flight.take()


def test_a_thread_with_nothing_in_hand_loses_nothing() -> None:
    """Giving up a thread that waits fails no event."""
    in_flight = InFlight(filled(1), allocate_lock())
    in_flight.take()
    next(in_flight.events)
    in_flight.filtered += 1
    remains = in_flight.give_up()
    assert (remains.counts, remains.events, remains.cut_off) == (Counts(filtered=1), [], False)


def test_the_oldest_unsettled_event_is_known() -> None:
    """A flush waits for positions: in hand, then in the buffer, then what is still to come."""
    buffer = filled(2)
    in_flight = InFlight(buffer, allocate_lock())
    assert in_flight.oldest == 0
    in_flight.take()
    next(in_flight.events)
    assert in_flight.oldest == 0
    in_flight.failed += 1
    assert in_flight.oldest == 1
    next(in_flight.events)
    in_flight.handled += 1
    assert in_flight.oldest == 2
    buffer.offer(batch([make_event("stopped")], 100))
    assert in_flight.oldest == 2
