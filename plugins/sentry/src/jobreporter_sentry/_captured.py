"""What the program's own Sentry client has captured of the jobs, whoever of its integrations did it."""

from __future__ import annotations

import re
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


# Of an exception's text so much is compared.
_COMPARED = 100
# What core and the SDK put where they leave something out.
_LEFT_OUT = re.compile(r"\[redacted\]|\[Filtered\]|\.\.\.")


class Raised(NamedTuple):
    """An exception by its class, by the place where it was raised, and by what it says."""

    type: str
    filename: str
    lineno: int
    text: str

    def may_be(self, other: Raised) -> bool:
        """Whether both may be the same one. Their texts may differ in what one of them leaves out, and no more."""
        if self[:3] != other[:3]:
            return False
        one, another = (_LEFT_OUT.split(each.text[:_COMPARED])[0] for each in (self, other))
        return one.startswith(another) or another.startswith(one)

    @classmethod
    def of_error(cls, error: ErrorInfo) -> Raised | None:
        """That of a failure; ``None`` where it has no stack."""
        if not error.frames:
            return None
        innermost = error.frames[-1]
        return cls(error.type, innermost.filename, innermost.lineno, error.message)


# Where a queue logs what a job raised as text alone: beside a report of ours, that would be a second one.
_LINES_OF_QUEUES = frozenset(["rq.worker"])
# Where Celery's main process logs what became of a job whose child is lost, or is about to be. It has the error's class,
# and no place where it was raised.
_LINES_OF_LOST = "celery.worker.request"
_NOWHERE = ""

# What was captured in each execution, and outside of any. A dict's items are set and taken without a lock.
_in_executions: OrderedDict[str, list[Raised]] = OrderedDict()
_outside: list[Raised] = []


def take(execution_id: str, error: ErrorInfo, *, outside: bool) -> bool:
    """Whether the program's client has captured this failure. What is found is forgotten.

    outside: whether it may have been captured once the execution was over, as by what runs an asyncio program's jobs.
    """
    raised = Raised.of_error(error)
    here = _in_executions.get(execution_id, [])
    # In the same execution the place says enough, or its class where nobody knows the place; outside, another job's may
    # have been raised there.
    same = next(
        (each for each in here if (each.type == error.type if raised is None else each[:3] == raised[:3])), None
    )
    if same is not None:
        here.remove(same)
        return True
    if not outside:
        return False
    same = next((each for each in _outside if _is_of(each, error, raised)), None)
    if same is not None:
        _outside.remove(same)
    return same is not None


def _is_of(captured: Raised, error: ErrorInfo, raised: Raised | None) -> bool:
    """Whether what was captured outside of any execution is this failure's error."""
    if captured.filename == _NOWHERE:
        return captured.type == error.type
    return raised is not None and raised.may_be(captured)


def _note(event: Event, hint: Hint) -> Event | None:
    """Called for each event that a client of this process is about to send, on the thread that it is about."""
    execution = Execution.current()
    if execution is not None and event.get("logger") in _LINES_OF_QUEUES and "exception" not in event:
        return None if the_programs_is_reported() else event
    if execution is None and event.get("logger") == _LINES_OF_LOST and "exception" not in event:
        return None if _is_of_a_lost_job(hint) and the_programs_is_reported() else event
    if event.get("logger") != LOGGER and (raised := _raised(hint, _text_of(event))) is not None:
        if execution is None:
            del _outside[: -(_REMEMBERED - 1)]
            _outside.append(raised)
        else:
            _in_executions.setdefault(execution.job.execution_id, []).append(raised)
            while len(_in_executions) > _REMEMBERED:
                _in_executions.popitem(last=False)
    return event


def _text_of(event: Event) -> str:
    """What the SDK says of the event's exception. It has asked that already, so nobody else has to."""
    try:
        text: Any = event["exception"]["values"][-1]["value"]
    except (KeyError, IndexError, TypeError):
        return ""
    return text if type(text) is str else ""


def _is_of_a_lost_job(hint: Hint) -> bool:
    """Whether a line without an exception stands beside one that has it, as that of a hard time limit does."""
    return str(getattr(hint.get("log_record"), "msg", "")).startswith("Hard time limit")


def _raised(hint: Hint, text: str) -> Raised | None:
    record = hint.get("log_record")
    exc_info: Any = getattr(record, "exc_info", None) if record is not None else hint.get("exc_info")
    if type(exc_info) is not tuple or exc_info[1] is None:
        return None
    if record is not None and record.name == _LINES_OF_LOST:
        # The error itself is wrapped in one of another class.
        return Raised(_name(exc_info[0]), _NOWHERE, 0, "")
    kind, traceback = type(exc_info[1]), exc_info[1].__traceback__
    innermost = _innermost(traceback)
    if innermost is None:
        return None
    if _says_it_otherwise(exc_info[1]):
        text = ""
    return Raised(_name(kind), innermost.tb_frame.f_code.co_filename, innermost.tb_lineno, text)


def _name(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _says_it_otherwise(error: BaseException) -> bool:
    """Whether the SDK takes an attribute for what the error says, and not its text, as core does."""
    try:
        return bool(getattr(error, "message", "") or getattr(error, "detail", ""))
    except Exception:
        return True


def _innermost(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


# With the module, so that nothing is captured before anybody looks; it is imported where the reporter is enabled.
add_global_event_processor(_note)
