"""The bounded room in a lane."""

from __future__ import annotations

import pytest

from jobreporter._config.settings import LaneSettings
from jobreporter._lane.buffer import PIECE, Buffer
from jobreporter._lane.drop_newest import DropNewest
from jobreporter._lane.drop_oldest import DropOldest
from jobreporter._lane.overflow import new_buffer
from jobreporter.events import Event
from jobreporter.testing import make_event
from tests.core.lane.batches import batch


def started(number: int) -> Event:
    return make_event("started", at=float(number))


def success(number: int) -> Event:
    return make_event("success", at=float(number))


def contents(buffer: Buffer) -> list[float]:
    """Everything in the buffer, in the order in which a lane gets it."""
    taken = []
    while piece := buffer.take():
        taken += [event.at for event in piece.events]
    return taken


@pytest.fixture(params=["drop_newest", "drop_oldest"])
def buffer(request: pytest.FixtureRequest) -> Buffer:
    return new_buffer(LaneSettings(capacity=10, overflow=request.param))


def test_the_overflow_setting_chooses_the_policy() -> None:
    """``drop_newest`` and ``drop_oldest`` are different buffers."""
    assert isinstance(new_buffer(LaneSettings(overflow="drop_newest")), DropNewest)
    assert isinstance(new_buffer(LaneSettings(overflow="drop_oldest")), DropOldest)


def test_events_come_out_in_the_order_in_which_they_went_in(buffer: Buffer) -> None:
    """A buffer is first in, first out, whatever kinds of events it holds."""
    buffer.offer(batch([started(0), success(1), started(2)], 300))
    buffer.offer(batch([success(3), started(4)], 200))
    assert contents(buffer) == [0, 1, 2, 3, 4]


def test_an_empty_buffer_has_nothing_to_take(buffer: Buffer) -> None:
    """Taking from an empty buffer gives nothing, and it has no oldest event."""
    assert buffer.take() is None
    assert buffer.oldest is None
    assert buffer.admitted == 0


def test_positions_count_what_was_admitted(buffer: Buffer) -> None:
    """The oldest event's position moves on as events are taken."""
    buffer.offer(batch([success(0), success(1)], 200))
    buffer.offer(batch([success(2)], 100))
    assert (buffer.admitted, buffer.oldest) == (3, 0)
    piece = buffer.take()
    assert piece is not None
    assert piece.position == 0
    assert buffer.oldest == (2 if len(piece.events) == 2 else None)


def test_the_newest_are_turned_away_when_the_room_is_taken() -> None:
    """With ``drop_newest``, what came first stays, and each kind of dropped event is counted."""
    buffer = DropNewest(LaneSettings(capacity=10))
    buffer.offer(batch([success(number) for number in range(15)], 1500))
    assert contents(buffer) == list(range(10))
    assert buffer.dropped == {"success": 5}


def test_a_fifth_of_the_room_is_kept_for_outcomes() -> None:
    """A flood of ``Started`` leaves room for how jobs ended."""
    buffer = DropNewest(LaneSettings(capacity=10))
    buffer.offer(batch([started(number) for number in range(20)], 2000))
    buffer.offer(batch([success(20), success(21), success(22)], 300))
    assert contents(buffer) == [*range(8), 20, 21]
    assert buffer.dropped == {"started": 12, "success": 1}


def test_an_outcome_takes_the_place_of_the_oldest_started() -> None:
    """With ``drop_oldest``, ``Started`` make room for outcomes before outcomes do."""
    buffer = DropOldest(LaneSettings(capacity=10))
    buffer.offer(batch([started(number) for number in range(8)], 800))
    buffer.offer(batch([success(number) for number in range(8, 14)], 600))
    assert contents(buffer) == [4, 5, 6, 7, *range(8, 14)]
    assert buffer.dropped == {"started": 4}


def test_the_oldest_outcome_goes_when_there_is_no_started() -> None:
    """With ``drop_oldest`` and outcomes alone, the newest stay."""
    buffer = DropOldest(LaneSettings(capacity=10))
    buffer.offer(batch([success(number) for number in range(25)], 2500))
    assert contents(buffer) == list(range(15, 25))
    assert buffer.dropped == {"success": 15}


def test_a_started_takes_no_outcomes_place() -> None:
    """With ``drop_oldest``, a ``Started`` that finds outcomes only is the one that is dropped."""
    buffer = DropOldest(LaneSettings(capacity=10))
    buffer.offer(batch([success(number) for number in range(10)], 1000))
    buffer.offer(batch([started(10)], 100))
    assert contents(buffer) == list(range(10))
    assert buffer.dropped == {"started": 1}


@pytest.mark.parametrize("overflow", ["drop_newest", "drop_oldest"])
def test_bytes_are_a_limit_too(overflow: str) -> None:
    """A few large events fill a buffer as well as many small ones."""
    buffer = new_buffer(LaneSettings(capacity=1000, capacity_bytes=1000, overflow=overflow))  # type: ignore[arg-type]
    for number in range(5):
        buffer.offer(batch([success(number)], 300))
    assert contents(buffer) == ([0, 1, 2] if overflow == "drop_newest" else [2, 3, 4])
    assert buffer.dropped == {"success": 2}
    buffer.offer(batch([success(9)], 300))
    assert contents(buffer) == [9]


@pytest.mark.parametrize("overflow", ["drop_newest", "drop_oldest"])
def test_the_smallest_buffer_holds_one_event(overflow: str) -> None:
    """A capacity of 1 works, for events of any kind."""
    buffer = new_buffer(LaneSettings(capacity=1, overflow=overflow))  # type: ignore[arg-type]
    buffer.offer(batch([started(0)], 100))
    assert contents(buffer) == [0]
    buffer.offer(batch([success(1), success(2)], 200))
    assert contents(buffer) == ([1] if overflow == "drop_newest" else [2])


def test_what_is_put_back_comes_first_again(buffer: Buffer) -> None:
    """Events that a thread took and did not get to keep their place."""
    buffer.offer(batch([started(0), success(1), started(2), success(3)], 400))
    piece = buffer.take()
    assert piece is not None
    buffer.offer(batch([started(4), success(5)], 200))
    buffer.put_back(piece.position + 1, piece.events[1:])
    assert buffer.oldest == 1
    assert contents(buffer) == [1, 2, 3, 4, 5]


def test_a_closed_buffer_counts_what_it_holds_and_what_comes(buffer: Buffer) -> None:
    """After `close` nothing can be taken, and nothing is lost from the count."""
    buffer.offer(batch([started(0), success(1)], 200))
    buffer.close()
    buffer.offer(batch([success(2)], 100))
    assert buffer.take() is None
    assert (buffer.unsent, buffer.dropped) == ({"started": 1, "success": 2}, {})


def test_lanes_share_a_batch() -> None:
    """A buffered batch is the pump's own, so that ten lanes cost no more memory than one."""
    buffer = DropNewest(LaneSettings())
    events = tuple(success(number) for number in range(PIECE))
    buffer.offer(batch(events, 100))
    piece = buffer.take()
    assert piece is not None
    assert piece.events is events


def test_no_piece_is_larger_than_a_batch() -> None:
    """What a lane takes at once is bounded."""
    buffer = DropOldest(LaneSettings())
    buffer.offer(batch([success(number) for number in range(PIECE + 1)], 100))
    first, second = buffer.take(), buffer.take()
    assert first is not None
    assert second is not None
    assert (len(first.events), len(second.events)) == (PIECE, 1)
