"""What stands before a task's own `Request`, through which Celery's main process hears what becomes of a job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from billiard.einfo import ExceptionWithTraceback
from celery.exceptions import Retry, Terminated, TimeLimitExceeded, WorkerLostError
from celery.utils import log
from celery.worker import state
from celery.worker.request import Request

from jobreporter import Execution
from jobreporter.sourcekit import new_delivery
from jobreporter.sources.celery._asked import delay_of
from jobreporter.sources.celery._message import DELIVERY, NODE

if TYPE_CHECKING:
    from jobreporter.sources.celery._pool import Pool

#: How billiard says what ended a child.
_STATUS = re.compile(r"\b(signal|exitcode) (\d+)")


class ReportedRequest(Request):  # type: ignore[misc]  # Celery ships no types
    """What `Pool.watch` puts before a task's own `Request`."""

    pool: Pool
    #: Tells this delivery of the message from any other.
    delivery: str
    #: Of the execution: that of the delivery, but for what was handed from one child to another.
    execution_name: str
    #: Why the child was, or is about to be, ended; or Celery's word that the job will be tried again.
    reason: str | Retry | None = None
    #: Whether the message went back to the queue, and whether one for another attempt was sent; ``None``: the child was
    #: lost while it was sending that.
    requeued = False
    sent: bool | None = False
    #: Whether the child had stored the job's result.
    succeeded = False
    #: Whether nothing is left to report.
    concluded = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.delivery = self.execution_name = new_delivery()
        self.request_dict.update({DELIVERY: self.delivery, NODE: self.hostname})

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        """A child has taken the job."""
        self.pool.taken(self, pid)
        super().on_accepted(pid, time_accepted)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        """The job has failed. With ``return_ok`` it was the child that said so."""
        try:
            super().on_failure(exc_info, send_failed_event, return_ok)
        finally:
            if not return_ok:
                error = exc_info.exception
                self.pool.lost(self, error.exc if isinstance(error, ExceptionWithTraceback) else error)

    def reject(self, requeue: bool = False) -> None:
        """The message goes back to the queue, or away."""
        if not self.acknowledged:
            self.requeued = requeue
        super().reject(requeue)

    def terminate(self, *args: Any, **kwargs: Any) -> None:
        """The job was revoked."""
        self.reason = "revoked"
        super().terminate(*args, **kwargs)

    def cancel(self, *args: Any, **kwargs: Any) -> None:
        """The worker ends, or has lost its broker."""
        self.reason = "shutdown" if _worker_ends() else "cancelled"
        self.pool.cancelled.add(self.delivery)
        super().cancel(*args, **kwargs)

    def send_event(self, type: str, **fields: Any) -> None:
        """What Celery's own monitors are told. That a job whose child was lost had stored its result, only they are."""
        self.succeeded = self.succeeded or type == "task-succeeded"
        super().send_event(type, **fields)

    def note(self, execution: Execution, error: BaseException) -> None:
        """Note what it means that the child was lost with this error."""
        status = exit_status_of(error)
        if isinstance(error, SystemExit | KeyboardInterrupt):
            error = WorkerLostError(f"the job ended its process: {error!r}")
        will_retry = self.requeued or self.sent
        if self.reason == "revoked" or (self.reason is None and isinstance(error, Terminated)):
            execution.abort("revoked", will_retry=False)
        elif isinstance(self.reason, str):
            # What isn't acknowledged comes again, to another worker; whether what is was sent again, nobody knows.
            execution.abort(self.reason, will_retry=None if self.acknowledged and not self.sent else True)
        elif isinstance(error, TimeLimitExceeded):
            execution.fail(error, will_retry=will_retry, kind="timeout")
        elif isinstance(error, WorkerLostError) and self.succeeded:
            execution.succeed()
        elif isinstance(error, WorkerLostError):
            delay = None if self.reason is None else delay_of(self.reason)
            execution.fail(error, will_retry=will_retry, retry_delay=delay, kind="worker_lost", exit_status=status)
        else:
            execution.fail(error, will_retry=will_retry)


def _worker_ends() -> bool:
    """Whether jobs are cancelled for that. They are from within the signal's handler, before Celery notes the rest."""
    return bool(log._in_sighandler or state.should_stop is not None or state.should_terminate is not None)


def exit_status_of(error: BaseException) -> int | None:
    """How the process ended that the job was lost with: minus n for signal n; ``None`` if nobody says so."""
    if isinstance(error, SystemExit):
        return (error.code or 0) if error.code is None or isinstance(error.code, int) else 1
    if not isinstance(error, WorkerLostError) or (found := _STATUS.search(str(error))) is None:
        return None
    return -int(found[2]) if found[1] == "signal" else int(found[2])
