"""The scripts called one by one, with the keys of one stream: what core would never pass can be passed, too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import redis

from jobreporter_redis import _scripts

#: What stands before each of them.
SHARED = "lives"
PARTITIONS = 2
HEADS, OPEN, LOST, BEATS, REPORTERS = "{jr:x}:h", "{jr:x}:o", "{jr:x}:t", "{jr:x}:b", "{jr:x}:r"
MADE = "{jr:x}:m"
PRODUCER = b"producer"
NUMBERS = "{jr:x}:p:producer"
WEEK = 7 * 86_400_000
LONGEST = 600_000


def text_of(name: str) -> str:
    folder = files("jobreporter_redis")
    return ((folder if name == SHARED else folder / "scripts") / f"{name}.lua").read_text(encoding="utf-8")


def code_of(name: str) -> str:
    """The text without its comments."""
    return re.sub(r"--.*", "", text_of(name))


def entries(partition: int = 0) -> str:
    return f"{{jr:x}}:s:{partition}"


def ledger(reporter: str = "log", partition: int = 0) -> str:
    return f"{{jr:x}}:l:{reporter}:{partition}"


def letters(reporter: str = "log") -> str:
    return f"{{jr:x}}:d:{reporter}"


def all_entries() -> list[str]:
    return [entries(each) for each in range(PARTITIONS)]


def all_ledgers(*reporters: str) -> list[str]:
    return [ledger(reporter, each) for reporter in reporters for each in range(PARTITIONS)]


class Scripts:
    """Of one server."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def now(self) -> int:
        """Milliseconds, by the server's clock."""
        seconds, microseconds = self.client.time()  # type: ignore[misc]  # two numbers
        return int(seconds) * 1000 + int(microseconds) // 1000

    def append(
        self, *batches: dict[str, Any], beat: bytes | None = None, producer: bytes = PRODUCER
    ) -> list[list[Any]]:
        keys = [HEADS, OPEN, LOST, BEATS, NUMBERS, *(entries(each.get("partition", 0)) for each in batches)]
        arguments: list[Any] = [producer, b"" if beat is None else b"=" + beat, WEEK]
        for each in batches:
            first = each.get("first", 1)
            last = each.get("last", first)
            data = each.get("data", b"data")
            arguments += [each.get("partition", 0), first, last, each.get("events", last - first + 1), data]
            for name in ("begun", "open", "ended"):
                found: Any = each.get(name, ())
                parts = [part for pair in found.items() for part in pair] if isinstance(found, dict) else list(found)
                arguments += [len(found), *parts]
        answer: list[list[Any]] = _scripts.APPEND(self.client, keys, arguments)
        return answer

    def beat(self, data: bytes = b"said", process: bytes = PRODUCER) -> None:
        _scripts.BEAT(self.client, [BEATS, NUMBERS], [process, data, WEEK])

    def register(self, **reporters: str) -> None:
        keys = [REPORTERS, HEADS, *all_entries(), *all_ledgers(*reporters)]
        _scripts.REGISTER(self.client, keys, [PARTITIONS, *(part for pair in reporters.items() for part in pair)])

    def acquire(self, owner: str = "agent", *, key: str | None = None, for_ms: int = 10_000, task: bool = False) -> Any:
        """Returns fence and position, or what it is else."""
        arguments = [owner, for_ms, int(task), LONGEST, 0]
        answer = _scripts.ACQUIRE(self.client, [key or ledger(), HEADS], arguments)
        return answer[:2] if isinstance(answer, list) else answer

    def renew(self, *leases: tuple[str, str, str, int], for_ms: int = 10_000) -> list[int]:
        """leases: the key, and reporter, owner and fence."""
        keys = [REPORTERS, *(lease[0] for lease in leases)]
        answer: list[int] = _scripts.RENEW(self.client, keys, [for_ms, *(part for each in leases for part in each[1:])])
        return answer

    def release(self, owner: str = "agent", fence: int = 1, key: str | None = None) -> None:
        _scripts.RELEASE(self.client, [key or ledger()], [owner, fence])

    def read(self, position: int = 0, most: int = 10**9, partition: int = 0, life: bytes = b"") -> list[Any]:
        arguments = [partition, position, most, life]
        answer: list[Any] = _scripts.READ(self.client, [HEADS, entries(partition)], arguments)
        return answer

    def settle(
        self,
        begin: int,
        end: int,
        key: bytes | str,
        *,
        owner: str = "agent",
        fence: int = 1,
        counts: Sequence[int] | None = None,
        dead: Sequence[tuple[float, bytes]] = (),
        kept: int = 100,
        kept_bytes: int = 10**9,
    ) -> bytes:
        """counts: handled, filtered, unknown and dead."""
        handled = end - begin - len(dead)
        given = counts or (handled, 0, 0, len(dead))
        keys = [ledger(), entries(), letters(), HEADS]
        told = (part for each in dead for part in each)
        arguments = [owner, fence, begin, end, key, *given, kept, kept_bytes, 0, *told]
        answer: bytes = _scripts.SETTLE(self.client, keys, arguments)
        return answer

    def lose(self, execution: str, producer: bytes = PRODUCER, partition: int = 0, events: int = 2) -> int:
        keys = [HEADS, OPEN, LOST, entries(partition)]
        answer: int = _scripts.LOSE(self.client, keys, [execution, producer, partition, events, b"ending"])
        return answer

    def trim(
        self,
        *names: str,
        most: int = 1000,
        max_age: int = 10**9,
        max_bytes: int = 10**9,
        forget_after: int = 10**9,
        machine: tuple[str, int] = ("", 0),
    ) -> list[Any]:
        """machine: which one asks, and the milliseconds of its own time."""
        keys = [REPORTERS, HEADS, LOST, BEATS, MADE, *all_entries(), *all_ledgers(*names)]
        asked = [PARTITIONS, most, max_age, max_bytes, forget_after, *machine, *names]
        answer: list[Any] = _scripts.TRIM(self.client, keys, asked)
        return answer

    def ledgers(self, *names: str) -> list[list[Any]]:
        keys = [REPORTERS, HEADS, *all_entries(), *all_ledgers(*names)]
        answer: list[list[Any]] = _scripts.LEDGERS(self.client, keys, [PARTITIONS, *names])
        return answer

    def begin(self, name: str = "log", what: str = "0") -> Any:
        keys = [REPORTERS, HEADS, letters(name), *all_entries(), *all_ledgers(name)]
        return _scripts.BEGIN(self.client, keys, [PARTITIONS, name, LONGEST, what])

    def dump(self) -> dict[bytes, bytes]:
        """All that the server holds."""
        return {key: self.client.dump(key) for key in self.client.scan_iter()}  # type: ignore[misc]  # no coroutine
