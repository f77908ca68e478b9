"""What publishers and reporters write down themselves: the count that the ledger has to agree with.

Nothing here takes a lock, because all of it goes on in signal handlers, finalizers and forked children. Each list is
appended to, which is atomic, and belongs to one process.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from jobreporter import Event

STAGES = {"started": 0, "success": 1, "aborted": 1, "failure": 1, "stopped": 2}

Record = TypeVar("Record")


class PerProcess(Generic[Record]):
    """One record for each process: a forked child begins an empty one."""

    def __init__(self, make: Callable[[], Record]) -> None:
        self._make = make
        self._records: dict[int, Record] = {}

    def __call__(self) -> Record:
        """The record of this process."""
        pid = os.getpid()
        record = self._records.get(pid)
        return self._records.setdefault(pid, self._make()) if record is None else record


class Seen(NamedTuple):
    """An event as a reporter saw it, and on which thread."""

    thread: int
    pid: int
    publisher: str
    #: Which of the publisher's jobs it belongs to, counted from 0.
    number: int
    stage: int

    @classmethod
    def of(cls, event: Event) -> Seen:
        """What the event's job is named after."""
        pid, publisher, number = event.job.id.split("/")
        return cls(threading.get_ident(), int(pid), publisher, int(number), STAGES[type(event).__name__.lower()])


class Diary:
    """What one reporter noted in one process."""

    def __init__(self) -> None:
        #: Events that were handed over, in order.
        self.entered: list[Seen] = []
        #: Those whose handler returned, and those whose handler raised.
        self.returned: list[Seen] = []
        self.raised: list[Seen] = []
        #: Those that a handler asked to have again: each comes once more, or is dropped when the lane closes.
        self.given_back: list[Seen] = []
        #: Events that it said it lost by itself.
        self.told_lost: list[int] = []
        #: How many of those that returned a flush has made safe, and how many had returned when the session began.
        self.flushed = 0
        self.before_session = 0
        #: Calls of `reporter_start` that returned, and calls of `reporter_stop`.
        self.starts: list[None] = []
        self.stops: list[None] = []
        #: Times at which its event loop was ended by what ran in the background.
        self.collapses: list[None] = []
        #: What it left running in its event loop, and files that it left open, on purpose.
        self.background: list[object] = []
        self.leaked: list[int] = []
        #: What must not happen, and did.
        self.complaints: list[str] = []

    @property
    def handed_over(self) -> list[Seen]:
        """The events that were handed over, in order, without those that were given back."""
        given_back = Counter(self.given_back)
        kept = []
        for seen in list(self.entered):
            if given_back[seen]:
                given_back[seen] -= 1
            else:
                kept.append(seen)
        return kept

    def begin(self) -> None:
        """A session begins: what an earlier one had not flushed is lost."""
        self.before_session = len(self.returned)

    def begin_flush(self) -> int:
        """How many have returned: so many are safe once the flush that begins has gone well."""
        return len(self.returned)

    def end_flush(self, returned: int) -> None:
        """A flush has gone well."""
        self.flushed += returned - self.before_session
        self.before_session = returned

    def enter(self, event: Event) -> Seen:
        """An event was handed over."""
        seen = Seen.of(event)
        self.entered.append(seen)
        return seen


class Sent:
    """What was published in one process, each part of it counted by the one thread that published it."""

    def __init__(self) -> None:
        self.parts: list[Counter[str]] = []
        #: What finalizers published, from whatever thread they ran on.
        self.littered: list[str] = []
        #: Executions that two threads have ended. Once the dispatcher has closed, nobody tells the second ending apart.
        self.races: list[None] = []

    def part(self) -> Counter[str]:
        """The counts of one more publisher."""
        counts: Counter[str] = Counter()
        self.parts.append(counts)
        return counts

    def total(self) -> Counter[str]:
        """Events by kind."""
        return sum(self.parts, Counter(self.littered))
