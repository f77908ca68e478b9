"""Streams: where events wait between the processes that publish them and the agents that run reporters.

A worker **appends** batches of events. An **agent** reads them, hands them to its reporters, and **settles** what a
reporter has taken. An event stays in the stream until every reporter has settled it: delivery is at least once, and in
the order in which a job's events came.

An engine is a plugin: an object in the entry-point group ``jobreporter.streams``, named after the scheme of the URLs
that it opens. `Engine` says what such an object has, `Stream` what it opens.

**Partitions.** A stream has a number of partitions that is fixed when it is created. All events of one job id are in
one partition: ``crc32(job.id) % partitions``. Each partition is a sequence of entries, and each entry a batch of events,
kept as it was appended. Offsets count *events*, from 0, and are never given out again.

**Producers.** A producer is one life of one process: 8 random bytes, made anew in a forked child. It numbers its
events, so that the stream can tell an append that is repeated from a new one, even where the repeat holds more events
than the append whose answer was lost.

**Leases.** For each reporter and partition one agent at a time has the lease. Its fence grows with each new owner, and
an owner that was overtaken can't settle. Position, fence and counts change in one write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from jobreporter.options import Options
from jobreporter.streams._machine import Moment
from jobreporter.streams._machine import now as machine_time
from jobreporter.streams._records import (
    Appended,
    Batch,
    Beat,
    DeadLetter,
    Entry,
    Lease,
    Ledger,
    OpenExecution,
    Retention,
    Settlement,
    StreamSettings,
    Trimmed,
    Window,
)
from jobreporter.streams.errors import StreamDown, StreamError, StreamFull, StreamMissing, StreamRefused

__all__ = [
    "Appended",
    "Batch",
    "Beat",
    "DeadLetter",
    "Engine",
    "Entry",
    "Lease",
    "Ledger",
    "Moment",
    "OpenExecution",
    "Retention",
    "Settled",
    "Settlement",
    "Stream",
    "StreamDown",
    "StreamError",
    "StreamFull",
    "StreamMissing",
    "StreamRefused",
    "StreamSettings",
    "Trimmed",
    "Window",
    "machine_time",
]

#: Whether events were settled. ``fenced``: another owner has the lease. ``moved``: the stored position is not where the
#: settlement begins. ``gone``: the entry of its last event is not in the stream, which was set back to an older state.
#: In all three cases nothing has changed: acquire the lease and read the position anew.
Settled = Literal["settled", "fenced", "moved", "gone"]


class Stream(Protocol):
    """An open stream. It belongs to one thread, and to one process: a forked child opens its own.

    Each call returns within the settings' ``timeout`` or raises. Besides the `ValueError` of a caller's own mistake, a
    call raises `StreamDown`, `StreamFull` or `StreamRefused`, and nothing else. After `StreamDown` the same object can be
    used on: it connects again by itself.
    """

    @property
    def partitions(self) -> int:
        """How many partitions the stream has: as many as it was created with, whatever the settings say."""

    @property
    def identity(self) -> bytes:
        """Random bytes that were made with the stream and stay with it: the same in each process that opens it, and in no
        other stream. One that was emptied and is made anew gets others.
        """

    def close(self) -> None:
        """Let go of connections and files. Raises nothing."""

    # What a worker calls.

    def append(self, producer: bytes, batches: Sequence[Batch], beat: bytes | None = None) -> tuple[Appended, ...]:
        """Store batches of one producer, at most one for each partition, and answer for each of them.

        A batch is compared with the highest number that the partition has of this producer, 0 if it has none:

        - it begins right after that one: it is ``stored``;
        - it begins later: it is ``stored``, and the gap is answered as ``rolled_back``. A producer appends in order, so
          the stream has lost what it had;
        - it ends there or before: ``known``;
        - it begins before and ends after: ``partly_known``, and nothing is stored. A timed-out append may be executed
          late, and its repeat holds more events by then;
        - it ends executions that were declared lost (`lose`): ``lost``, and nothing is stored.

        In the same atomic write, the executions in ``open`` become open, those in ``ended`` cease to be, those in
        ``begun`` are not declared lost any more, and with ``beat`` the producer gives a sign of life. Where there is no
        room, `StreamFull` is raised and nothing is stored of any batch.
        """

    def beat(self, process: bytes, data: bytes) -> None:
        """Give a sign of life for a producer or an agent, with what it says of itself."""

    def leave(self, process: bytes) -> None:
        """Take a process off the list of those that live: it ends on purpose."""

    # What an agent calls.

    def beats(self) -> Mapping[bytes, Beat]:
        """The last sign of life of every process that has not left and was not forgotten."""

    def register(self, reporters: Mapping[str, Literal["now", "oldest"]]) -> None:
        """Make reporters known, and note that an agent runs them.

        One that is known stays where it is. A new one begins at the head (``now``) or at the oldest entry (``oldest``).
        The first reporters that a stream ever sees all begin at the oldest entry: what was appended before the first
        agent came is theirs.
        Where the store has lost entries by itself, those that a reporter had not settled are added to its ledger as
        ``expired``, and it goes on with what is there.
        """

    def acquire(self, reporter: str, partition: int, owner: bytes, seconds: float) -> Lease | None:
        """Get the lease for ``seconds``; ``None`` while somebody else has it.

        The fence is one more than that of the owner before. Who holds it already gets it with the same fence, and
        the position as it is stored. A lease doesn't survive a restart of the machine that its time is taken on, and a
        clock that is set back doesn't prolong it. `ValueError` for a reporter that is not known, unless its name begins
        with a dot: such a name stands for a task that one agent at a time has, and can't be settled.
        """

    def renew(self, leases: Sequence[Lease], seconds: float) -> tuple[bool, ...]:
        """Keep leases for ``seconds`` from now, and note that their reporters are run: whether each is still held.

        One that ran out and that nobody else took is still held.
        """

    def release(self, lease: Lease) -> None:
        """Give a lease up, so that another agent can have it at once."""

    def read(self, partition: int, position: int, max_bytes: int) -> Window:
        """The entries from the one that holds the event at ``position``, as many as fit into ``max_bytes`` of data.

        At least one, if there is one. Where the event has been trimmed, the window begins with the oldest entry.
        """

    def wait(self, heads: Mapping[int, int], timeout: float) -> bool:
        """Return ``True`` when a partition has events beyond its known head, and ``False`` after ``timeout`` seconds.

        This call alone may take longer than the settings' ``timeout``.
        """

    def settle(self, lease: Lease, settlement: Settlement) -> Settled:
        """Move the reporter's position to the end of a run of events, and add them to its ledger, in one atomic write.

        Dead letters are kept in the same write, the newest of each reporter, as many as the settings say: they must not fill
        the stream. It must not fail for want of room.
        """

    def trim(self, retention: Retention, *, most: int = 1000) -> Trimmed:
        """Remove entries from the oldest on, ``most`` of them at most.

        Which are those that every reporter has settled that an agent has run within ``forget_after`` seconds, and those
        beyond the bounds of age and bytes. A reporter that had not settled a removed entry is moved behind it, and the
        events are added to its ledger as ``expired``, exactly and in the same write. Also removed is what was noted of
        processes and of executions declared lost, when it is older than ``forget_after``. It must not fail for want of
        room.

        Where the clock that the stream goes by was set forward, what was stored before seems older than it is: then
        nothing goes by its age for as long as ``max_age``. `machine_time` tells, as far as it was asked before in the same
        life of the same machine. The stream keeps that in mind: who saw it may have ended.
        """

    # What finds the executions of workers that died.

    def open_executions(self) -> Sequence[OpenExecution]:
        """The executions that began and have not ended, also where their beginning has been trimmed."""

    def lose(self, execution: OpenExecution, data: bytes, events: int) -> bool:
        """End an execution whose producer is dead, with ``events`` events encoded in ``data``.

        In one atomic write: if the execution is still open, and still that producer's, the events are stored in its
        partition, it is open no more, and it is declared lost, so that a late ending is refused. Otherwise nothing
        happens. Returns whether it was ended.
        """

    # What a person asks for.

    def ledgers(self) -> Sequence[Ledger]:
        """The ledger of every known reporter in every partition."""

    def dead_letters(self, reporter: str | None = None) -> Sequence[DeadLetter]:
        """The dead letters, of one reporter or of all, oldest first."""

    def drop_letter(self, letter: DeadLetter) -> bool:
        """Remove a dead letter. Returns whether it was there. The ledger still counts it as ``dead``."""

    def forget(self, reporter: str) -> bool:
        """Remove a reporter with its position, ledger and dead letters. ``False``, and nothing removed, while a lease of
        it is held. `ValueError` for a reporter that is not known."""

    def rewind(self, reporter: str, to: float | None) -> bool:
        """Begin anew with a reporter, at the first entry that was stored at ``to`` (Unix seconds) or later; ``None``: at
        the oldest one. Its ledger begins there with zeros. ``False``, and nothing changed, while a lease of it is held.
        `ValueError` for a reporter that is not known."""

    def findings(self) -> Sequence[str]:
        """What about the store's own configuration endangers events, a sentence each; for ``jobreporter check``."""


class Engine(Protocol):
    """An object in the entry-point group ``jobreporter.streams``: opens the streams of one scheme of URLs."""

    @property
    def options(self) -> type[Options]:
        """The keys that ``[stream]`` may have besides core's own."""

    @property
    def direct(self) -> bool:
        """Whether workers may append to it themselves. Otherwise they write to a spool, and agents append."""

    def spool_folder(self, url: str) -> str | None:
        """Where the spool is if the config doesn't say: beside a store that is a file; ``None``: nowhere."""

    def faults(self, url: str) -> Sequence[str]:
        """What is wrong with a URL, a sentence each that quotes no secret. Connects to nothing."""

    def open(self, url: str, settings: StreamSettings) -> Stream:
        """Open the stream, and create it where it doesn't exist, unless the settings forbid that: then it raises
        `StreamMissing`. Raises `StreamDown` or `StreamRefused`.

        It may also put off to connect until the first call.
        """
