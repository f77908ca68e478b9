"""The folder that spool files are in: how they are called, and where such a folder can be."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from typing import NamedTuple

from jobreporter.streams._files import how_to_share, missing_folder, refuse_closed, unreliable
from jobreporter.streams.errors import StreamDown, StreamRefused

#: Where records that were damaged are kept, in the folder.
DAMAGED = "damaged"

_FOLDER_MODE = 0o2770

_NAME = re.compile(r"([0-9a-f]{16})\.(\d{1,9})")


class Segment(NamedTuple):
    """One file of a spool: ``PRODUCER.NUMBER``, the producer in hexadecimal digits, the numbers from 1."""

    producer: bytes
    number: int

    @property
    def name(self) -> str:
        return f"{self.producer.hex()}.{self.number}"


def segment_named(name: str) -> Segment | None:
    """The segment of that file name; ``None`` for other files, such as one that is only being made."""
    match = _NAME.fullmatch(name)
    return None if match is None else Segment(bytes.fromhex(match[1]), int(match[2]))


def prepare(folder: str) -> None:
    """Make sure that the folder is there and can hold a spool. Raises StreamRefused or StreamDown if not."""
    try:
        make_shared(folder)
        found = os.stat(folder)
    except OSError as error:
        raise refusal(folder, error) from None
    _refuse_unfit(folder, found)


def look_at(folder: str) -> None:
    """Raise what `prepare` would, or what would be raised for the first file there, and make nothing."""
    parent = os.path.dirname(os.path.abspath(folder))
    try:
        try:
            found = os.stat(folder)
        except FileNotFoundError:
            if not stat.S_ISDIR(os.stat(parent).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
            refuse_closed(parent)
            return
        _refuse_unfit(folder, found)
        refuse_closed(folder)
    except OSError as error:
        raise refusal(folder, error) from None


def make_shared(folder: str) -> None:
    """Make a folder for its group, which is that of the folder around it if this user is in it. One that is there stays."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return
    group = os.stat(os.path.dirname(os.path.abspath(folder))).st_gid
    with suppress(PermissionError):
        os.chown(folder, -1, group)
    os.chmod(folder, _FOLDER_MODE)  # whatever the umask is


def _refuse_unfit(folder: str, found: os.stat_result) -> None:
    if not stat.S_ISDIR(found.st_mode):
        raise StreamRefused(f"the spool {folder!r} is no folder")
    if found.st_mode & stat.S_IWOTH:
        raise StreamRefused(f"the spool {folder!r} can be written to by everybody, who could forge events: chmod o-w")
    if problem := unreliable(folder):
        raise StreamRefused(f"the spool {folder!r} {problem}")


def refusal(path: str, error: OSError) -> StreamDown | StreamRefused:
    """What to raise for an error of the operating system's: who may not, or has no such folder, has to change something."""
    problem = f"the spool {path!r}: {error.strerror or error}"
    if isinstance(error, PermissionError):
        problem += f": {how_to_share(path)}"
    if isinstance(error, FileNotFoundError):
        problem += missing_folder(path)
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError):
        return StreamRefused(problem)
    return StreamDown(problem)
