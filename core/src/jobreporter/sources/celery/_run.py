"""One execution in the process that runs the job, and what it means how Celery says that it ended."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from celery import Celery, Task, states
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded
from celery.utils.serialization import UnpickleableExceptionWrapper

from jobreporter import Abort, Execution
from jobreporter.events import FailureKind
from jobreporter.sources.celery._job import seconds

#: How ``Task.replace`` says that it was called; it has nothing else to tell it by.
REPLACED = "Replaced by new task"


class GivenUp(Abort, Ignore):  # type: ignore[misc]  # Celery ships no types
    """A job's `Abort` as Celery understands it: nothing is logged as an error, nothing is tried again."""


def let_abort_pass(task: Task) -> None:
    """Have the task raise `GivenUp` where its function raises `Abort`, below what Celery retries by itself."""
    name = "_orig_run" if hasattr(task, "_orig_run") else "run"
    inside = getattr(task, name)
    if not isinstance(inside, _Run):
        setattr(task, name, _Run(inside))


class _Run:
    """Stands for a task's function. Its signature is that of the function."""

    def __init__(self, inside: Any) -> None:
        self.__wrapped__ = inside
        self.__name__ = getattr(inside, "__name__", type(inside).__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.__wrapped__(*args, **kwargs)
        except GivenUp:
            raise
        except Abort as abort:
            raise GivenUp(abort.reason, will_retry=abort.will_retry) from abort


class Run:
    """One execution, from the moment when a worker calls the task."""

    def __init__(self, execution: Execution, delivery: str, *, eager: bool) -> None:
        self.execution = execution
        self.delivery = delivery
        #: Whether it runs within the caller, without a message.
        self.eager = eager
        self._entered = self._started = self._told = False

    def begin(self) -> None:
        """A time limit may interrupt this; called again it goes on, and does nothing twice."""
        if not self._entered:
            self._entered = True
            self.execution.enter()
        if not self._started:
            self._started = True
            self.execution.start()

    def fail(self, error: BaseException, *, will_retry: bool = False, retry_delay: float | None = None) -> None:
        """Note the error while its frames are as they were: Celery clears them before it says that the job has ended."""
        if isinstance(error, Abort):  # a task that nobody has prepared for it
            self.execution.abort(error.reason, will_retry=will_retry)
        else:
            kind: FailureKind = "timeout" if is_time_limit(error) else "exception"
            self.execution.fail(error, will_retry=will_retry, retry_delay=retry_delay, kind=kind)
        self._told = True

    def shut_down(self) -> None:
        """Note that the worker's end has interrupted it."""
        self.execution.abort("shutdown")
        self._told = True

    def retry(self, reason: Retry, app: Celery) -> None:
        """Note that the job asks for another attempt, because of an error or without one."""
        if reason.exc is None:
            self.execution.abort("retry_requested", will_retry=True)
            self._told = True
        else:
            self.fail(error_of(reason), will_retry=True, retry_delay=delay_of(reason, app))

    def settle(self, state: str | None, value: Any, app: Celery) -> None:
        """Note what the job has come to. value: what it returned or raised, as Celery has it."""
        match state, value:
            case (states.FAILURE | states.RETRY, _) if self._told:
                pass
            case states.SUCCESS, _:
                self.execution.note(None)
            case states.RETRY, Retry():
                self.retry(value, app)
            case states.IGNORED, Abort():
                self.execution.abort(value.reason, will_retry=bool(value.will_retry))
            case states.IGNORED, _:
                self.execution.abort("replaced" if str(value) == REPLACED else "ignored", will_retry=False)
            case states.REJECTED, Reject(requeue=True):
                self.execution.abort("requeued", will_retry=True)
            case states.REJECTED, _:
                self.execution.abort("rejected", will_retry=False)
            case _, BaseException() if isinstance(value, Exception) or is_time_limit(value):
                self.fail(value)
            case _, BaseException():
                self.execution.note(value)


def is_time_limit(error: object) -> bool:
    """Whether Celery raises this into jobs whose time is up."""
    gevent = sys.modules.get("gevent")
    return isinstance(error, SoftTimeLimitExceeded) or (gevent is not None and isinstance(error, gevent.Timeout))


def error_of(reason: Retry) -> BaseException:
    """The error that the job was about. What can't be sent to other processes, Celery replaces; that copy has no stack."""
    error: BaseException = reason.exc
    raised = reason.__context__
    copied = error.__traceback__ is None and isinstance(raised, type(error)) and raised.args == error.args
    return raised if raised is not None and (copied or isinstance(error, UnpickleableExceptionWrapper)) else error


def delay_of(reason: Retry, app: Celery) -> float | None:
    """Seconds until the attempt that was asked for."""
    if isinstance(reason.when, datetime):
        due = seconds(app, reason.when)
        return None if due is None else max(due - datetime.now(UTC).timestamp(), 0.0)
    return None if reason.when is None else float(reason.when)
