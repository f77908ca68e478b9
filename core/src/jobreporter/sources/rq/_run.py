"""One execution in the process that runs its job: when it starts, and what it means how RQ ends it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rq.exceptions import ShutDownImminentException
from rq.job import Job, Retry
from rq.timeouts import BaseTimeoutException

from jobreporter import Abort, Dispatcher, Execution
from jobreporter.sourcekit import FailureKind, harmless, harmless_but_for
from jobreporter.sources.rq._job import Outlook, call_fields
from jobreporter.sources.rq._saved import has_saved_end
from jobreporter.sources.rq._stamp import take_off


class RetriesExhausted(Exception):  # noqa: N818 - reads better in a report, and is never raised
    """A job asked for another try when its retries were used up."""


class Run:
    """Stands for the job's own ``perform`` while RQ runs it.

    It is called within RQ's time limit, which may be raised anywhere in here: it goes its way, and an execution that has
    begun is still ended.
    """

    def __init__(self, job: Job, dispatcher: Dispatcher, fields: dict[str, Any]) -> None:
        self.job = job
        self._dispatcher = dispatcher
        self._fields = fields
        self.execution_id: str = fields["execution_id"]
        self._perform = job.perform
        self._execution: Execution | None = None
        self._gave_up = False
        self._process = os.getpid()
        #: Whether RQ broke off before it had dealt with how the job has ended.
        self.is_undone = False
        #: What RQ takes the job to have failed with.
        self.error: BaseException | None = None
        #: When RQ took the job for done, and was about to save its result.
        self.returned_at: datetime | None = None
        #: The exit that the worker raised into the job because it ends itself.
        self.shutdown: SystemExit | None = None
        vars(job)["perform"] = self

    @property
    def is_here(self) -> bool:
        """Whether it is this process that runs the job, and not one that the job has forked and let go on from there."""
        return self._process == os.getpid()

    def leave(self) -> None:
        """Give the job its own methods back."""
        if vars(self.job).get("perform") is self:
            del self.job.perform
        take_off(self.job)

    def __call__(self) -> Any:
        self._begin()
        try:
            return self._perform()
        except Abort as abort:
            return self._give_up(abort)

    @harmless_but_for(BaseTimeoutException)
    def _begin(self) -> None:
        self._made(importing=True).enter().start()

    def _made(self, *, importing: bool = False) -> Execution:
        """The execution. A job that fails before it is performed has none, and no start.

        importing: the job's module, which may take for ever: so only within the time limit.
        """
        if self._execution is None:
            self._execution = self._dispatcher.resume(
                strict=False, **self._fields, **call_fields(self.job, importing=importing)
            )
        return self._execution

    def _give_up(self, abort: Abort) -> Retry | None:
        """What the job returns to RQ, which has no word of its own for it."""
        if self._execution is not None:
            self._execution.abort(abort.reason, will_retry=bool(abort.will_retry))
        self._gave_up = True
        if not abort.will_retry:
            return None
        return Retry(max=(self.job.number_of_retries or 0) + 1, interval=self.job.retry_intervals or 0)

    @harmless
    def asked_for_retry(self, maximum: int, *, granted: bool, saved: bool) -> None:
        """RQ has dealt with the ``Retry`` that the job returned. saved: whether it could save what it decided."""
        if self._gave_up:
            return
        if granted:
            self._made().abort("retry_requested", will_retry=True)
        else:
            problem = f"the job asked for another try, and Retry(max={maximum}) allows no more"
            self._made().fail(RetriesExhausted(problem), will_retry=False if saved else None)

    @harmless
    def failed(self, outlook: Outlook) -> None:
        """The job has failed with `error`, and this becomes of it."""
        error = self.error
        if error is None:
            return
        if error is self.shutdown or isinstance(error, ShutDownImminentException):
            self._made().abort("shutdown", will_retry=outlook.will_retry)
        else:
            # RQ takes anything else for a failure too, an exit with status 0 and a cancellation included.
            kind: FailureKind = "timeout" if isinstance(error, BaseTimeoutException) else "exception"
            self._made().fail(error, kind=kind, **outlook._asdict())

    @harmless
    def broke_off(self, error: BaseException, outlook: Callable[[], Outlook]) -> None:
        """RQ did not get to save a failure. A result that it had saved stands: what failed was to log that, say.

        outlook: tells what becomes of the job else.
        """
        if self.returned_at is not None and has_saved_end(self.job, self.returned_at):
            self.succeeded()
        else:
            self.is_undone = True
            self.error = self.error or error
            self.failed(outlook())

    def succeeded(self) -> None:
        """RQ has saved the result."""
        if self._execution is not None:
            self._execution.note(None)

    def stop(self) -> None:
        """Publish how it ended."""
        if self._execution is not None:
            self._execution.stop()
