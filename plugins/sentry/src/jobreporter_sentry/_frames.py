"""The frames of an error as Sentry's stack trace interface, with the source around them."""

from __future__ import annotations

import copy
import linecache
import os
import re
import stat
import sysconfig
from collections.abc import Iterable
from typing import Any

from jobreporter import ErrorInfo, Frame

# Lines before and after, as sentry-sdk sends them; a line is cut, since generated code may have very long ones.
_AROUND = 5
_LINE = 500
# Of an event, so many characters may be source: Sentry refuses events of more than 1 MB.
_ROOM = 200_000
_LARGEST_FILE = 5 * 1024 * 1024

_INSTALLED = re.compile(r"[\\/](?:site|dist)-packages[\\/]")
_STANDARD_LIBRARY = tuple({f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib")})


class InApp:
    """Says which frames are the application's, by sentry-sdk's rules."""

    def __init__(self, include: Iterable[str], exclude: Iterable[str]) -> None:
        self._include = tuple(include)
        self._exclude = (*exclude, "jobreporter")

    def __call__(self, frame: Frame) -> bool:
        """Whether it is: as the options say of its module, else as jobreporter found, else by where its file lies."""
        if _is_below(frame.module, self._include):
            return True
        if _is_below(frame.module, self._exclude):
            return False
        if frame.in_app is not None:
            return frame.in_app
        path = frame.filename
        return not (path.startswith(("<frozen ", *_STANDARD_LIBRARY)) or _INSTALLED.search(path))


class Stacks:
    """Makes the stack traces of one event. With ``source``, frames have the lines around theirs, as far as there is room.

    files: whether the files of this machine are those of the process that the event is from; without them, frames have
    their own line alone, as it was captured. That process may have newer ones than were read here before: ``fresh``.
    """

    def __init__(self, in_app: InApp, *, source: bool, files: bool = True, fresh: bool = False) -> None:
        self._in_app = in_app
        self._source = source
        self._files = files
        self._fresh = fresh
        self._room = _ROOM

    def stacktrace(self, error: ErrorInfo) -> dict[str, Any]:
        """The stack trace of one exception, outermost call first. The innermost has the first claim to the room."""
        found: dict[str, Any] = {"frames": [self._frame(frame) for frame in reversed(error.frames)][::-1]}
        if error.frames_omitted:
            first = len(error.frames) // 2 + 1  # counted from 1: core keeps the first and the last half
            found["frames_omitted"] = [first, first + error.frames_omitted]
        return found

    def _frame(self, frame: Frame) -> dict[str, Any]:
        found: dict[str, Any] = {
            "filename": short_path(frame),
            "abs_path": frame.filename,
            "function": frame.function.rpartition(".")[2],  # as sentry-sdk has it, so that Sentry groups alike
            "module": frame.module,
            "lineno": frame.lineno,
            "in_app": self._in_app(frame),
        }
        if self._source:
            found |= self._source_of(frame)
        if frame.locals is not None:
            found["vars"] = copy.deepcopy(frame.locals)  # the SDK's scrubber changes them in place
        return found

    def _source_of(self, frame: Frame) -> dict[str, Any]:
        found = lines_around(frame, files=self._files, fresh=self._fresh)
        size = sum(len(line) for lines in found.values() for line in lines)
        if size > self._room:
            return {}
        self._room -= size
        return found


def lines_around(frame: Frame, *, files: bool = True, fresh: bool = False) -> dict[str, Any]:
    """``pre_context``, ``context_line`` and ``post_context``; the line alone, as it was captured, where the file has
    another one there by now, or is another machine's; nothing where there is no source."""
    if frame.line is None:
        return {}
    if fresh:
        linecache.checkcache(frame.filename)
    lines = linecache.getlines(frame.filename) if files and _is_source(frame.filename) else []
    at = frame.lineno - 1
    # What core has left out of the line, as a secret or for its length, differs here too: the rest may hold it as well.
    if not 0 <= at < len(lines) or lines[at].strip() != frame.line:
        return {"context_line": frame.line[:_LINE]}
    return {
        "pre_context": _tidy(lines[max(0, at - _AROUND) : at]),
        "context_line": _tidy(lines[at : at + 1])[0],
        "post_context": _tidy(lines[at + 1 : at + 1 + _AROUND]),
    }


def short_path(frame: Frame) -> str:
    """The path of the file from its top package on: ``shop/mail.py`` for the module ``shop.mail``."""
    parts = re.split(r"[\\/]", frame.filename)
    depth = (frame.module or "").count(".") + 1
    if parts[-1] == "__init__.py":
        depth += 1
    return frame.filename if frame.module is None else "/".join(parts[-depth:])


def _tidy(lines: Iterable[str]) -> list[str]:
    return [line.rstrip("\r\n")[:_LINE] for line in lines]


def _is_below(module: str | None, tops: tuple[str, ...]) -> bool:
    return module is not None and any(module == top or module.startswith(f"{top}.") for top in tops)


def _is_source(filename: str) -> bool:
    """Whether it may be opened: a file name can be anything that was compiled under it."""
    if filename in linecache.cache:
        return True
    try:
        found = os.stat(filename)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST_FILE
