"""Rule 1: what failures have in common that are one incident.

Never the message, a line's number, the beginning of a path, or what is another name in each run: these differ where the cause
is the same.
"""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from jobreporter import Aborted, ErrorInfo, Failure, Frame, Job, Origin
from jobreporter.schedules import MISSED
from jobreporter_history._incidents.own_frames import is_comprehension, own_frames
from jobreporter_history._incidents.steady import steady
from jobreporter_history._incidents.template import template

RULE = "1"
#: The tag by which a job says itself what incident its failures are.
TAG = "incident"

_FRAMES = 2
_MEMBERS = 5
_RECURRING = 3
_SHELL = 128
_SEPARATOR = re.compile(r"[\\/]")


class Fingerprint(NamedTuple):
    """What an incident is known by."""

    #: The rule's number, and a hash of the rest.
    value: str
    parts: tuple[str, ...]
    #: ``exception``, ``timeout``, ``worker_lost``, ``exit_code``, ``missed`` or ``tag``.
    kind: str
    #: The error's type; empty where it is no matter of an error.
    type: str


def of_failure(event: Failure, origin: Origin, own_modules: tuple[str, ...] = ()) -> Fingerprint:
    """The fingerprint of a failure. own_modules: packages of the application, besides the job's own."""
    job, error = event.job.name, event.error
    if tagged := event.tags.get(TAG):
        return _fingerprint(("tag", tagged), "tag", error.type, origin)
    if event.kind == "timeout":
        return _fingerprint((job, "timeout"), event.kind, error.type, origin)
    if event.kind in {"worker_lost", "exit_code"}:
        parts = (job, event.kind, exit_code(event.exit_status))
        return _fingerprint(parts, event.kind, error.type, origin)
    found = [job, *_parts(error, job, own_modules)]
    if (root := _root_cause(error)) is not None:
        found += ["caused by", *_parts(root, job, own_modules)]
    return _fingerprint(tuple(found), event.kind, error.type, origin)


def of_missed(event: Aborted, origin: Origin) -> Fingerprint:
    """The fingerprint of a run that didn't come: its schedule."""
    return _fingerprint((MISSED, schedule_of(event.job)), MISSED, "", origin)


def schedule_of(job: Job) -> str:
    """The schedule that a missed run belongs to: its id is ``missed:NAME:TIME``."""
    name = job.id.removeprefix(f"{MISSED}:").rpartition(":")[0]
    return name or job.name


def exit_code(status: int | None) -> str:
    """How a process ended, in one spelling: as a shell says it and as the system does, a signal is the same signal."""
    if status is None:
        return "unknown"
    number = -status if status < 0 else status - _SHELL
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"code {status}"


def _fingerprint(parts: tuple[str, ...], kind: str, type: str, origin: Origin) -> Fingerprint:
    hashed = json.dumps([origin.service or "", origin.environment or "", *parts])
    return Fingerprint(RULE + blake2b(hashed.encode(), digest_size=8).hexdigest(), parts, kind, type)


def _parts(error: ErrorInfo, job: str, own_modules: tuple[str, ...]) -> list[str]:
    if error.exceptions:
        members = {" ".join(_parts(member, job, own_modules)) for member in error.exceptions}
        return [error.type, *sorted(members)[:_MEMBERS]]
    if "builtins.RecursionError" in error.mro:
        return [error.type, *_recurring(error)]
    own = [place(frame) for frame in own_frames(error, job, own_modules) if not is_comprehension(frame)]
    if own:
        return [error.type, *list(dict.fromkeys(reversed(own)))[:_FRAMES]]
    library = [place(frame) for frame in error.frames if not is_comprehension(frame)]
    return [error.type, *(library[-1:] or [template(error.message)])]


def _recurring(error: ErrorInfo) -> list[str]:
    counts = Counter(place(frame) for frame in error.frames)
    return sorted(each for each, count in counts.items() if count > 2)[:_RECURRING]


def _root_cause(error: ErrorInfo) -> ErrorInfo | None:
    root = error.cause
    while root is not None and root.cause is not None:
        root = root.cause
    return root


def place(frame: Frame) -> str:
    """Where a frame is, as far as all installations, runs and versions of Python agree: module and function."""
    function = steady(".".join(_names(frame.function)))
    if frame.module and frame.module != "__main__":
        return f"{steady(frame.module)}:{function}"
    return f"{'/'.join(_SEPARATOR.split(steady(frame.filename))[-2:])}:{function}"


def _names(function: str) -> Iterator[str]:
    return (name for name in function.split(".") if name != "<locals>")
