"""Reading the files that a config is made of: bounded, and never waiting for one that isn't a regular file."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from jobreporter.text import one_line

# Characters of a link's target that messages show.
_SHOWN = 400


class Unusable(Exception):  # noqa: N818 - half a sentence about a file or variable, put into an error by the caller
    """Why a file or variable can't be used; its text goes on from the name, and never quotes the content."""


class FileRead(NamedTuple):
    """The content of a file, and its status at the same moment, so that nobody can swap the file in between."""

    content: bytes
    status: os.stat_result


def read_file(path: Path, limit: int) -> FileRead:
    """Read a regular file of at most ``limit`` bytes.

    Raises FileNotFoundError if there is none, and Unusable for every other reason.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Unusable("is not a regular file")
            content = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(path):  # somebody has put it there, such as an orchestrator, and means something by it
            raise Unusable(f"is a link to {one_line(os.readlink(path), _SHOWN)!r}, where there is nothing") from None
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise Unusable(f"can't be read: {error.strerror}") from None
    except ValueError:
        raise Unusable("is not a possible path") from None
    if len(content) > limit:
        raise Unusable(f"is larger than {limit // 1024} KiB")
    return FileRead(content, status)


def _open_at_once(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a named pipe would wait for its writer.
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
