"""The bounded room in a lane: what happens to events that come faster than their reporter takes them.

The pump puts events in, the lane's thread takes them out, and a lock that both hold for moments only lies between them;
publishers never come here. Every event gets a position, counted from 0 as they are admitted, so that a flush can tell
whether what came before it is gone.

A fifth of the room is kept for outcomes and ``Stopped``: a flood of ``Started`` can't push out how jobs ended.
"""

from __future__ import annotations

from _thread import LockType
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from jobreporter.events import Event

#: Events that a lane takes at once. It bounds the events that are in flight, beyond those in the buffer.
PIECE = 512


class Piece(NamedTuple):
    """A run of events that one lane takes at once. ``events`` may be shared with other lanes: don't change it."""

    position: int
    events: Sequence[Event]
    bytes: int


class Batch(NamedTuple):
    """A run of events that the pump hands to every lane.

    number: grows from batch to batch, so that a pump that was interrupted may offer one again. bytes: what all the events
    take together.
    """

    number: int
    events: Sequence[Event]
    bytes: int


Hold = Callable[[Piece], Sequence[Callable[[], object]]]


def nothing(_piece: Piece) -> Sequence[Callable[[], object]]:
    """What a taker does that has no place of its own for a piece."""
    return ()


class Buffer(Protocol):
    """One lane's room."""

    #: Between the pump and the lane's thread; held for moments only.
    lock: LockType

    @property
    def dropped(self) -> Mapping[str, int]:
        """Events that were dropped for want of room, by kind."""

    @property
    def unsent(self) -> Mapping[str, int]:
        """Events that were there when it closed, or came later, by kind."""

    @property
    def admitted(self) -> int:
        """How many events were ever admitted: the position that the next one gets."""

    @property
    def waiting(self) -> int:
        """How many events wait."""

    @property
    def oldest(self) -> int | None:
        """The position of the oldest event that waits; ``None`` if none does."""

    def offer(self, batch: Batch) -> None:
        """Admit as many of the events as fit. Those of a batch that was offered before are not admitted again."""

    def take(self, hold: Hold = nothing) -> Piece | None:
        """Take the oldest events, `PIECE` at most; ``None`` if there are none.

        hold: the steps by which the taker gets them, at once with those by which they leave.
        """

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        """Return events that were taken and not handled to where they were. To do so twice changes nothing."""

    def close(self) -> None:
        """Let nothing in any more. What waits, or still comes, counts as ``unsent``."""
