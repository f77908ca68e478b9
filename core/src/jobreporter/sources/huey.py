"""Huey: reports what its workers do with jobs.

``attach(huey)`` goes where the `Huey` instance is made. It is harmless in processes that only enqueue: reporters start
in the process that runs jobs, when the consumer starts it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from jobreporter import Abort, ConfigError, Dispatcher, Execution, JobReporterError
from jobreporter.events import FailureKind
from jobreporter.sources._delivery import new_delivery
from jobreporter.sources._harmless import harmless
from jobreporter.sources._lazy import LazyDispatcher
from jobreporter.sources._library import Library

logger = logging.getLogger("jobreporter")

LIBRARY = Library("Huey", "huey", oldest=(3, 5), version_in=("huey", "__version__"))

try:
    from huey import __version__ as found
    from huey.api import PeriodicTask
    from huey.exceptions import CancelExecution, RateLimitExceeded, RetryTask, TaskLockedException, TaskTimeout
    from huey.signals import (
        SIGNAL_CANCELED,
        SIGNAL_EXECUTING,
        SIGNAL_EXPIRED,
        SIGNAL_INTERRUPTED,
        SIGNAL_REVOKED,
    )
except ImportError as error:
    raise LIBRARY.refusal() from error
LIBRARY.check(found)


def attach(huey: Any, dispatcher: Dispatcher | None = None) -> None:
    """Report what becomes of this Huey's jobs. Call it once, where the instance is made.

    Without a ``dispatcher``, one is built from the config when a consumer starts; a config that can't be used ends the
    consumer there, with a `ConfigError`, before it takes a job.
    """
    if isinstance(getattr(huey.execute, "__self__", None), _Source):
        raise JobReporterError(f"attach() was called twice for the Huey {huey.name!r}: every event would come twice")
    _Source(huey, LazyDispatcher(dispatcher)).connect()


class _Source:
    """One attached Huey.

    Its hooks tell what happens, but not always: a job that exits, or a result that can't be stored, ends an execution
    without any. So the call around an execution, ``huey.execute``, is wrapped as well, and ends what is left open.
    """

    def __init__(self, huey: Any, dispatcher: LazyDispatcher) -> None:
        self._huey = huey
        self._dispatcher = dispatcher
        #: What runs now. By object, since attempts at one job may overlap. Whoever pops a run ends it, so it ends once.
        self._runs: dict[int, _Run] = {}
        self._consumer_pid = os.getpid()
        self._execute_inside = huey.execute
        self._create_consumer_inside = huey.create_consumer
        self._notify_interrupted_inside = huey.notify_interrupted_tasks

    def connect(self) -> None:
        huey = self._huey
        huey.signal(SIGNAL_EXECUTING)(self._executing)
        huey.signal(SIGNAL_CANCELED)(self._canceled)
        huey.signal(SIGNAL_INTERRUPTED)(self._interrupted)
        huey.signal(SIGNAL_REVOKED, SIGNAL_EXPIRED)(self._dropped)
        huey.post_execute(name="jobreporter")(self._executed)
        huey.on_startup(name="jobreporter")(self._worker_starts)
        huey.on_shutdown(name="jobreporter")(self._worker_stops)
        huey.execute = self._execute
        huey.create_consumer = self._create_consumer
        huey.notify_interrupted_tasks = self._consumer_ends

    # A job, from start to end

    def _execute(self, task: Any, timestamp: datetime | None = None) -> Any:
        try:
            return self._execute_inside(task, timestamp)
        except BaseException as error:
            self._left(task, error)
            raise
        finally:
            self._left(task)

    @harmless
    def _executing(self, signal: str, task: Any) -> None:
        """The worker has taken the job. Huey's time limit, if there is one, runs only later."""
        dispatcher = self._dispatcher.get()
        if dispatcher is not None:
            execution = dispatcher.begin(**self._describe(task)).enter()
            self._runs[id(task)] = task.execute = _Run(execution, task)

    @harmless
    def _dropped(self, signal: str, task: Any) -> None:
        """Revoked or expired: it never starts. Huey's words for it are ours."""
        dispatcher = self._dispatcher.get()
        if dispatcher is not None:
            dispatcher.abort(signal, will_retry=False, **self._describe(task))

    @harmless
    def _canceled(self, signal: str, task: Any) -> None:
        """By a pre-execute hook, after which nothing more comes; or by the job itself, after which `_executed` does."""
        if run := self._runs.get(id(task)):
            run.execution.abort("cancelled", will_retry=False)

    @harmless
    def _executed(self, task: Any, value: object, error: BaseException | None) -> None:
        """It ran, and Huey has decided what becomes of it: a job with retries left is tried again."""
        if run := self._runs.pop(id(task), None):
            run.end(error, will_retry=bool(task.retries), retry_delay=task.retry_delay)

    @harmless
    def _interrupted(self, signal: str, task: Any) -> None:
        """The consumer ends before the job does. It is lost, unless the application enqueues it again."""
        if run := self._runs.pop(id(task), None):
            run.shut_down()

    @harmless
    def _left(self, task: Any, error: BaseException | None = None) -> None:
        """Nothing more comes from Huey. If it failed at what follows a job, the job's own error is the one to tell."""
        if run := self._runs.pop(id(task), None):
            if error is None:
                run.execution.stop()
            else:
                run.end(run.raised or error, will_retry=False)

    def _describe(self, task: Any) -> dict[str, Any]:
        """The fields of `Job`. Huey's messages carry no time of enqueueing, and nothing that correlates jobs."""
        extra: dict[str, Any] = {}
        if isinstance(task, PeriodicTask):
            extra["periodic"] = True
        if task.expires_resolved:
            extra["expires_at"] = self._seconds(task.expires_resolved)
        if task.timeout:
            extra["timeout"] = task.timeout
        # Retries count down from a default that a single job may override, which its message doesn't tell.
        attempt = max(1, task.default_retries - task.retries + 1)
        return {
            "name": f"{type(task).__module__}.{type(task).__name__}",
            "function": function_of(task),
            "source": "huey",
            "id": str(task.id),
            # A retry that the job asked for has the same number again, so the two don't identify an execution.
            "execution_id": f"{task.id}:{attempt}:{new_delivery()}",
            "queue": self._huey.name,
            "args": tuple(task.args),
            "kwargs": task.kwargs,
            "attempt": attempt,
            "max_attempts": attempt + task.retries,
            "scheduled_at": self._seconds(task.eta) if task.eta else None,
            "priority": task.priority if isinstance(task.priority, int) else None,
            "extra": extra,
        }

    def _seconds(self, moment: datetime) -> float:
        """Unix time of one of Huey's naive times."""
        return (moment.replace(tzinfo=UTC) if self._huey.utc else moment).timestamp()

    # A worker, from start to end

    def _create_consumer(self, **options: Any) -> Any:
        """The earliest place that only a consumer passes: here a `ConfigError` ends it, and nothing runs yet."""
        self._consumer_pid = os.getpid()
        self._dispatcher.prepare()
        return self._create_consumer_inside(**options)

    def _worker_starts(self) -> None:
        """In each worker's thread, greenlet or process, before its first job."""
        try:
            self._dispatcher.start()
        except ConfigError as error:
            # The consumer was made without create_consumer. An Exception from here Huey would log, and go on; that a
            # worker exits it may not log at all.
            logger.critical("the worker ends before its first job: %s", error)
            raise SystemExit(1) from error

    def _worker_stops(self) -> None:
        """In a process of its own, which ends without atexit, the last chance. A thread leaves others behind."""
        if os.getpid() != self._consumer_pid and threading.current_thread() is threading.main_thread():
            self._dispatcher.end(forked=True)

    def _consumer_ends(self) -> None:
        """The last that the consumer does in any case, also before it executes itself anew on SIGHUP."""
        self._notify_interrupted_inside()
        self._end_what_is_left()

    @harmless
    def _end_what_is_left(self) -> None:
        # Huey knows of no job whose own code hasn't begun yet, and of only one of two that share an id.
        for key in list(self._runs):
            if run := self._runs.pop(key, None):
                run.shut_down()
        self._dispatcher.end()


class _Run:
    """One execution: stands for the task's own ``execute`` while it runs."""

    def __init__(self, execution: Execution, task: Any) -> None:
        self.execution = execution
        #: What the job raised.
        self.raised: BaseException | None = None
        self._task = task
        self._execute = task.execute

    def end(self, error: BaseException | None, *, will_retry: bool, retry_delay: float | None = None) -> None:
        try:
            note(self.execution, error, will_retry=will_retry, retry_delay=retry_delay)
        finally:
            self.execution.stop()

    def shut_down(self) -> None:
        self.execution.abort("shutdown")
        self.execution.stop()

    def __call__(self) -> Any:
        try:
            return self._execute()
        except Abort as abort:
            # Huey's own word for it: anything else it would log as an error, and try again.
            self.raised = CancelExecution(abort.reason, retry=bool(abort.will_retry))
            raise self.raised from abort
        except BaseException as error:
            self.raised = error
            raise
        finally:
            if vars(self._task).get("execute") is self:
                del self._task.execute


def note(
    execution: Execution, error: BaseException | None, *, will_retry: bool, retry_delay: float | None = None
) -> None:
    """Note what the execution has come to, by what the job raised. retry_delay: Huey's own, if it tries again."""
    if not will_retry:
        retry_delay = None
    match error:
        case CancelExecution(__cause__=Abort(reason=reason)):
            execution.abort(reason, will_retry=will_retry)
        case CancelExecution():
            execution.abort("cancelled", will_retry=will_retry)
        case RetryTask(__cause__=None):
            execution.abort("retry_requested", will_retry=will_retry)
        case RetryTask(__cause__=cause, delay=delay):
            delay = delay.total_seconds() if isinstance(delay, timedelta) else delay
            execution.fail(cause, will_retry=will_retry, retry_delay=delay)
        case TaskLockedException():
            execution.abort("locked", will_retry=will_retry)
        case RateLimitExceeded():
            execution.abort("rate_limited", will_retry=will_retry)
        case Exception():
            kind: FailureKind = "timeout" if isinstance(error, TaskTimeout) else "exception"
            execution.fail(error, will_retry=will_retry, retry_delay=retry_delay, kind=kind)
        case _:
            execution.note(error)


def function_of(task: Any) -> Callable[..., Any] | None:
    """The function whose signature names the arguments. Huey keeps it in the closure of ``execute`` only."""
    execute = type(task).execute
    code, closure = getattr(execute, "__code__", None), getattr(execute, "__closure__", None)
    cells = dict(zip(code.co_freevars, closure, strict=True)) if code and closure else {}
    return cells["func"].cell_contents if "func" in cells else None
