"""What goes into a stream and what comes out of it, as frozen records."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

# Seconds: longer than any clock that begins in 1970 can be wrong.
_FOR_EVER = 1e10


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one producer for one partition, on their way into the stream. They are stored together or not at all."""

    partition: int
    #: The numbers that it covers: from ``first`` up to and with ``last``. Each producer numbers its events from 1 upwards,
    #: and every number goes to every partition, in order.
    first: int
    last: int
    #: How many events it holds. That may be fewer than the numbers that it covers, where the others are in other
    #: partitions or were left out; a batch without events only moves the number on.
    events: int
    #: The encoded events. A stream keeps them as they are.
    data: bytes
    #: The executions that begin in it. A new beginning revokes that such an execution was declared lost.
    begun: tuple[str, ...] = ()
    #: The executions that begin in it and don't end in it, each with what it takes to end it later.
    open: dict[str, bytes] = {}
    #: The executions that end in it and began before it.
    ended: tuple[str, ...] = ()


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one batch.

    ``stored``: it is in the stream. ``known``: it was there before; an earlier append was executed, though its answer
    was lost. ``partly_known``: the stream has its events up to the number ``last`` and took nothing; cut those off, and
    append the rest. ``lost``: the executions in ``lost`` were ended meanwhile, because their worker was taken for dead, and
    the stream took nothing; leave their events out, and append the rest.
    """

    status: Literal["stored", "known", "partly_known", "lost"]
    #: The highest number of this producer that the partition has now.
    last: int
    #: The executions in it that were declared lost.
    lost: tuple[str, ...] = ()
    #: How many earlier numbers of this producer the partition should have and doesn't: the stream was set back to an
    #: older state. The batch was stored all the same.
    rolled_back: int = 0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that was stored."""

    #: How many events were ever stored in the partition before it.
    offset: int
    #: How many events it holds.
    events: int
    #: Names this entry and no other, also where a stream that was set back has given its offset to another one.
    key: str
    #: When it was stored, by the stream's clock (Unix seconds).
    at: float
    #: The encoded events.
    data: bytes

    @property
    def end(self) -> int:
        """The offset after its last event."""
        return self.offset + self.events


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A run of entries of one partition, oldest first and without gaps between them."""

    partition: int
    #: The offset after the last event of the partition.
    head: int
    #: The first holds the position that was asked for. Where that has been trimmed, it is the oldest that there is.
    entries: tuple[Entry, ...] = ()


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to hand one partition's events to one reporter, for as long as it is renewed."""

    reporter: str
    partition: int
    #: Who holds it.
    owner: bytes
    #: Counts the owners. Who has a lower one than the stream has been overtaken.
    fence: int
    #: The offset of the first event that the reporter has not settled.
    position: int


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one partition's events at one reporter.

    ``accepted = handled + dead + filtered + expired + unknown + pending``: the first five count every event between
    ``start`` and ``position`` once, and they change together with the position.
    """

    reporter: str
    partition: int
    #: The offset that the reporter began at.
    start: int
    #: The offset of the first event that is not settled.
    position: int
    #: The offset after the last event of the partition.
    head: int
    #: Events that the reporter took.
    handled: int = 0
    #: Events that it can't take. They are kept as dead letters.
    dead: int = 0
    #: Events that it didn't want.
    filtered: int = 0
    #: Events that the stream could not keep for as long as the reporter would have needed.
    expired: int = 0
    #: Events that this version of jobreporter can't read.
    unknown: int = 0
    #: When the oldest event that is not settled was stored (Unix seconds); ``None`` if all are settled.
    oldest_at: float | None = None
    #: When an agent that runs the reporter was last seen (Unix seconds).
    seen_at: float | None = None

    @property
    def accepted(self) -> int:
        """Events that were stored since the reporter began."""
        return self.head - self.start

    @property
    def pending(self) -> int:
        """Events that are not settled."""
        return self.head - self.position


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """How a run of events ended: from ``begin`` up to and without ``end``."""

    begin: int
    end: int
    #: The key of the entry that holds the last of them.
    last_key: str
    handled: int = 0
    filtered: int = 0
    unknown: int = 0
    #: Those that the reporter can't take.
    dead: tuple[DeadLetter, ...] = ()

    def __post_init__(self) -> None:
        settled = self.handled + self.filtered + self.unknown + sum(letter.events for letter in self.dead)
        if settled != self.end - self.begin:
            raise ValueError(f"from {self.begin} to {self.end} are not {settled} events")


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a reporter can't take, or an entry that nobody can read."""

    reporter: str
    partition: int
    offset: int
    #: Unix seconds.
    at: float
    #: Why the reporter can't take it, in a sentence.
    reason: str
    #: The event, encoded as a batch of its own; of an entry that nobody can read, its bytes.
    data: bytes
    #: How many events it stands for: of an entry that nobody can read, all that remained of it.
    events: int = 1

    @property
    def id(self) -> str:
        """What a person calls it: ``partition.offset``."""
        return f"{self.partition}.{self.offset}"


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life of a process that appends or reads."""

    #: Changes with each beat. A process whose counter stands still for long enough, while the stream can be asked, is
    #: dead; no clock is compared.
    counter: int
    #: When it was last seen, by the stream's clock (Unix seconds): to be shown, not to be compared.
    at: float
    #: What the process says of itself, encoded.
    data: bytes


class OpenExecution(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that began and has not ended."""

    id: str
    #: Who appended its beginning.
    producer: bytes
    partition: int
    #: What it takes to end it.
    data: bytes


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How much a stream keeps of what is not settled, and for how long."""

    #: Seconds.
    max_age: float
    max_bytes: int
    #: Seconds for which a reporter that no agent runs still counts.
    forget_after: float

    def without_age(self) -> Retention:
        """The same where a clock was set forward, and everything seems to be old: nothing counts as that."""
        return msgspec.structs.replace(self, max_age=_FOR_EVER, forget_after=_FOR_EVER)


class Trimmed(msgspec.Struct, frozen=True, kw_only=True):
    """What a trim removed."""

    entries: int = 0
    #: Events that a reporter had not settled, by its name.
    expired: dict[str, int] = {}
    #: There was more to remove than one call takes.
    more: bool = False


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What core says to an engine that opens a stream."""

    #: Keeps the streams of several services in one store apart.
    namespace: str
    #: How many partitions a stream that doesn't exist yet gets; ``None``: as many as the engine finds right.
    partitions: int | None = None
    #: Seconds that one call may take.
    timeout: float = 2.0
    #: Whether what is acknowledged outlives a power cut.
    sync: bool = False
    #: The bound that the store must be able to hold.
    max_bytes: int = 256_000_000
    #: How many dead letters of one reporter are kept. Of more, nobody looks at each, and the newest say what is wrong now.
    most_letters: int = 10_000
    #: Whether a stream that doesn't exist is made. Otherwise StreamMissing is raised, and nothing has changed: who only
    #: looks makes none.
    create: bool = True
    #: The engine's own keys of ``[stream]``: an instance of its ``options``.
    options: Any = None

    @property
    def most_letter_bytes(self) -> int:
        """How much the dead letters of one reporter may take, roughly: then its newest are kept, one at least."""
        return self.max_bytes // 16
