"""The overflow policy ``drop_oldest``."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from jobreporter._config.settings import LaneSettings
from jobreporter._lane.bounded import Bounded, counted
from jobreporter._lane.buffer import PIECE, Batch, Hold, Piece, nothing
from jobreporter._system.at_once import at_once
from jobreporter.events import Event, Started


class _Waiting(NamedTuple):
    position: int
    event: Event
    bytes: int


_position = itemgetter(0)


class DropOldest(Bounded):
    """Makes room for new events: the oldest ``Started`` goes first and, for an outcome, the oldest of the others."""

    def __init__(self, settings: LaneSettings) -> None:
        super().__init__(settings)
        self._started: deque[_Waiting] = deque()
        self._others: deque[_Waiting] = deque()

    @property
    def _oldest(self) -> int | None:
        return min((queue[0].position for queue in (self._started, self._others) if queue), default=None)

    def offer(self, batch: Batch) -> None:
        with self.lock:
            account, events = self._account, batch.events
            if batch.number < account.batch:
                return
            done = account.within if batch.number == account.batch else 0
            if self._closed:
                self._turn_away(account, batch, events[done:])
            elif not done and self._room.fits_any(account.waiting + len(events), account.bytes + batch.bytes):
                self._admit_all(batch)
            else:
                each = batch.bytes // len(events)
                for number, event in enumerate(events[done:], done + 1):
                    self._admit(event, each, batch.number, number)

    def _admit_all(self, batch: Batch) -> None:
        account, count = self._account, len(batch.events)
        each = batch.bytes // count
        new = [_Waiting(position, event, each) for position, event in enumerate(batch.events, account.admitted)]
        then = account._replace(
            admitted=account.admitted + count,
            waiting=account.waiting + count,
            bytes=account.bytes + each * count,
            batch=batch.number,
            within=count,
        )
        at_once(
            partial(self._started.extend, [waiting for waiting in new if type(waiting.event) is Started]),
            partial(self._others.extend, [waiting for waiting in new if type(waiting.event) is not Started]),
            partial(setattr, self, "_account", then),
        )

    def _admit(self, event: Event, size: int, batch: int, within: int) -> None:
        while not self._room.fits(event, self._account.waiting + 1, self._account.bytes + size):
            if not self._evict_for(event):
                dropped = counted(self._account.dropped, [event])
                self._account = self._account._replace(dropped=dropped, batch=batch, within=within)
                return
        account = self._account
        queue = self._started if type(event) is Started else self._others
        then = account._replace(
            admitted=account.admitted + 1,
            waiting=account.waiting + 1,
            bytes=account.bytes + size,
            batch=batch,
            within=within,
        )
        at_once(
            partial(queue.append, _Waiting(account.admitted, event, size)), partial(setattr, self, "_account", then)
        )

    def _evict_for(self, event: Event) -> bool:
        if self._started:
            queue = self._started
        elif self._others and type(event) is not Started:
            queue = self._others
        else:
            return False
        account, oldest = self._account, queue[0]
        then = account._replace(
            waiting=account.waiting - 1,
            bytes=account.bytes - oldest.bytes,
            dropped=counted(account.dropped, [oldest.event]),
        )
        at_once(queue.popleft, partial(setattr, self, "_account", then))
        return True

    def take(self, hold: Hold = nothing) -> Piece | None:
        with self.lock:
            account, count = self._account, min(PIECE, self._account.waiting)
            if not count:
                return None
            # As many of the one queue as of the other are looked at, to find the oldest of both.
            either = (*islice(self._started, count), *islice(self._others, count))
            taken = sorted(either, key=_position)[:count]
            started = sum(type(waiting.event) is Started for waiting in taken)
            size = sum(waiting.bytes for waiting in taken)
            piece = Piece(taken[0].position, [waiting.event for waiting in taken], size)
            then = account._replace(waiting=account.waiting - count, bytes=account.bytes - size)
            at_once(
                *hold(piece),
                *(started * [self._started.popleft]),
                *((count - started) * [self._others.popleft]),
                partial(setattr, self, "_account", then),
            )
            return piece

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        with self.lock:
            if self._oldest == position:
                return
            # Their own positions may have had gaps; counting on from the first keeps their order, and stays below
            # the positions of all that came after them.
            back = [_Waiting(number, event, 0) for number, event in reversed(list(enumerate(events, position)))]
            then = self._account._replace(waiting=self._account.waiting + len(back))
            at_once(
                partial(self._started.extendleft, [each for each in back if type(each.event) is Started]),
                partial(self._others.extendleft, [each for each in back if type(each.event) is not Started]),
                partial(setattr, self, "_account", then),
            )

    def close(self) -> None:
        with self.lock:
            self._closed = True
            waiting = (waiting.event for waiting in (*self._started, *self._others))
            then = self._account._replace(unsent=counted(self._account.unsent, waiting), waiting=0, bytes=0)
            at_once(self._started.clear, self._others.clear, partial(setattr, self, "_account", then))
