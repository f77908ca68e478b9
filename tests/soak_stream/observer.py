"""Reads the store itself, without the product's reading: what is in there, in the order in which it is there."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import redis

from jobreporter import Event
from jobreporter._stream.decode import decode
from jobreporter.streams import Settlement, Stream, StreamError

from .told import Told, told

#: What it is called among the reporters: with its place kept, nothing is trimmed that it hasn't read.
NAME = "observer"
# Seconds between two looks.
_EVERY = 0.3


class Found(NamedTuple):
    """An entry of the store, whatever engine it is of."""

    offset: int
    events: int
    key: str
    data: bytes


class Store(Protocol):
    """The store of one engine."""

    def entries(self, partition: int, offset: int) -> Iterator[Found]:
        """Those from an offset on, in order."""


class RedisStore:
    """Redis's own streams."""

    def __init__(self, port: int) -> None:
        # Its types know of all that Redis may answer to anybody.
        self._client: Any = redis.Redis(port=port, socket_timeout=5)

    def entries(self, partition: int, offset: int) -> Iterator[Found]:
        for key, fields in self._client.xrange(f"{{jr:soak}}:s:{partition}", f"{offset}-0", "+"):
            yield Found(int(key.partition(b"-")[0]), int(fields[b"n"]), key.decode(), fields[b"d"])


class SqliteStore:
    """The tables of the database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self, partition: int, offset: int) -> Iterator[Found]:
        first, last = (partition << 48) + offset, (partition + 1) << 48
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)) as database:
            rows = "SELECT id, events, key, data FROM entry WHERE id >= ? AND id < ? ORDER BY id"
            for row, events, key, data in database.execute(rows, (first, last)):
                yield Found(row - (partition << 48), events, str(key), data)


class Observer:
    """Keeps up with the store. It has a place of its own among the reporters, which it moves when it has read.

    stream: for that, and for the ledgers.
    """

    def __init__(self, store: Store, stream: Stream) -> None:
        self._store = store
        self._stream = stream
        self.partitions = stream.partitions
        stream.register({NAME: "oldest"})
        #: Everything that was ever stored, by partition.
        self.stored: dict[int, list[Told]] = {number: [] for number in range(self.partitions)}
        #: What is not as it must be.
        self.complaints: list[str] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer")
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.look()

    def _run(self) -> None:
        try:
            while not self._over.wait(_EVERY):
                self.look()
        except Exception as error:
            self.complaints.append(f"the observer: {type(error).__name__}: {error}")

    def look(self) -> None:
        """Read on. Where the store is down, the next look does so."""
        with self._lock:
            try:
                for partition in range(self.partitions):
                    self._read(partition)
                self._check()
            except (StreamError, redis.RedisError, sqlite3.Error):
                pass

    def ledgers(self) -> dict[str, dict[int, tuple[int, ...]]] | None:
        """By reporter and partition: head, position, handled, dead; ``None`` while the store is down."""
        with self._lock:
            try:
                found = self._stream.ledgers()
            except StreamError:
                return None
        ledgers: dict[str, dict[int, tuple[int, ...]]] = {}
        for each in found:
            ledgers.setdefault(each.reporter, {})[each.partition] = (
                each.head,
                each.position,
                each.handled,
                each.dead,
            )
        return ledgers

    def dead(self, reporter: str) -> list[tuple[float, Told]]:
        """Each dead letter of a reporter, with the time when it became one (Unix seconds)."""
        with self._lock:
            letters = self._stream.dead_letters(reporter)
        return [(letter.at, told(event)) for letter in letters for event in _events(letter.data)]

    def open_executions(self) -> list[str]:
        """What is taken for running."""
        with self._lock:
            return [each.id for each in self._stream.open_executions()]

    def _read(self, partition: int) -> None:
        stored = self.stored[partition]
        last_key = ""
        begin = len(stored)
        for offset, count, key, data in self._store.entries(partition, begin):
            events = [told(event) for event in _events(data)]
            if (offset, count) != (len(stored), len(events)):
                self.complaints.append(
                    f"partition {partition}: {len(events)} events in an entry of {count} at {offset}, not {len(stored)}"
                )
            stored += events
            last_key = key
        if last_key:
            lease = self._stream.acquire(NAME, partition, b"observer", 60)
            if lease is not None and lease.position < len(stored):
                end = len(stored)
                settlement = Settlement(begin=lease.position, end=end, last_key=last_key, handled=end - lease.position)
                self._stream.settle(lease, settlement)

    def _check(self) -> None:
        """Every ledger closes at any time."""
        for each in self._stream.ledgers():
            settled = each.handled + each.dead + each.filtered + each.expired + each.unknown
            if settled + each.pending != each.accepted or each.filtered + each.expired + each.unknown:
                self.complaints.append(f"a ledger is not closed: {each}")


def _events(data: bytes) -> Iterator[Event]:
    for event in decode(data).events:
        if not isinstance(event, Event):
            raise TypeError(f"the store holds what nobody can read: {event}")
        yield event
