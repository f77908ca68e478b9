"""The config's own patterns of secrets, taken out of all that an event says: on the pump's thread, before any lane sees it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import force_setattr

from jobreporter._capture.patterns import Patterns
from jobreporter.error_info import ErrorInfo
from jobreporter.events import Event, Job


class Hiding:
    """Changes our own records in place: they are frozen for everybody else, and nobody else has seen them yet."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns

    def job(self, job: Job) -> None:
        """All of a job but its ids, which are the same wherever they are told."""
        self._in(job, "name", "queue", "args", "kwargs", "extra")

    def outcome(self, event: Event) -> None:
        """What an event says besides its job."""
        self._in(event, *(field for field in ("tags", "reason") if hasattr(event, field)))
        error = getattr(event, "error", None)
        waiting: list[ErrorInfo] = [] if error is None else [error]
        for each in waiting:
            self._in(each, "message", "notes")
            for frame in each.frames:
                self._in(frame, "line", "locals")
            waiting += [other for other in (each.cause, each.context, *each.exceptions) if other is not None]

    def _in(self, record: Any, *fields: str) -> None:
        for field in fields:
            value = getattr(record, field)
            if value is None or value in ((), {}):
                continue
            hidden = self._patterns.data(value)
            if hidden != value:
                force_setattr(record, field, hidden)
