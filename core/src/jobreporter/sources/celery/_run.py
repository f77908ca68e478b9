"""One execution in the process that runs the job, and what it means how Celery says that it ended."""

from __future__ import annotations

from types import CodeType
from typing import Any

from celery import VERSION, Task, states
from celery.exceptions import Reject, Retry

from jobreporter import Abort, ErrorInfo, Execution
from jobreporter.sourcekit import FailureKind
from jobreporter.sources.celery._asked import (
    delay_of,
    error_of,
    handled_before,
    is_greenlets_limit,
    is_time_limit,
    is_unsent_retry,
    unsent_error,
    until,
    was_cut_off,
)
from jobreporter.sources.celery._job import node_of
from jobreporter.sources.celery._message import Sent

#: How ``Task.replace`` says that it was called; it has nothing else to tell it by.
REPLACED = "Replaced by new task"
#: The error of a job, why it is to be tried again, if it is, and what shows whether a message was sent for that.
_Told = tuple[BaseException | ErrorInfo, Retry | None, BaseException | ErrorInfo | None]
#: Whether Celery takes a ``Reject`` for one that comes from outside of the job's body; older ones make it a failure.
_REJECTS_OUTSIDE = VERSION >= (5, 7)


class Run:
    """One execution, from the moment when a worker calls the task."""

    __slots__ = (
        "_begun",
        "_comes_back",
        "_entered",
        "_sending",
        "_sent",
        "_shut_down",
        "_told",
        "delivery",
        "eager",
        "execution",
        "job_id",
        "late",
        "node",
        "task_name",
    )

    def __init__(self, execution: Execution, task: Task, delivery: str) -> None:
        request = task.request
        self.execution = execution
        self.delivery = delivery
        #: As Celery has it.
        self.job_id = request.id
        self.task_name = task.name
        #: The worker's name.
        self.node = node_of(request)
        #: Whether it runs within the caller, without a message.
        self.eager = bool(request.is_eager)
        #: Whether its message isn't acknowledged yet, and may go back to its queue.
        self.late = bool(task.acks_late) and not self.eager
        #: Whether it goes back there if the job exceeds the limit that ends it. Celery does that once this has ended.
        self._comes_back = self.late and not getattr(task, "acks_on_timeout", task.acks_on_failure_or_timeout)
        self._entered = self._begun = self._shut_down = False
        #: What Celery's signals have told, which come while the error is as it was, and whether it was to be retried then.
        self._told: tuple[_Told, bool | None] | None = None
        #: Celery's code that is sending a message for another attempt, or has tried to, and the last one that was sent.
        self._sending: CodeType | None = None
        self._sent: Sent | None = None

    def begin(self) -> None:
        """A time limit may interrupt this; called again it goes on, and does nothing twice."""
        if not self._entered:
            self._entered = True
            self.execution.enter()
        if not self._begun:
            self._begun = True
            self.execution.start()

    def sends(self, code: CodeType | None) -> None:
        """A message for another attempt is about to be sent, by this code of Celery's."""
        self._sending = code

    def has_sent(self, message: Sent) -> None:
        """A message for another attempt was sent: there will be another attempt, whatever becomes of this one."""
        self._sending = None
        self._sent = message

    def tell(self, error: BaseException) -> None:
        """Note that the job has failed, while its error is being handled: Celery clears its frames before the end."""
        if isinstance(error, Abort):  # a task that nobody has prepared for it
            self.execution.abort(error.reason, will_retry=self._will_retry(shown_by=error))
        else:
            self._fail(error)

    def tell_retry(self, reason: Retry) -> None:
        """Note that the job asks for another attempt, because of an error or without one."""
        error = error_of(reason)
        if error is None:
            self.execution.abort("retry_requested", will_retry=self._will_retry(reason))
        else:
            self._fail(error, reason)

    def shut_down(self) -> None:
        """Note that the worker's end has interrupted it, whatever else Celery makes of that."""
        self._shut_down = True
        self.execution.abort("shutdown")

    def settle(self, state: str | None, value: Any, raised: BaseException | None) -> None:
        """Note what the job has come to.

        value: what it returned or raised, as Celery has it. raised: what Celery passes on, and makes its own end of.
        """
        if self._shut_down:
            return
        if raised is not None:
            self._settle_outside(raised)
            return
        match state, value:
            case states.SUCCESS, _:
                self.execution.note(None)
            case states.RETRY, Retry() if self._told is None:
                self.tell_retry(value)
            case states.IGNORED, Abort():
                # Not what it says of that counts: to Celery it is an Ignore, which sends nothing.
                self.execution.abort(value.reason, will_retry=self._will_retry(shown_by=value))
            case states.IGNORED, _ if str(value) == REPLACED:
                self.execution.abort(
                    "replaced", will_retry=False
                )  # what takes its place has its id, and is another job
            case states.IGNORED, _:
                self.execution.abort("ignored", will_retry=self._will_retry(shown_by=value))
            case states.REJECTED, Reject():
                self._reject(value)
            case states.FAILURE, BaseException() if self._told is None:
                self.tell(value)
        self._tell_again()

    def _settle_outside(self, raised: BaseException) -> None:
        """The end that Celery makes of what comes out of its own code, or of hooks, before or after the job's."""
        if isinstance(raised, Retry):
            # In a job that runs eagerly and passes errors on, it goes to the caller, and nothing is tried again.
            error = error_of(raised)
            if error is None and self.eager:
                self.execution.abort("retry_requested", will_retry=self._will_retry())
            else:
                # A hook that asks for it says by that what the job has failed with, be it without a word.
                self._fail(error or handled_before(raised) or raised)
        elif isinstance(raised, Reject) and _REJECTS_OUTSIDE:
            self._reject(raised)
        elif isinstance(raised, SystemExit | KeyboardInterrupt):
            self.execution.note(raised)
        else:
            # Any other BaseException too, such as the cancellation of a coroutine: the job's process goes on.
            self._fail(raised)

    def _reject(self, reject: Reject) -> None:
        if is_unsent_retry(reject):
            self._fail(unsent_error(reject), shown_by=reject)
        elif reject.requeue:
            self.execution.abort("requeued", will_retry=self.late or self._will_retry(shown_by=reject))
        else:
            self.execution.abort("rejected", will_retry=self._will_retry(shown_by=reject))

    def _fail(
        self, error: BaseException | ErrorInfo, reason: Retry | None = None, shown_by: BaseException | None = None
    ) -> None:
        self._say((error, reason, shown_by or error))

    def _say(self, told: _Told) -> None:
        error, reason, shown_by = told
        will_retry = self._will_retry(reason, shown_by)
        kind: FailureKind = "timeout" if is_time_limit(error) else "exception"
        delay = self._delay(reason) if will_retry else None
        self.execution.fail(error, will_retry=will_retry, retry_delay=delay, kind=kind)
        self._told = (told, will_retry)

    def _tell_again(self) -> None:
        """A hook that runs after Celery's signals may have sent the message for another attempt."""
        if self._told is not None:
            told, will_retry = self._told
            _, reason, shown_by = told
            if will_retry != self._will_retry(reason, shown_by):
                self._say(told)

    def _will_retry(self, reason: Retry | None = None, shown_by: Any = None) -> bool | None:
        """Whether there is another attempt: not what the job asked for counts, but the message that was sent.

        shown_by: the exception that shows how the sending of it has ended.
        """
        if self._sent is not None:
            return True
        if self.eager:
            # One that another job has asked for, and this one passes on, is tried again in its place.
            return reason is not None and reason.sig is not None and reason.sig.id == self.job_id
        # Where a time limit comes while the message is sent, the broker may have it or not. Any other error is Celery's
        # word that it was not sent, and a limit that came before or after isn't about it.
        if self._sending is not None and was_cut_off(self._sending, shown_by):
            return None
        if is_greenlets_limit(shown_by):
            return self._comes_back
        # Some pools never acknowledge the message of a job that is left by what is no Exception.
        return None if self.late and not isinstance(shown_by, Exception | ErrorInfo | None) else False

    def _delay(self, reason: Retry | None) -> float | None:
        """Seconds until the next attempt."""
        if self._sent is None:
            return 0.0  # it runs at once, within the caller
        asked = None if reason is None else delay_of(reason)
        if asked is not None:
            return asked
        return 0.0 if self._sent.eta is None else until(self._sent.eta)
