"""What a thread holds of a lane's events, and what becomes of it when the thread is given up."""

from __future__ import annotations

from _thread import allocate_lock

from jobreporter._buffer import Buffer, new_buffer
from jobreporter._hand import Counts, Hand
from jobreporter._settings import LaneSettings
from jobreporter.testing import make_event


def filled(count: int) -> Buffer:
    buffer = new_buffer(LaneSettings())
    buffer.offer([make_event("started", at=float(number)) for number in range(count)], 100)
    return buffer


def test_a_hand_is_filled_from_the_buffer_until_that_is_empty() -> None:
    """`take` says whether there was something to take."""
    hand = Hand(filled(2), allocate_lock())
    assert hand.take()
    assert [event.at for event in hand.events] == [0, 1]
    hand.handled += 2
    assert not hand.take()
    assert hand.counts == Counts(handled=2)


def test_what_a_thread_did_not_get_to_is_left_when_it_is_given_up() -> None:
    """The event in hand has failed; the rest is returned with its position, and the thread sees no more of it."""
    hand = Hand(filled(5), allocate_lock())
    hand.take()
    next(hand.events)
    hand.handled += 1
    next(hand.events)
    remains = hand.give_up()
    assert remains.counts == Counts(handled=1, failed=1)
    assert remains.cut_off
    assert remains.position == 2
    assert [event.at for event in remains.events] == [2, 3, 4]
    assert list(hand.events) == []
    assert not hand.take()


def test_a_thread_with_nothing_in_hand_loses_nothing() -> None:
    """Giving up a thread that waits fails no event."""
    hand = Hand(filled(1), allocate_lock())
    hand.take()
    next(hand.events)
    hand.filtered += 1
    remains = hand.give_up()
    assert (remains.counts, remains.events, remains.cut_off) == (Counts(filtered=1), [], False)


def test_the_oldest_unsettled_event_is_known() -> None:
    """A flush waits for positions: in hand, then in the buffer, then what is still to come."""
    buffer = filled(2)
    hand = Hand(buffer, allocate_lock())
    assert hand.oldest == 0
    hand.take()
    next(hand.events)
    assert hand.oldest == 0
    hand.failed += 1
    assert hand.oldest == 1
    next(hand.events)
    hand.handled += 1
    assert hand.oldest == 2
    buffer.offer([make_event("stopped")], 100)
    assert hand.oldest == 2
