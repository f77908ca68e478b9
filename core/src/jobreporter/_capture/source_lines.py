"""Lines of source for the frames of an error.

Files are read, and module loaders are not asked: theirs is anybody's code, on the one thread that all reporters live on. A
file may lie on a server that is gone, and its encoding be anybody's codec, so another thread reads it.
"""

from __future__ import annotations

import linecache
import os
import stat
import tokenize
from collections import OrderedDict
from functools import partial
from typing import Any

from jobreporter._system.aside import FILES
from jobreporter._system.greenlets import patched_by

_LARGEST_FILE = 5 * 1024 * 1024

# Characters of the files whose lines are remembered. All the code of a large program's jobs has less.
_REMEMBERED = 16 * 1024 * 1024

# What is remembered of a name takes something, also where there is no such file.
_NAME = 500

# Seconds that the pump waits for a file.
_PATIENCE = 0.5

Lines = list[str]


class SourceFiles:
    """The lines of the files that were asked for last. For one thread, with others that read."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, Lines] = OrderedDict()
        self._characters = 0

    def lines(self, filename: str) -> Lines:
        """The lines of a file; none where it can't be read, or not now."""
        known = self._files.get(filename)
        if known is not None:
            self._files.move_to_end(filename)
            return known
        lines: Lines = []
        if filename.startswith("<") or self._read(filename, lines):
            self._remember(filename, lines)
        return lines

    def _read(self, filename: str, lines: Lines) -> bool:
        """Fill the lines in. Returns whether to remember them, also if a thread that is late fills them yet."""
        read = partial(_read_into, lines, filename)
        if FILES.all_busy:
            return False
        try:
            # Another greenlet would wait no other way than this one.
            if patched_by() is None:
                FILES.do(read, _PATIENCE)
                return True
        except (RuntimeError, MemoryError):
            pass  # there is no thread to be had, at the interpreter's exit above all, where nobody waits for ever
        read()
        return True

    def _remember(self, filename: str, lines: Lines) -> None:
        self._files[filename] = lines
        self._characters += _NAME + sum(map(len, lines))
        while self._characters > _REMEMBERED and len(self._files) > 1:
            _, forgotten = self._files.popitem(last=False)
            self._characters = max(0, self._characters - _NAME - sum(map(len, forgotten)))


def source_line(filename: str, lineno: int) -> str | None:
    """A line of a file, stripped; ``None`` where it can't be read.

    A file name may be anything that was compiled under it: what is no file of reasonable size is not opened. What the
    program has given ``linecache`` as the lines of such code counts.
    """
    if type(filename) is not str:
        return None  # compiled by somebody whose class of texts may do anything
    # Whatever a program has put in its place, only a dict is looked at, and no method that its class overrides.
    cache: Any = linecache.cache
    given = dict.get(cache, filename) if issubclass(type(cache), dict) else None
    lines = given[2] if type(given) is tuple and len(given) == 4 else _files.lines(filename)
    if type(lines) is not list or not 0 < lineno <= len(lines):
        return None
    line = lines[lineno - 1]
    return (line.strip() or None) if type(line) is str else None


def _read_into(lines: Lines, filename: str) -> None:
    try:
        found = os.stat(filename)
        if stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST_FILE:
            with tokenize.open(filename) as file:
                lines[:] = file.readlines()
    except Exception:  # noqa: S110 - whatever is wrong with it, there are no lines
        pass


_files = SourceFiles()
