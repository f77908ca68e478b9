"""Recordings: what happened to jobs as lines of a file, which every later version reads.

The reporter `record` writes them, and ``jobreporter replay`` hands them to other reporters. Each line is one event, in
JSON: the fields of its origin, its job and itself, in the order in which a stream has them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from jobreporter._stream.frame import Unreadable
from jobreporter._stream.line import decode_line, encode_line
from jobreporter.context import Origin
from jobreporter.errors import JobReporterError
from jobreporter.events import Event

__all__ = ["NotRecorded", "Recorded", "from_lines", "read_recording", "to_line"]


class Recorded(NamedTuple):
    """What a line says."""

    event: Event
    #: The process that published it.
    origin: Origin


class NotRecorded(JobReporterError):  # noqa: N818 - it says what the line is
    """A line that is none of a recording.

    where: the file, and the number of the line, which counts from 1. problem: why, in half a sentence.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: no event of a recording: {problem}")
        self.where = where
        self.problem = problem


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
                raise NotRecorded(f"{name}:{number}", str(error)) from None


def read_recording(path: str | os.PathLike[str]) -> Iterator[Recorded]:
    """The events of a file, in their order. Raises `OSError`, and `NotRecorded` at the first line that can't be read."""
    with Path(path).open("rb") as file:
        yield from from_lines(file, str(path))
