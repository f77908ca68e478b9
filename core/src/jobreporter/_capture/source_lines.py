"""Lines of source for the frames of an error."""

from __future__ import annotations

import linecache
import os
import stat

_LARGEST_FILE = 5 * 1024 * 1024


def source_line(filename: str, lineno: int) -> str | None:
    """A line of a file, stripped; ``None`` where it can't be read.

    A file name may be anything that was compiled under it: what is no file of reasonable size is not opened.
    """
    if filename not in linecache.cache and not _is_source(filename):
        return None
    return linecache.getline(filename, lineno).strip() or None


def _is_source(filename: str) -> bool:
    try:
        found = os.stat(filename)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST_FILE
