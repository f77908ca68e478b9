"""Recordings: what happened to jobs as lines of a file, which every later version reads.

The reporter `record` writes them, and ``jobreporter replay`` hands them to other reporters. Each line is one event, in
JSON: the fields of its origin, its job and itself, in the order in which a stream has them.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from jobreporter._stream.frame import Unreadable
from jobreporter._stream.line import decode_line, encode_line
from jobreporter.context import Origin
from jobreporter.errors import JobReporterError
from jobreporter.events import Event

__all__ = ["NotRecorded", "Recorded", "from_lines", "read_recording", "to_line"]

_GZIP = b"\x1f\x8b"
_UTF_8_MARK = b"\xef\xbb\xbf"
# How files begin that aren't read as they are, and why.
_OTHERS = {
    b"BZh": "it is packed by bzip2: unpack it first, as with bzip2 -dc",
    b"\xfd7zXZ": "it is packed by xz: unpack it first, as with xz -dc",
    b"\x28\xb5\x2f\xfd": "it is packed by zstd: unpack it first, as with zstd -dc",
    b"PK\x03\x04": "it is packed by zip: unpack it first, as with unzip -p",
    b"\xff\xfe": "it is UTF-16, and a recording is UTF-8",
    b"\xfe\xff": "it is UTF-16, and a recording is UTF-8",
}


class Recorded(NamedTuple):
    """What a line says."""

    event: Event
    #: The process that published it.
    origin: Origin


class NotRecorded(JobReporterError):  # noqa: N818 - it says what the line is
    """A line that is none of a recording.

    where: the file, and the number of the line, which counts from 1. problem: why, in half a sentence. unfinished: it
    lacks its end, as the last line does of a file that was cut off or is being written.
    """

    def __init__(self, where: str, problem: str, *, unfinished: bool = False) -> None:
        super().__init__(f"{where}: no event of a recording: {problem}")
        self.where = where
        self.problem = problem
        self.unfinished = unfinished


def to_line(event: Event, origin: Origin) -> bytes:
    """The event as a line, with the end of the line.

    Raises `ValueError` or another error of the encoder's for an event that holds more than plain data.
    """
    return encode_line(event, origin)


def from_lines(lines: Iterable[bytes], name: str) -> Iterator[Recorded]:
    """The events of lines, in their order; empty lines are passed over. name: what an error calls the file.

    Raises `NotRecorded` at the first line that can't be read.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield Recorded(*decode_line(line))
            except Unreadable as error:
                unfinished = not line.endswith(b"\n")
                raise NotRecorded(f"{name}:{number}", str(error), unfinished=unfinished) from None


def read_recording(path: str | os.PathLike[str] | BinaryIO, *, name: str | None = None) -> Iterator[Recorded]:
    """The events of a file, in their order, also of one that gzip has packed.

    path: or the file itself, opened for bytes, which can be rewound and is read from its beginning. name: what an error
    calls it, if not by its path.

    Raises `OSError`, and `NotRecorded` at the first line that can't be read.
    """
    if isinstance(path, str | os.PathLike):
        with Path(path).open("rb") as file:
            yield from from_lines(_lines(file, name or str(path)), name or str(path))
    else:
        name = name or str(getattr(path, "name", "a file"))
        yield from from_lines(_lines(path, name), name)


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    file.seek(0)
    head = file.read(max(map(len, _OTHERS)))
    for start, problem in _OTHERS.items():
        if head.startswith(start):
            raise NotRecorded(name, problem)
    file.seek(len(_UTF_8_MARK) if head.startswith(_UTF_8_MARK) else 0)
    if not head.startswith(_GZIP):
        yield from iter(file.readline, b"")  # from the file itself would close it together with this generator
        return
    try:
        yield from gzip.GzipFile(fileobj=file)
    except EOFError:
        raise NotRecorded(name, "it is packed by gzip, and its end is missing", unfinished=True) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise NotRecorded(name, f"it is packed by gzip, and damaged: {error}") from None
