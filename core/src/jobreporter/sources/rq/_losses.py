"""Executions that can't be ended in the process that ran them, because it is gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rq.exceptions import AbandonedJobError
from rq.job import Job
from rq.timeouts import BaseDeathPenalty, JobTimeoutException

from jobreporter import Dispatcher, Execution
from jobreporter.sourcekit import FailureKind, signal_name
from jobreporter.sources.rq._job import Outlook, call_fields

#: Seconds that it may take to load and import what a job calls.
IMPORTING = 10

#: Tells an execution how it ended.
Note = Callable[[Execution], None]


class WorkHorseLost(Exception):  # noqa: N818 - reads better in a report, and is never raised
    """The process that ran a job ended before the job did."""


class Loss(NamedTuple):
    """One such execution. fields: those of its job but for what it calls."""

    job: Job
    fields: dict[str, Any]
    note: Note

    def tell(self, dispatcher: Dispatcher, time_limit: type[BaseDeathPenalty]) -> None:
        """Publish its end. time_limit: RQ's own."""
        execution = dispatcher.resume(strict=False, **self.fields, **self._call(time_limit))
        self.note(execution)
        execution.stop()

    def _call(self, time_limit: type[BaseDeathPenalty]) -> dict[str, Any]:
        """What its job calls. To import that may be what the job has hung in."""
        try:
            with time_limit(IMPORTING, JobTimeoutException):
                return call_fields(self.job, importing=True)
        except JobTimeoutException:
            return call_fields(self.job, importing=False)


def horse_lost(status: int | None, outlook: Outlook, *, overdue: bool) -> Note:
    """The horse is gone.

    status: as ``wait`` tells; ``None`` where somebody else has waited for it. overdue: RQ killed it, since no time limit
    could reach it.
    """
    if status is None:
        how = "is gone, and nobody can say how it ended"
    elif overdue:
        how = "exceeded its time limit by a minute, and was killed"
    elif os.WIFSIGNALED(status):
        how = f"was killed by {signal_name(os.WTERMSIG(status))}"
    else:
        how = f"exited with code {os.waitstatus_to_exitcode(status)}"
    return _failed(
        WorkHorseLost(f"the work horse {how}"),
        outlook,
        kind="timeout" if overdue else "worker_lost",
        exit_status=None if status is None else os.waitstatus_to_exitcode(status),
    )


def never_started(outlook: Outlook) -> Note:
    """A worker took it from the queue, and was gone before the job started."""
    return _failed(WorkHorseLost("the worker that took the job was gone before it started"), outlook)


def abandoned(outlook: Outlook) -> Note:
    """Its worker is gone as a whole, and RQ has noticed."""
    return _failed(AbandonedJobError("the job's worker gave no sign of life in time"), outlook)


def _failed(
    error: Exception, outlook: Outlook, kind: FailureKind = "worker_lost", exit_status: int | None = None
) -> Note:
    return partial(Execution.fail, error=error, kind=kind, exit_status=exit_status, **outlook._asdict())


def revoked(execution: Execution) -> None:
    """Stopped by RQ's command: never tried again."""
    execution.abort("revoked", will_retry=False)


def shut_down(outlook: Outlook) -> Note:
    """The worker ended at once. RQ leaves the job as started, until it is found abandoned."""
    return partial(Execution.abort, reason="shutdown", will_retry=outlook.will_retry)
