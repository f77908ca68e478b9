"""One execution of a job of Huey's: what it raised, whether Huey put it back, and what that means."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

from huey.exceptions import CancelExecution, RateLimitExceeded, RetryTask, TaskLockedException, TaskTimeout

from jobreporter import Abort, Execution
from jobreporter.sourcekit import FailureKind
from jobreporter.sources.huey._job import unix_time


class Run:
    """Stands for the task's own ``execute`` while that runs.

    Whether another attempt follows is what Huey did, not what it was going to do: the task is back in the queue or in the
    schedule once Huey has put it there without an error.
    """

    def __init__(self, huey: Any, task: Any, execution: Execution) -> None:
        self.execution = execution
        #: The thread or greenlet that it runs in.
        self.ident = threading.get_ident()
        #: Whether Huey has told what came of it, after which it only puts it back.
        self.executed = False
        self._raised: BaseException | None = None
        self._huey = huey
        self._task = task
        self._execute = task.execute
        self._enqueued = self._scheduled = self._back_before = False
        self._retry_delay: float = 0

    # What Huey does

    def __call__(self) -> Any:
        try:
            return self._execute()
        except Abort as abort:
            # Huey's own word for it: anything else it would log as an error, and try again.
            self._raised = CancelExecution(abort.reason, retry=bool(abort.will_retry))
            raise self._raised from abort
        except BaseException as error:
            self._raised = error
            raise
        finally:
            if vars(self._task).get("execute") is self:
                del self._task.execute

    def came_to(self, error: BaseException | None) -> None:
        """Huey has told what it came to. What it puts back from here on is for the next attempt."""
        self.executed = True
        self._raised = error
        self._back_before = self._enqueued or self._scheduled
        self._retry_delay = self._task.retry_delay

    def enqueued(self) -> None:
        """The task is about to go into the queue."""
        self._enqueued = True

    def scheduled(self) -> None:
        """The task is in the schedule."""
        self._scheduled = True

    # What that means

    def end(self, error: BaseException | None = None) -> None:
        """Publish what it came to. error: what Huey raised instead of going on, for instance from its storage."""
        # If Huey failed at what follows a job, the job's own error is the one to tell.
        told = self._raised or error
        if told is None and not self.executed:
            self.execution.stop()  # a hook has cancelled it
            return
        back = self._back_before if error is not None and self.executed else self._enqueued
        self._publish(told, will_retry=self._scheduled or back)

    def shut_down(self) -> None:
        """Publish that the worker's end was faster."""
        self.execution.abort("shutdown")
        self.execution.stop()

    def _publish(self, error: BaseException | None, *, will_retry: bool) -> None:
        try:
            self._note(error, will_retry=will_retry)
        finally:
            self.execution.stop()

    def _note(self, error: BaseException | None, *, will_retry: bool) -> None:
        execution = self.execution
        match error:
            case CancelExecution(__cause__=Abort(reason=reason)):
                execution.abort(reason, will_retry=will_retry)
            case CancelExecution():
                execution.abort("cancelled", will_retry=will_retry)
            case RetryTask(__cause__=None) if will_retry:
                execution.abort("retry_requested", will_retry=will_retry)
            case TaskLockedException():
                execution.abort("locked", will_retry=will_retry)
            case RateLimitExceeded():
                execution.abort("rate_limited", will_retry=will_retry)
            case Exception():
                delay = self._delay(error) if will_retry else None
                kind: FailureKind = "timeout" if isinstance(error, TaskTimeout) else "exception"
                cause = error.__cause__ if isinstance(error, RetryTask) else None
                execution.fail(cause or error, will_retry=will_retry, retry_delay=delay, kind=kind)
            case None | SystemExit() | KeyboardInterrupt():
                execution.note(error)
            case _:
                # Any other BaseException, such as the cancellation of a coroutine: Huey's worker dies of it.
                execution.fail(error, will_retry=will_retry)

    def _delay(self, error: Exception) -> float:
        """Seconds until the next attempt: what the job asked for, or else the task's own."""
        if not isinstance(error, RetryTask) or (error.delay is None and not error.eta):
            return self._retry_delay
        if error.delay is None:
            # Whatever zone the job has used, Huey keeps its own.
            return max(0.0, unix_time(self._huey, self._task.eta) - time.time())
        return error.delay.total_seconds() if isinstance(error.delay, timedelta) else error.delay
