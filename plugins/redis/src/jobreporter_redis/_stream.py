"""The stream. See `jobreporter.streams.Stream` for what each method promises.

All keys begin with ``{jr:NAMESPACE}:``: the part in braces puts them into one slot of a cluster. They are: ``m`` what the
stream is, ``h`` the heads, ``s:P`` the entries of a partition, ``p:PRODUCER`` its numbers, ``o`` the open executions, ``t``
those declared lost, ``b`` signs of life, ``r`` the reporters, ``l:REPORTER:P`` ledger and lease, ``d:REPORTER`` its dead
letters. An entry's id is ``OFFSET-MILLISECONDS``. ``lives.lua`` says what becomes of positions where some of this is lost.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, cast

import msgspec

from jobreporter.streams import (
    Appended,
    Batch,
    Beat,
    DeadLetter,
    Entry,
    Lease,
    Ledger,
    OpenExecution,
    Retention,
    Settled,
    Settlement,
    StreamDown,
    StreamMissing,
    StreamRefused,
    StreamSettings,
    Trimmed,
    Window,
    machine_time,
)
from jobreporter_redis import _scripts
from jobreporter_redis._client import Client, connect, told, without_secrets
from jobreporter_redis._findings import findings, refuse_forgetful, refuse_old
from jobreporter_redis._options import RedisOptions

_PARTITIONS = 8
_FORMAT = b"1"
# Bytes.
_IDENTITY = 16
# Milliseconds for which the numbers of a producer are kept that gives no sign of life, or that has left on purpose.
_NUMBERS_KEPT = 7 * 86_400_000
_AFTER_LEAVING = 3_600_000
# Milliseconds. No lease is longer.
_LONGEST_LEASE = 600_000
# How many of what there may be thousands of are asked for at a time: servers may bound the bytes of an answer.
_AT_ONCE = 100


class RedisStream:
    """A stream on the server at ``url``. It connects with the first call."""

    def __init__(self, url: str, settings: StreamSettings, options: RedisOptions) -> None:
        self._where = without_secrets(url)
        self._settings = settings
        self._timeout = settings.timeout
        self._prefix = f"{{jr:{settings.namespace}}}:"
        self._connect: Callable[[], Client] = lambda: connect(url, options, settings.timeout)
        self._client: Client = None
        self._made: tuple[int, bytes] | None = None
        #: By partition: the life of its offsets that positions are of, see ``lives.lua``.
        self._lives: dict[int, bytes] = {}

    @property
    def partitions(self) -> int:
        return self._what_it_is()[0]

    @property
    def identity(self) -> bytes:
        return self._what_it_is()[1]

    def _what_it_is(self) -> tuple[int, bytes]:
        """How many partitions it has, and its identity."""
        if self._made is None:
            with self._told():
                self._made = self._create()
        return self._made

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with told(self._where):
                yield
        except StreamDown:
            # Who answers next may be another server, or one that was started with another configuration. One that isn't the
            # primary any more keeps its connections: the name may lead to another by now.
            self._made = None
            self.close()
            raise

    def _create(self) -> tuple[int, bytes]:
        client = self._connected()
        key = self._key("m")
        refuse_old(client, self._where, key)
        if self._settings.sync:
            refuse_forgetful(client, self._where, key)
        parts = client.hmget(key, "format", "partitions", "identity")
        if None in parts:
            if not self._settings.create:
                raise StreamMissing(f"{self._where}: there is no stream yet: the first worker or agent makes it")
            client.hsetnx(key, "format", _FORMAT)
            client.hsetnx(key, "partitions", self._settings.partitions or _PARTITIONS)
            client.hsetnx(key, "identity", os.urandom(_IDENTITY))
            parts = client.hmget(key, "format", "partitions", "identity")
        found, partitions, identity = parts
        if found != _FORMAT:
            raise StreamRefused(f"{self._where}: the stream has format {found!r}, and this version reads {_FORMAT!r}")
        return int(partitions), identity

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                client.close()
            except Exception:  # noqa: S110 - nothing depends on how a connection ends
                pass

    def _key(self, *parts: object) -> str:
        return self._prefix + ":".join(map(str, parts))

    def _run(self, script: _scripts.Script, keys: Sequence[str], *arguments: Any) -> Any:
        with self._told():
            return script(self._connected(), keys, arguments)

    def _entries(self) -> list[str]:
        return [self._key("s", partition) for partition in range(self.partitions)]

    def _ledgers(self, names: Sequence[str]) -> list[str]:
        return [self._key("l", name, partition) for name in names for partition in range(self.partitions)]

    def _known(self) -> list[str]:
        with self._told():
            return sorted(name.decode() for name in self._connected().hkeys(self._key("r")))

    def append(self, producer: bytes, batches: Sequence[Batch], beat: bytes | None = None) -> tuple[Appended, ...]:
        if len({batch.partition for batch in batches}) < len(batches):
            raise ValueError("at most one batch for each partition")
        keys = [self._key("h"), self._key("o"), self._key("t"), self._key("b"), self._key("p", producer.hex())]
        arguments: list[Any] = [producer, b"" if beat is None else b"=" + beat, _NUMBERS_KEPT]
        for batch in batches:
            self._refuse_partition(batch.partition)
            keys.append(self._key("s", batch.partition))
            arguments += (batch.partition, batch.first, batch.last, batch.events, batch.data)
            arguments += (len(batch.begun), *batch.begun)
            arguments += (len(batch.open), *(part for pair in batch.open.items() for part in pair))
            arguments += (len(batch.ended), *batch.ended)
        answers = self._run(_scripts.APPEND, keys, *arguments)
        return tuple(
            Appended(
                status=cast(Any, status.decode()),
                last=last,
                rolled_back=rolled_back,
                lost=tuple(execution.decode() for execution in lost),
            )
            for status, last, rolled_back, *lost in answers
        )

    def _refuse_partition(self, partition: int) -> None:
        if not 0 <= partition < self.partitions:
            raise ValueError(f"there is no partition {partition}")

    def beat(self, process: bytes, data: bytes) -> None:
        self._run(_scripts.BEAT, [self._key("b"), self._key("p", process.hex())], process, data, _NUMBERS_KEPT)

    def leave(self, process: bytes) -> None:
        with self._told():
            # A timed-out append may yet be executed, so its numbers stay for a while.
            self._connected().pexpire(self._key("p", process.hex()), _AFTER_LEAVING)
            self._connected().hdel(self._key("b"), process)

    def beats(self) -> Mapping[bytes, Beat]:
        with self._told():
            found = dict(self._connected().hscan_iter(self._key("b"), count=_AT_ONCE))
        beats = {}
        for process, value in found.items():
            counter, at, data = value.split(b" ", 2)
            beats[process] = Beat(counter=int(counter), at=int(at) / 1000, data=data)
        return beats

    def register(self, reporters: Mapping[str, Literal["now", "oldest"]]) -> None:
        self._made = None  # one that was emptied since is made anew
        keys = [self._key("r"), self._key("h"), *self._entries(), *self._ledgers(list(reporters))]
        self._run(_scripts.REGISTER, keys, self.partitions, *(part for pair in reporters.items() for part in pair))

    def acquire(self, reporter: str, partition: int, owner: bytes, seconds: float) -> Lease | None:
        self._refuse_partition(partition)
        is_task = int(reporter.startswith("."))
        milliseconds = min(round(seconds * 1000), _LONGEST_LEASE)
        answer = self._run(
            _scripts.ACQUIRE,
            [self._key("l", reporter, partition), self._key("h")],
            *(owner, milliseconds, is_task, _LONGEST_LEASE, partition),
        )
        if answer is None:
            raise ValueError(f"there is no reporter {reporter!r}")
        if answer == 0:
            return None
        fence, position, life = answer
        if not is_task:
            self._lives[partition] = life
        return Lease(reporter=reporter, partition=partition, owner=owner, fence=fence, position=int(position))

    def renew(self, leases: Sequence[Lease], seconds: float) -> tuple[bool, ...]:
        if not leases:
            return ()
        keys = [self._key("r"), *(self._key("l", lease.reporter, lease.partition) for lease in leases)]
        named = (part for lease in leases for part in (lease.reporter, lease.owner, lease.fence))
        answers = self._run(_scripts.RENEW, keys, min(round(seconds * 1000), _LONGEST_LEASE), *named)
        return tuple(map(bool, answers))

    def release(self, lease: Lease) -> None:
        self._run(_scripts.RELEASE, [self._key("l", lease.reporter, lease.partition)], lease.owner, lease.fence)

    def read(self, partition: int, position: int, max_bytes: int) -> Window:
        self._refuse_partition(partition)
        keys = [self._key("h"), self._key("s", partition)]
        head, *parts = self._run(_scripts.READ, keys, partition, position, max_bytes, self._lives.get(partition, b""))
        entries = []
        for key, events, data in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            offset, at = key.split(b"-")
            entry = Entry(offset=int(offset), events=int(events), key=key.decode(), at=int(at) / 1000, data=data)
            entries.append(entry)
        return Window(partition=partition, head=int(head), entries=tuple(entries))

    def wait(self, heads: Mapping[int, int], timeout: float) -> bool:
        end = time.monotonic() + timeout
        known = {self._key("s", partition): f"{head}-0" for partition, head in heads.items()}
        while (remaining := end - time.monotonic()) > 0:
            # An answer has to come before the connection is given up.
            block = max(1, int(min(remaining, self._timeout / 2) * 1000))
            with self._told():
                if self._connected().xread(known, count=1, block=block):
                    return True
        return False

    def settle(self, lease: Lease, settlement: Settlement) -> Settled:
        keys = [
            self._key("l", lease.reporter, lease.partition),
            self._key("s", lease.partition),
            self._key("d", lease.reporter),
            self._key("h"),
        ]
        dead = sum(letter.events for letter in settlement.dead)
        letters = (part for letter in settlement.dead for part in (letter.at, _packed(letter)))
        answer = self._run(
            _scripts.SETTLE,
            keys,
            *(lease.owner, lease.fence, settlement.begin, settlement.end, settlement.last_key),
            *(settlement.handled, settlement.filtered, settlement.unknown, dead),
            *(self._settings.most_letters, self._settings.most_letter_bytes, lease.partition),
            *letters,
        )
        return cast(Settled, answer.decode())

    def trim(self, retention: Retention, *, most: int = 1000) -> Trimmed:
        names = self._known()
        keys = [self._key(each) for each in ("r", "h", "t", "b", "m")] + self._entries() + self._ledgers(names)
        bounds = (round(retention.max_age * 1000), retention.max_bytes, round(retention.forget_after * 1000))
        machine, seconds = machine_time()
        asked = (self.partitions, most, *bounds, machine, round(seconds * 1000))
        removed, more, *expired = self._run(_scripts.TRIM, keys, *asked, *names)
        return Trimmed(
            entries=removed,
            more=bool(more),
            expired={name.decode(): count for name, count in zip(expired[::2], expired[1::2], strict=True)},
        )

    def open_executions(self) -> Sequence[OpenExecution]:
        with self._told():
            found = dict(self._connected().hscan_iter(self._key("o"), count=_AT_ONCE))
        return [_open_execution(execution.decode(), value) for execution, value in found.items()]

    def lose(self, execution: OpenExecution, data: bytes, events: int) -> bool:
        keys = [self._key("h"), self._key("o"), self._key("t"), self._key("s", execution.partition)]
        named = (execution.id, execution.producer, execution.partition)
        return bool(self._run(_scripts.LOSE, keys, *named, events, data))

    def ledgers(self) -> Sequence[Ledger]:
        names = self._known()
        keys = [self._key("r"), self._key("h"), *self._entries(), *self._ledgers(names)]
        rows = self._run(_scripts.LEDGERS, keys, self.partitions, *names)
        return [_ledger(*row) for row in rows]

    def dead_letters(self, reporter: str | None = None) -> Sequence[DeadLetter]:
        names = self._known() if reporter is None else [reporter]
        letters = []
        for name in names:
            with self._told():
                # What comes or goes meanwhile may be told twice or not; what stays is told.
                found = {letter for letter, _ in self._connected().zscan_iter(self._key("d", name), count=_AT_ONCE)}
            letters += [_unpacked(name, letter) for letter in found]
        return sorted(letters, key=lambda letter: (letter.at, letter.reporter, letter.partition, letter.offset))

    def drop_letter(self, letter: DeadLetter) -> bool:
        with self._told():
            return bool(self._connected().zrem(self._key("d", letter.reporter), _packed(letter)))

    def forget(self, reporter: str) -> bool:
        return self._begin(reporter, "forget")

    def rewind(self, reporter: str, to: float | None) -> bool:
        return self._begin(reporter, "0" if to is None else str(int(to * 1000)))

    def _begin(self, reporter: str, what: str) -> bool:
        letters = self._key("d", reporter)
        keys = [self._key("r"), self._key("h"), letters, *self._entries(), *self._ledgers([reporter])]
        answer = self._run(_scripts.BEGIN, keys, self.partitions, reporter, _LONGEST_LEASE, what)
        if answer is None:
            raise ValueError(f"there is no reporter {reporter!r}")
        return bool(answer)

    def findings(self) -> Sequence[str]:
        with self._told():
            return findings(self._connected(), self._settings.max_bytes, self._key("m"))


def _open_execution(execution: str, value: bytes) -> OpenExecution:
    length, _, rest = value.partition(b":")
    producer, rest = rest[: int(length)], rest[int(length) :]
    partition, _, data = rest.partition(b":")
    return OpenExecution(id=execution, producer=producer, partition=int(partition), data=data)


def _ledger(name: bytes, partition: int, head: bytes, seen: bytes, oldest: bytes, *counts: bytes) -> Ledger:
    start, position, handled, dead, filtered, expired, unknown = map(int, counts)
    return Ledger(
        reporter=name.decode(),
        partition=partition,
        head=int(head),
        start=start,
        position=position,
        handled=handled,
        dead=dead,
        filtered=filtered,
        expired=expired,
        unknown=unknown,
        oldest_at=int(oldest) / 1000 if oldest else None,
        seen_at=int(seen) / 1000,
    )


def _packed(letter: DeadLetter) -> bytes:
    parts = (letter.partition, letter.offset, letter.at, letter.reason, letter.data, letter.events)
    return msgspec.msgpack.encode(parts)


def _unpacked(reporter: str, packed: bytes) -> DeadLetter:
    partition, offset, at, reason, data, events = msgspec.msgpack.decode(packed)
    return DeadLetter(
        reporter=reporter, partition=partition, offset=offset, at=at, reason=reason, data=data, events=events
    )
