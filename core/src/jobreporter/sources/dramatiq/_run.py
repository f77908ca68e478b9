"""What a thread of Dramatiq's does with one message, and what it means how that ended."""

from __future__ import annotations

import traceback
from types import TracebackType

from dramatiq import MessageProxy
from dramatiq.errors import RateLimitExceeded, Retry
from dramatiq.middleware import AgeLimit, Interrupt, Shutdown, SkipMessage, TimeLimitExceeded

from jobreporter import Abort, Execution
from jobreporter.sourcekit import FailureKind, harmless


class Run:
    """One message in the hands of one thread."""

    def __init__(self, message: MessageProxy) -> None:
        self.message = message
        #: Where nothing can be reported, there is none.
        self.execution: Execution | None = None
        #: Whether the actor was called.
        self.begun = False
        #: Whether it is known how it ended.
        self.over = False
        self._error: BaseException | None = None
        #: What the job raised, with where: other middleware may take that away, as sentry-sdk's own does.
        self._raised: tuple[BaseException, TracebackType | None] | None = None
        self._will_retry = False
        self._retry_delay: float | None = None

    @harmless
    def begin(self) -> None:
        """The actor is called now."""
        self.begun = True
        if self.execution is not None:
            self.execution.enter().start()

    def given_up(self, abort: Abort) -> Exception:
        """Dramatiq's own word for what the job raised: anything else it would log as an error, and try again."""
        return Retry(abort.reason) if abort.will_retry else SkipMessage(abort.reason)

    def raised(self, error: BaseException) -> None:
        """The job's own code has raised this."""
        self._raised = error, error.__traceback__

    def enqueued_again(self, delay: int | None) -> None:
        """The message will come once more, after so many milliseconds."""
        self._will_retry = True
        self._retry_delay = None if delay is None else delay / 1000

    def settle(self, error: BaseException | None) -> None:
        """It ended with this error, or without."""
        self._error = error
        self.over = True

    def end(self) -> None:
        """Publish what has become of it: without an answer, the worker's end was faster. Doing it again does nothing."""
        if self.execution is not None:
            try:
                if self.over:
                    self._note(self.execution)
                else:
                    self.execution.abort("shutdown")
            except Exception:
                self.execution.stop()
                raise
            self.execution.stop()  # not where an interrupt kept the outcome from being noted: it comes here again
        self._error = self._raised = None  # its frames hold what the job had, and this

    def _note(self, execution: Execution) -> None:
        error, will_retry = self._error, self._will_retry
        interrupt = _interrupt_behind(error)
        match error:
            case None if self.message.failed:
                execution.abort("rejected", will_retry=will_retry)
            case None:
                execution.succeed()
            case SkipMessage(__cause__=Abort(reason=reason)) | Retry(__cause__=Abort(reason=reason)):
                execution.abort(reason, will_retry=will_retry)
            case SkipMessage():
                execution.abort("expired" if _too_old(error) else "skipped", will_retry=will_retry)
            case Retry(__cause__=None) if will_retry:
                execution.abort("retry_requested", will_retry=True)
            case RateLimitExceeded():
                execution.abort("rate_limited", will_retry=will_retry)
            case _ if isinstance(interrupt, TimeLimitExceeded):
                self._fail(execution, error, "timeout")
            case _ if isinstance(interrupt, Shutdown):
                execution.abort("shutdown", will_retry=will_retry)
            case _ if interrupt is not None:
                # Somebody else's, such as dramatiq-abort's: what it interrupts is asked to give up, and has not failed.
                execution.abort("cancelled", will_retry=will_retry)
            case _:
                self._fail(execution, (error.__cause__ if isinstance(error, Retry) else None) or error)

    def _fail(self, execution: Execution, error: BaseException, kind: FailureKind = "exception") -> None:
        if self._raised is not None and error is self._raised[0] and error.__traceback__ is None:
            error.__traceback__ = self._raised[1]
        execution.fail(error, will_retry=self._will_retry, retry_delay=self._retry_delay, kind=kind)


def _interrupt_behind(error: BaseException | None) -> BaseException | None:
    """What was raised into the thread from outside, if that is what ended the job.

    A coroutine that goes on for too long after it was interrupted is told of by an error from the interrupt.
    """
    if error is None or isinstance(error, Interrupt | SkipMessage | Retry):
        return error if isinstance(error, Interrupt) else None
    return error.__cause__ if isinstance(error.__cause__, Interrupt) else None


def _too_old(error: BaseException) -> bool:
    """Whether a message was skipped for its age. Only the place where it was raised tells."""
    raised_in = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    return AgeLimit.before_process_message.__code__ in raised_in
