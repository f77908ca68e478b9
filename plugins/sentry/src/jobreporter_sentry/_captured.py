"""What the program's own Sentry client has captured of the jobs, whoever of its integrations did it."""

from __future__ import annotations

from collections import OrderedDict
from types import TracebackType
from typing import Any, NamedTuple

from sentry_sdk.scope import add_global_event_processor
from sentry_sdk.types import Event, Hint

from jobreporter import ErrorInfo, Execution
from jobreporter_sentry._projects import the_programs_is_reported

#: Our own events bear this name, and aren't what this is about.
LOGGER = "jobreporter"

# Executions of which something is remembered. A failure is looked for within moments.
_REMEMBERED = 1_000


class Raised(NamedTuple):
    """An exception by its class and by the place where it was raised."""

    type: str
    filename: str
    lineno: int

    @classmethod
    def of_error(cls, error: ErrorInfo) -> Raised | None:
        """That of a failure; ``None`` where it has no stack."""
        if not error.frames:
            return None
        innermost = error.frames[-1]
        return cls(error.type, innermost.filename, innermost.lineno)


# Where a queue logs what a job raised as text alone: beside a report of ours, that would be a second one.
_LINES_OF_QUEUES = frozenset(["rq.worker"])

# What was captured in each execution, and outside of any. A dict's items are set and taken without a lock.
_in_executions: OrderedDict[str, list[Raised]] = OrderedDict()
_outside: list[Raised] = []


def take(execution_id: str, error: ErrorInfo, *, outside: bool) -> bool:
    """Whether the program's client has captured this failure. What is found is forgotten.

    outside: whether it may have been captured once the execution was over, as by what runs an asyncio program's jobs.
    """
    raised = Raised.of_error(error)
    if raised is None:
        return False
    for found in (_in_executions.get(execution_id, []), _outside if outside else []):
        if raised in found:
            found.remove(raised)
            return True
    return False


def _note(event: Event, hint: Hint) -> Event | None:
    """Called for each event that a client of this process is about to send, on the thread that it is about."""
    execution = Execution.current()
    if execution is not None and event.get("logger") in _LINES_OF_QUEUES and "exception" not in event:
        return None if the_programs_is_reported() else event
    if event.get("logger") != LOGGER and (raised := _raised(hint)) is not None:
        if execution is None:
            del _outside[: -(_REMEMBERED - 1)]
            _outside.append(raised)
        else:
            _in_executions.setdefault(execution.job.execution_id, []).append(raised)
            while len(_in_executions) > _REMEMBERED:
                _in_executions.popitem(last=False)
    return event


def _raised(hint: Hint) -> Raised | None:
    record = hint.get("log_record")
    exc_info: Any = getattr(record, "exc_info", None) if record is not None else hint.get("exc_info")
    if type(exc_info) is not tuple or exc_info[1] is None:
        return None
    kind, traceback = type(exc_info[1]), exc_info[1].__traceback__
    innermost = _innermost(traceback)
    if innermost is None:
        return None
    name = f"{kind.__module__}.{kind.__qualname__}"
    return Raised(name, innermost.tb_frame.f_code.co_filename, innermost.tb_lineno)


def _innermost(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


# With the module, so that nothing is captured before anybody looks; it is imported where the reporter is enabled.
add_global_event_processor(_note)
