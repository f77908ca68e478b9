"""Executions out of a damaged SQLite file: those that can still be read."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from jobreporter_history._calendar import ended_at
from jobreporter_history._engines.database import Database
from jobreporter_history._engines.trouble import Refused
from jobreporter_history._incidents.fingerprint import Fingerprint
from jobreporter_history._rows.columns import COLUMNS, FACTS
from jobreporter_history._rows.data import decode
from jobreporter_history._rows.error_body import Body
from jobreporter_history._rows.events import Ended
from jobreporter_history._rows.series import OTHERS, Release, Series
from jobreporter_history._upkeep.sqlite_pages import Pages, Record
from jobreporter_history._write.batch import Batch
from jobreporter_history._write.writer import Writer

# Rows that are written at once.
_ROWS = 500
# The columns of the tables that rows refer to, by which these are known, and the letters of a hash of an error.
_SERIES, _RELEASE, _ERROR, _INCIDENT, _HASH = 6, 5, 3, 21, 32


class Recovered(NamedTuple):
    """How many executions were read and written, and how many rows or pages couldn't be read."""

    executions: int
    unreadable: int


class _Named(NamedTuple):
    """What the rows refer to by number."""

    series: dict[int, Series]
    releases: dict[int, Release]
    incidents: dict[int, Fingerprint]
    bodies: dict[str, bytes]


def recover(damaged: Path, database: Database) -> Recovered:
    """Write the executions of a damaged file that can be read into a history. Those that it has already stay as they are.

    The file itself isn't changed. Raises `Refused` if there is no such file, or nothing in it can be read.
    """
    if not damaged.is_file():
        raise Refused(f"there is no file {damaged}")
    pages = Pages(damaged)
    named = _named(pages.records())
    writer, batch = Writer(database), Batch()
    count = unreadable = 0
    for record in pages.records():
        if record.number is None or len(record.values) != len(COLUMNS):
            continue
        ended = _ended(record, named)
        if ended is None:
            unreadable += 1
            continue
        batch.add_ended(ended)
        count += 1
        if len(batch) >= _ROWS:
            writer.write(batch)
            batch = Batch()
    if batch:
        writer.write(batch)
    if not count:
        raise Refused(f"nothing in {damaged} can be read")
    return Recovered(count, unreadable + pages.unreadable)


def _named(records: Iterable[Record]) -> _Named:
    named = _Named({}, {}, {}, {})
    for number, values in records:
        if number is None:
            if len(values) == _SERIES and _are_texts(values[:-1]) and isinstance(values[-1], int):
                # The index of all series has them in another order, and once more.
                name, queue, source, service, environment, series = values
                named.series.setdefault(series, Series(service, environment, source, queue, name))
        elif len(values) == _SERIES and _are_texts(values[1:]):
            named.series[number] = Series(*values[1:])
        elif len(values) == _RELEASE and _are_texts(values[1:4]):
            named.releases[number] = Release(*values[1:4])
        elif len(values) == _ERROR and isinstance(values[2], bytes) and _is_hash(values[0]):
            named.bodies[values[0]] = values[2]
        elif len(values) == _INCIDENT and _are_texts(values[1:8]):
            fingerprint, _, _, _, kind, error, parts = values[1:8]
            try:
                named.incidents[number] = Fingerprint(fingerprint, tuple(msgspec.json.decode(parts)), kind, error)
            except msgspec.DecodeError:
                continue
    return named


def _ended(record: Record, named: _Named) -> Ended | None:
    """The row as it was told; ``None`` if it makes no sense."""
    row: dict[str, Any] = dict(zip(COLUMNS, record.values, strict=True))
    try:
        data = decode(row["data"])
        series = Series(**data.job) if data.job else named.series[row["series"]]
        body = _body(row["error"], named)
        facts = tuple(row[name] if name != "error" or body else None for name in FACTS)
        release, incident = named.releases.get(row["release"]), named.incidents.get(row["incident"])
        if not _are_texts((row["execution_id"], row["job_id"], row["outcome"])) or series == OTHERS:
            return None
        return Ended(row["execution_id"], ended_at(record.number or 0), series, release, facts, data, body, incident)
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError):
        return None


def _body(hash: str | None, named: _Named) -> Body | None:
    try:
        return Body(hash, zlib.decompress(named.bodies[hash])) if hash is not None else None
    except (KeyError, zlib.error):
        return None


def _are_texts(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == _HASH
