"""The buffer of a lane in an agent: the windows of its partitions.

The feeder's thread loads it and settles from it, the lane's thread takes from it. A lock that both hold for moments lies
between them.
"""

from __future__ import annotations

import _thread
import time
from collections.abc import Mapping, Sequence

from jobreporter._agent.blame import Blame
from jobreporter._agent.chunk import Chunk
from jobreporter._agent.window import Handed, Suspect, Window
from jobreporter._config.settings import LaneSettings
from jobreporter._lane.buffer import Batch, Hold, Piece, nothing
from jobreporter._stream.encode import Header, TooBig, encode
from jobreporter.events import Event
from jobreporter.streams import DeadLetter, Lease, Settlement


class WindowBuffer:
    """One reporter's windows. It is a lane's `Buffer` too, as far as anybody asks."""

    def __init__(self, name: str, settings: LaneSettings) -> None:
        self._name = name
        self._capacity = settings.capacity
        self._capacity_bytes = settings.capacity_bytes
        self.lock = self._lock = _thread.allocate_lock()
        self._windows: dict[int, Window] = {}
        self._blame = Blame(self._bury)
        self._rotation = 0
        #: Nothing is handed out any more.
        self.stopped = False
        # What a lane's buffer counts, and this one never does: nothing is dropped here.
        self.dropped: Mapping[str, int] = {}
        self.unsent: Mapping[str, int] = {}
        self.admitted = 0

    # What the feeder calls.

    def open(self, lease: Lease) -> None:
        """Begin with a partition."""
        with self._lock:
            self._windows[lease.partition] = Window(lease)

    def abandon(self, partition: int) -> None:
        """What is in a partition's window counts no more: somebody else has it, or the stream stands elsewhere."""
        with self._lock:
            window = self._windows.pop(partition, None)
            if window is not None:
                window.void = True
                self._blame.forget(window)

    def drain(self, partition: int) -> bool:
        """Hand out nothing more of a partition. Returns whether all that was handed out is settled."""
        with self._lock:
            window = self._windows.get(partition)
            if window is None:
                return True
            window.draining = True
            return window.cursor <= window.settled

    def keep(self, partition: int) -> None:
        """It was to be drained, and stays after all."""
        with self._lock:
            if partition in self._windows:
                self._windows[partition].draining = False

    def wants(self, partition: int) -> int | None:
        """The offset that is to be loaded next; ``None`` where there is no room."""
        with self._lock:
            window = self._windows.get(partition)
            return None if window is None or window.draining or self.room <= 0 else window.loaded

    @property
    def room(self) -> int:
        """How many more events may be loaded."""
        windows = list(self._windows.values())
        if sum(each.size for each in windows) >= self._capacity_bytes:
            return 0
        return self._capacity - sum(each.held for each in windows)

    def load(self, partition: int, chunk: Chunk) -> None:
        """Add the next chunk."""
        with self._lock:
            window = self._windows.get(partition)
            if window is not None:
                window.load(chunk)
                window.slide()

    def load_unreadable(self, partition: int, chunk: Chunk, reason: str, data: bytes) -> None:
        """Add an entry that nobody can read: it is a dead letter, when its turn comes."""
        with self._lock:
            window = self._windows.get(partition)
            if window is not None:
                window.dead[chunk.begin] = self._letter(partition, chunk.begin, reason, data, chunk.end - chunk.begin)
                window.load(chunk)
                window.slide()

    def settlements(self) -> list[tuple[Lease, Settlement]]:
        """What there is to tell the stream."""
        with self._lock:
            found = [(window.lease, window.settlement()) for window in self._windows.values()]
        return [(lease, settlement) for lease, settlement in found if settlement is not None]

    def settled(self, partition: int, end: int) -> None:
        """The stream has it."""
        with self._lock:
            window = self._windows.get(partition)
            if window is not None:
                window.was_settled(end)

    # What the lane's thread calls.

    def take_handed(self) -> list[Handed]:
        """The next events to hand out. Returns nothing while what was handed out has to be flushed first."""
        with self._lock:
            if self.stopped:
                return []
            windows = list(self._windows.values())
            if windows:  # each partition in its turn
                self._rotation = (self._rotation + 1) % len(windows)
                windows = windows[self._rotation :] + windows[: self._rotation]
            return self._blame.next(windows)

    @property
    def careful(self) -> bool:
        """Whether each piece that is handed out is flushed before the next one."""
        return self._blame.limit is not None or self._blame.suspect is not None

    def went_well(self, handed: Sequence[Handed], *, done: bool) -> None:
        """These were handled, and a flush after them went well. done: all that was handed out was."""
        with self._lock:
            for window, chunk, start, stop in handed:
                if window.void:
                    continue
                first, last = chunk.offsets[start], chunk.offsets[stop - 1]
                if first <= window.flushed:
                    window.went_well(last + 1)
                else:
                    window.early.update(chunk.offsets[start:stop])
            if done or self._blame.suspect is not None:
                self._blame.went_well()

    def dies(self, handed: Handed, index: int, reason: str) -> None:
        """The reporter says of an event that it can never be delivered."""
        with self._lock:
            self._bury(self._suspect(handed, index), reason)

    def failed(self, unflushed: Sequence[Handed], why: str, *, at: int | None) -> None:
        """The reporter failed, and what it had is to be handed out again.

        unflushed: what it was handed and did not flush. at: which of these events it failed at; ``None``: in a flush.
        """
        with self._lock:
            suspects = [
                self._suspect(handed, index) for handed in unflushed for index in range(handed.start, handed.stop)
            ]
            if at is not None:
                suspects = suspects[at : at + 1]
            suspects = [suspect for suspect in suspects if not suspect.window.void]
            self._blame.failed(suspects, why, certain=at is not None, alone=len(unflushed) == 1 and at in (None, 0))
            self._rewind()

    def rewind(self) -> None:
        """What was handed out and not flushed is to be handed out again; nobody is to blame."""
        with self._lock:
            self._rewind()

    def _rewind(self) -> None:
        for window in self._windows.values():
            window.slide()
            window.rewind()

    def _suspect(self, handed: Handed, index: int) -> Suspect:
        chunk = handed.chunk
        return Suspect(handed.window, chunk.offsets[index], chunk.events[index], chunk.origin)

    def _bury(self, suspect: Suspect, reason: str) -> None:
        window, offset, event, origin = suspect
        try:
            data = encode(Header(b"", 0, origin), [event]).data
        except (TooBig, TypeError, ValueError):
            data = b""  # it came out of a batch, so this does not happen
        window.dead[offset] = self._letter(window.lease.partition, offset, reason, data, 1)

    def _letter(self, partition: int, offset: int, reason: str, data: bytes, events: int) -> DeadLetter:
        return DeadLetter(
            reporter=self._name,
            partition=partition,
            offset=offset,
            at=time.time(),
            reason=reason,
            data=data,
            events=events,
        )

    # What a lane's buffer is asked.

    @property
    def waiting(self) -> int:
        """How many events wait to be handed out."""
        return sum(max(window.loaded - window.cursor, 0) for window in list(self._windows.values()))

    @property
    def busy(self) -> bool:
        """Whether events are here that the stream has not settled."""
        return any(window.held > 0 for window in list(self._windows.values()))

    @property
    def oldest(self) -> int | None:
        """It has no positions of its own."""
        return None

    def close(self) -> None:
        """Hand out nothing more. What is here is still in the stream."""
        self.stopped = True

    def offer(self, batch: Batch) -> None:
        """Nobody publishes into an agent's lanes."""
        raise NotImplementedError

    def take(self, hold: Hold = nothing) -> Piece | None:
        """See `take_handed`."""
        raise NotImplementedError

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        """See `rewind`."""
        raise NotImplementedError
