"""What every buffer keeps account of, whatever its overflow policy: how much fits, and what became of what came."""

from __future__ import annotations

import _thread
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from jobreporter._config.settings import LaneSettings
from jobreporter._lane.buffer import Batch
from jobreporter.events import Event, Started, kind_of


class Account(NamedTuple):
    """All that a buffer counts. It is replaced as a whole: whatever interrupts an offer, what was counted has happened."""

    #: Events that were ever admitted.
    admitted: int = 0
    waiting: int = 0
    bytes: int = 0
    dropped: Mapping[str, int] = MappingProxyType({})
    unsent: Mapping[str, int] = MappingProxyType({})
    #: The last batch that was offered, and how many of its events it was decided about.
    batch: int = 0
    within: int = 0


class Room:
    """How much fits: two limits, each with its reserve for outcomes and ``Stopped``."""

    __slots__ = ("bytes", "bytes_for_started", "events", "events_for_started")

    def __init__(self, settings: LaneSettings) -> None:
        self.events = settings.capacity
        self.events_for_started = settings.capacity - settings.capacity // 5
        self.bytes = settings.capacity_bytes
        self.bytes_for_started = settings.capacity_bytes - settings.capacity_bytes // 5

    def fits(self, event: Event, events: int, size: int) -> bool:
        """Whether the event may come in, given what would be there with it."""
        if type(event) is Started:
            return events <= self.events_for_started and size <= self.bytes_for_started
        return events <= self.events and size <= self.bytes

    def fits_any(self, events: int, size: int) -> bool:
        """Whether so much fits whatever kinds of events it is."""
        return events <= self.events_for_started and size <= self.bytes_for_started


class Bounded:
    """A buffer without a policy. settings: the limits of its room."""

    def __init__(self, settings: LaneSettings) -> None:
        self._room = Room(settings)
        self.lock = _thread.allocate_lock()
        self._closed = False
        self._account = Account()

    @property
    def admitted(self) -> int:
        return self._account.admitted

    @property
    def waiting(self) -> int:
        return self._account.waiting

    @property
    def dropped(self) -> Mapping[str, int]:
        return self._account.dropped

    @property
    def unsent(self) -> Mapping[str, int]:
        return self._account.unsent

    @property
    def oldest(self) -> int | None:
        with self.lock:
            return self._oldest

    @property
    def _oldest(self) -> int | None:
        """Its position, while the lock is held."""
        raise NotImplementedError

    def _turn_away(self, account: Account, batch: Batch, events: Sequence[Event]) -> None:
        """The buffer has closed: these were not sent."""
        self._account = account._replace(
            unsent=counted(account.unsent, events), batch=batch.number, within=len(batch.events)
        )


def counted(by_kind: Mapping[str, int], events: Iterable[Event]) -> dict[str, int]:
    """A dict of its own: whoever reads the ledger may be in the middle of the one before."""
    total = dict(by_kind)
    for event in events:
        kind = kind_of(event)
        total[kind] = total.get(kind, 0) + 1
    return total
