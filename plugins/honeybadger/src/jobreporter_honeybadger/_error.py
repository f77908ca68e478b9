"""An error in Honeybadger's words: class, message, backtrace and causes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha1
from typing import Any

from jobreporter import ErrorInfo, Failure, Frame
from jobreporter_honeybadger._data import known

#: The most causes that a notice has; an exception group may have any number.
MOST_CAUSES = 20
#: Characters of a tag.
LONGEST_TAG = 100

_PROJECT_ROOT = "[PROJECT_ROOT]"
# Folders whose files are not the application's own, though they may lie below its root, as a virtual environment does.
_LIBRARIES = ("site-packages", "dist-packages")


def described(failure: Failure, project_root: str | None) -> dict[str, Any]:
    """The notice's ``error``, without its token."""
    error = failure.error
    return _one(error, project_root) | {
        "tags": list(_tags(failure)),
        "fingerprint": fingerprint(failure),
        "causes": [_one(cause, project_root) for cause in _causes(error)],
    }


def fingerprint(failure: Failure) -> str | None:
    """What groups failures whose stack says nothing: where a time limit struck, or how a process died, is chance.

    They are grouped by job and kind. ``None`` leaves the rest to Honeybadger: class, place and component.
    """
    if failure.kind == "exception":
        return None
    text = f"{failure.kind} {failure.job.source} {failure.job.name}"
    return sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _one(error: ErrorInfo, project_root: str | None) -> dict[str, Any]:
    return {
        "class": error.type.removeprefix("builtins."),
        "message": "\n".join((error.message, *error.notes)),
        # The innermost call first: its place is what Honeybadger groups by.
        "backtrace": [_line(frame, project_root) for frame in reversed(error.frames)],
    }


def _line(frame: Frame, project_root: str | None) -> dict[str, Any]:
    """One call. Its source is the line as it was captured, since the secrets in lines around it would not be redacted."""
    return known(
        number=frame.lineno,
        file=_file(frame, project_root),
        method=frame.function,
        source={str(frame.lineno): frame.line} if frame.line else None,
    )


def _file(frame: Frame, project_root: str | None) -> str:
    """The file's name, with a mark in the place of the project's root where it is the application's own.

    An installed application lies in no root: below the folder of its packages, it counts as in one. Where nobody says the
    root, it is the folder in which the frame's own top package lies.
    """
    filename = frame.filename
    root = _root_of(frame) if project_root is None else project_root.rstrip(os.sep) + os.sep
    inside = filename.removeprefix(root)
    parts = filename.split(os.sep)
    library = next((folder for folder in _LIBRARIES if folder in parts), None)
    if library is not None:
        inside = os.sep.join(parts[parts.index(library) + 1 :])
    own = (library is None and inside != filename) if frame.in_app is None else frame.in_app
    return f"{_PROJECT_ROOT}/{inside}" if own and inside != filename else filename


def _root_of(frame: Frame) -> str:
    """The folder that the modules of the frame's package are imported from, by the frame alone; empty if it isn't known.

    Only a frame that is known to be the application's own has one.
    """
    if not frame.in_app or frame.module is None:
        return ""
    path, _ = os.path.splitext(frame.filename.removesuffix(f"{os.sep}__init__.py"))
    below = os.sep + frame.module.replace(".", os.sep)
    return path.removesuffix(below) + os.sep if path.endswith(below) else ""


def _causes(error: ErrorInfo) -> Iterator[ErrorInfo]:
    """What led to the error, nearest first; then the members of groups, each with what led to it."""
    waiting, found = [error], 0
    while waiting:
        each = waiting.pop(0)
        if each is not error:
            yield each
            found += 1
            if found == MOST_CAUSES:
                return
        led = each.cause or (None if each.suppress_context else each.context)
        waiting = [*([led] if led else []), *waiting, *each.exceptions]


def _tags(failure: Failure) -> Iterator[str]:
    """Words to search by and to alert on. What the job's own tags say in full stands in the context."""
    yield "final" if failure.final else "retried"
    if failure.kind != "exception":
        yield failure.kind
    for name, value in failure.tags.items():
        yield "_".join(f"{name}:{value}".replace(",", " ").split())[:LONGEST_TAG]
