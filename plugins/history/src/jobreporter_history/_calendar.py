"""The tables that executions are kept in: a day of successes, a month of failures; and the ids that order them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zlib import crc32

Kind = Literal["ok", "bad"]

DAY = 86_400.0
# Of an id, so many bits are a hash of the execution's id, and the last of them says which kind of table has it.
_HASH_BITS = 20
_HASH = (1 << _HASH_BITS) - 1
#: From an id that is taken to the next one of the same kind.
NEXT = 2
# Milliseconds, in a signed integer of 64 bits beside the hash: until the year 2248.
_LATEST = (1 << 43) - 1
_NAME = re.compile(r"(ok|bad)_(\d{4})(\d{2})(\d{2})?")


class Table(NamedTuple):
    """A table of executions that ended from ``begins`` on, and before ``ends`` (Unix seconds)."""

    name: str
    kind: Kind
    begins: float
    ends: float

    @property
    def text(self) -> str:
        """The name of the index of its words."""
        return f"fts_{self.name}"

    @property
    def lowest(self) -> int:
        """The ids of its rows begin here."""
        return first_id(self.begins)

    @property
    def beyond(self) -> int:
        """And end before this one."""
        return first_id(self.ends)


def table_of(kind: Kind, at: float) -> Table:
    """The table for what ended then: a success or an abort (``ok``), or a failure (``bad``)."""
    return _table(kind, at // DAY * DAY)


@lru_cache(maxsize=1024)
def _table(kind: Kind, at: float) -> Table:
    day = datetime.fromtimestamp(at, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "ok":
        return Table(f"ok_{day:%Y%m%d}", "ok", day.timestamp(), (day + timedelta(days=1)).timestamp())
    month = day.replace(day=1)
    following = (month + timedelta(days=32)).replace(day=1)
    return Table(f"bad_{month:%Y%m}", "bad", month.timestamp(), following.timestamp())


def table_named(name: str) -> Table:
    """The table with that name. Raises ValueError for a name that is none's."""
    match = _NAME.fullmatch(name)
    if match is None or (match[1] == "ok") != bool(match[4]):
        raise ValueError(f"{name!r} is no table of executions")
    at = datetime(int(match[2]), int(match[3]), int(match[4] or 1), tzinfo=UTC)
    return table_of("ok" if match[1] == "ok" else "bad", at.timestamp())


def milliseconds(at: float) -> int:
    """A time as whole milliseconds, within what an id can hold."""
    return min(max(round(at * 1000), 0), _LATEST)


def first_id(at: float) -> int:
    """The lowest id of what ended then."""
    return milliseconds(at) << _HASH_BITS


def after_id(at: float) -> int:
    """The lowest id of what ended later than that, by a millisecond at least."""
    return first_id(at) + (1 << _HASH_BITS)


def id_of(kind: Kind, at: float, execution_id: str) -> int:
    """The id of an execution that ended then; where another has it, it is that plus `NEXT`."""
    hashed = crc32(execution_id.encode("utf-8", "surrogatepass")) & _HASH & ~1
    return milliseconds(at) << _HASH_BITS | hashed | (kind == "bad")


def ended_at(id: int) -> float:
    """When the execution with that id ended."""
    return (id >> _HASH_BITS) / 1000
