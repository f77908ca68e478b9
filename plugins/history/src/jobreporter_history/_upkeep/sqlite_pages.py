"""The rows in the pages of an SQLite file, without SQLite: also of a file that it refuses to open.

Each page that looks like a leaf of a table or an index is read by itself, as the file format describes it, and what makes no sense is
passed over. So it takes neither the header nor the schema nor the pages that lead to it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

# Python's sqlite3 makes files with pages of this size, and so does every SQLite of the last ten years.
PAGE = 4096

_LEAF_OF_TABLE, _LEAF_OF_INDEX = 0x0D, 0x0A
_HEADER_OF_FILE = 100
_WAL_HEADER, _FRAME_HEADER = 32, 24
# Bytes of a payload that stay on a leaf, by the file format.
_MOST_LOCAL = {_LEAF_OF_TABLE: PAGE - 35, _LEAF_OF_INDEX: (PAGE - 12) * 64 // 255 - 23}
_LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
_MOST_COLUMNS = 100
_LONGEST = 64 * 1024 * 1024
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Record(NamedTuple):
    """A row of some table, or an entry of some index.

    A column that is the table's key is ``None`` in a row, and its value the row's number. An entry has no number of its
    own; its last value is that of the row which it is about.
    """

    number: int | None
    values: tuple[Any, ...]


class Pages:
    """The pages of a file, with those that are newer in its write-ahead log in their place.

    unreadable: how many pages should have had rows and didn't, the last time that all were read.
    """

    def __init__(self, path: Path) -> None:
        self.unreadable = 0
        with path.open("rb") as file:
            self._file = mmap(file.fileno(), 0, access=ACCESS_READ) if path.stat().st_size else b""
        self._newer = dict(_logged(path.with_name(f"{path.name}-wal")))

    def records(self) -> Iterator[Record]:
        """Every row that can be read, in the order of the pages."""
        self.unreadable = 0
        for number in range(1, max(len(self._file) // PAGE, *self._newer, 1) + 1):
            page = self._page(number)
            begin = _HEADER_OF_FILE if number == 1 else 0
            if len(page) == PAGE and page[begin] in _MOST_LOCAL:
                yield from self._rows(page, begin)

    def _page(self, number: int) -> bytes:
        return self._newer.get(number) or self._file[(number - 1) * PAGE : number * PAGE]

    def _rows(self, page: bytes, begin: int) -> Iterator[Record]:
        count = int.from_bytes(page[begin + 3 : begin + 5], "big")
        pointers = range(begin + 8, min(begin + 8 + 2 * count, PAGE - 1), 2)
        wrong = len(pointers) < count
        for pointer in pointers:
            try:
                yield self._row(page, int.from_bytes(page[pointer : pointer + 2], "big"), page[begin])
            except (IndexError, ValueError, struct.error):
                wrong = True
        self.unreadable += wrong

    def _row(self, page: bytes, at: int, kind: int) -> Record:
        size, at = _varint(page, at)
        number, most = None, _MOST_LOCAL[kind]
        if kind == _LEAF_OF_TABLE:
            number, at = _varint(page, at)
        if not 0 < size <= _LONGEST:
            raise ValueError("no row is so long")
        local = size
        if size > most:
            local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (PAGE - 4)
            local = local if local <= most else _LEAST_LOCAL
        payload = page[at : at + local]
        if size > local:
            payload += self._overflow(int.from_bytes(page[at + local : at + local + 4], "big"), size - local)
        if len(payload) != size:
            raise ValueError("a part of the row is missing")
        return Record(number, tuple(_values(payload)))

    def _overflow(self, number: int, size: int) -> bytes:
        found = bytearray()
        while number and len(found) < size:
            page = self._page(number)
            number = int.from_bytes(page[:4], "big")
            if not page:
                break
            found += page[4:]
        return bytes(found[:size])


def _values(payload: bytes) -> Iterator[Any]:
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if at != end or len(kinds) > _MOST_COLUMNS:
        raise ValueError("the row's header makes no sense")
    for kind in kinds:
        if kind in _INTEGERS:
            yield int.from_bytes(_part(payload, at, _INTEGERS[kind]), "big", signed=True)
            at += _INTEGERS[kind]
        elif kind == 7:
            yield struct.unpack(">d", _part(payload, at, 8))[0]
            at += 8
        elif kind >= 12:
            length = (kind - 12) // 2
            value = _part(payload, at, length)
            yield value.decode() if kind % 2 else value
            at += length
        elif kind in {0, 8, 9}:
            yield {0: None, 8: 0, 9: 1}[kind]
        else:
            raise ValueError("there is no such kind of value")


def _part(payload: bytes, at: int, length: int) -> bytes:
    part = payload[at : at + length]
    if len(part) != length:
        raise ValueError("the row ends too early")
    return part


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(9):
        octet = data[at + place]
        if place == 8:
            value = value << 8 | octet
            return (value - (1 << 64) if value >> 63 else value), at + 9
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            return value, at + place + 1
    raise ValueError("a number without an end")


def _logged(log: Path) -> Iterator[tuple[int, bytes]]:
    """The pages in a write-ahead log, up to its last commit."""
    try:
        data = log.read_bytes()
    except FileNotFoundError:
        return
    salts, waiting = data[16:24], []
    for at in range(_WAL_HEADER, len(data) - PAGE - _FRAME_HEADER + 1, PAGE + _FRAME_HEADER):
        number, committed = struct.unpack(">II", data[at : at + 8])
        if data[at + 8 : at + 16] != salts:
            return  # from here on it is what an older log has left
        waiting.append((number, data[at + _FRAME_HEADER : at + _FRAME_HEADER + PAGE]))
        if committed:
            yield from waiting
            waiting = []
