"""The overflow policy ``drop_newest``."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial

from jobreporter._config.settings import LaneSettings
from jobreporter._lane.bounded import Account, Bounded, counted
from jobreporter._lane.buffer import Batch, Hold, Piece, nothing
from jobreporter._system.at_once import at_once
from jobreporter.events import Event


class DropNewest(Bounded):
    """Turns away what doesn't fit.

    As long as there is room, lanes share the pump's batches: a buffered event costs each lane nothing of its own.
    """

    def __init__(self, settings: LaneSettings) -> None:
        super().__init__(settings)
        # What waits, oldest first. All lanes hold the same batches, so that to buffer an event for another lane takes next
        # to nothing: a record of a lane's own for each would double what ten lanes take.
        self._batches: deque[Batch] = deque()

    @property
    def _oldest(self) -> int | None:
        return self._account.admitted - self._account.waiting if self._batches else None

    def offer(self, batch: Batch) -> None:
        with self.lock:
            account, events = self._account, batch.events
            if batch.number <= account.batch:
                return
            if self._closed:
                self._turn_away(account, batch, events)
            elif self._room.fits_any(account.waiting + len(events), account.bytes + batch.bytes):
                self._admit(batch, account.dropped)
            else:
                fitting, refused = self._sorted(batch)
                size = batch.bytes * len(fitting) // len(events)
                self._admit(Batch(batch.number, fitting, size), counted(account.dropped, refused))

    def _sorted(self, batch: Batch) -> tuple[list[Event], list[Event]]:
        """The events for which there is room, and the others."""
        waiting, size, each = self._account.waiting, self._account.bytes, batch.bytes // len(batch.events)
        fitting: list[Event] = []
        refused: list[Event] = []
        for event in batch.events:
            if self._room.fits(event, waiting + 1, size + each):
                waiting += 1
                size += each
                fitting.append(event)
            else:
                refused.append(event)
        return fitting, refused

    def _admit(self, batch: Batch, dropped: Mapping[str, int]) -> None:
        account, count = self._account, len(batch.events)
        then = Account(
            account.admitted + count,
            account.waiting + count,
            account.bytes + batch.bytes,
            dropped,
            account.unsent,
            batch.number,
        )
        if count:
            at_once(partial(self._batches.append, batch), partial(setattr, self, "_account", then))
        else:
            self._account = then

    def take(self, hold: Hold = nothing) -> Piece | None:
        with self.lock:
            if not self._batches:
                return None
            # They come and go at the ends only, and what is put back goes to where it was: so positions have no gaps.
            account, batch = self._account, self._batches[0]
            then = account._replace(waiting=account.waiting - len(batch.events), bytes=account.bytes - batch.bytes)
            piece = Piece(account.admitted - account.waiting, batch.events, batch.bytes)
            at_once(*hold(piece), self._batches.popleft, partial(setattr, self, "_account", then))
            return piece

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        with self.lock:
            if self._oldest == position:
                return
            then = self._account._replace(waiting=self._account.waiting + len(events))
            at_once(partial(self._batches.appendleft, Batch(0, events, 0)), partial(setattr, self, "_account", then))

    def close(self) -> None:
        with self.lock:
            self._closed = True
            unsent = self._account.unsent
            for batch in self._batches:
                unsent = counted(unsent, batch.events)
            then = self._account._replace(unsent=unsent, waiting=0, bytes=0)
            at_once(self._batches.clear, partial(setattr, self, "_account", then))
