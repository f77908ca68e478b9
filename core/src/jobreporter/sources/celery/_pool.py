"""What the worker's main process reports: executions that a child of the prefork pool began and could not end.

Celery tells the main process what became of each job through its `Request`, which is the class to extend for that.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from typing import Any
from weakref import WeakValueDictionary

from billiard.einfo import ExceptionWithTraceback
from celery import Task
from celery.app.task import Context
from celery.exceptions import Retry, SoftTimeLimitExceeded, Terminated, TimeLimitExceeded, WorkerLostError
from celery.utils import log
from celery.utils.imports import symbol_by_name
from celery.worker import state
from celery.worker.request import Request

from jobreporter import Execution
from jobreporter.sources._delivery import new_delivery
from jobreporter.sources._harmless import harmless, harmless_but_for
from jobreporter.sources._lazy import LazyDispatcher
from jobreporter.sources.celery._children import Begun, Children, alive
from jobreporter.sources.celery._job import DELIVERY, describe
from jobreporter.sources.celery._run import delay_of

#: Seconds between two looks at whether a process is gone.
_LOOK = 0.02


class Pool:
    """The children of one worker's pool, and what they are at."""

    def __init__(self, dispatcher: LazyDispatcher) -> None:
        self._dispatcher = dispatcher
        self._children = Children()
        self._pid = os.getpid()
        #: The last job that each child has taken, by process id.
        self._taken: dict[int, ReportedRequest] = {}
        #: What greenlets of this process are at, by delivery.
        self._greenlets: WeakValueDictionary[str, ReportedRequest] = WeakValueDictionary()
        #: Deliveries of jobs that the worker wants to end, and can't where they don't run in a process of their own.
        self.cancelled: set[str] = set()
        #: What no child will end, once it is certain. By delivery; whoever pops one publishes it.
        self._lost: dict[str, tuple[ReportedRequest, Execution]] = {}

    def forked(self) -> bool:
        """Whether this process was forked from the main one."""
        return os.getpid() != self._pid

    # In a child

    def be_child(self) -> None:
        """This process was forked for the pool, and is about to take its first job."""
        self._taken.clear()
        self._lost.clear()
        self._children.be_child()

    def begins(self, task: Task, delivery: str) -> str:
        """A child is about to run the job of this delivery. Returns a name for the execution.

        It may not be the first: the main process hands a job on whose child was gone before it had said that it took it.
        That child has told how it began, and nobody else knows.
        """
        name = delivery
        for before in self._children.begun(delivery):
            name = new_delivery()
            self._lost_unheard(task, before)
        self._children.begins(delivery, name)
        return name

    @harmless_but_for(SoftTimeLimitExceeded)
    def _lost_unheard(self, task: Task, before: Begun) -> None:
        dispatcher = self._dispatcher.get()
        if dispatcher is None or self._children.have_ended(before.name):
            return
        self._children.ends(before.name)  # first: rather lost than told twice
        execution = dispatcher.resume(**describe(task, task.request, before.name), worker=_worker(before.pid))
        error = WorkerLostError("the process was gone before the worker knew that it had taken the job")
        execution.fail(error, will_retry=True, kind="worker_lost")
        execution.stop()

    def ends(self, name: str) -> None:
        """A child is about to publish how the execution of this name ended, so nobody else must."""
        self._children.ends(name)

    # In the main process

    def watch(self, task: Task) -> None:
        """Have requests for this task tell what becomes of them."""
        inside = symbol_by_name(task.Request)
        if issubclass(inside, ReportedRequest):  # of a worker that ran in this process before
            inside.pool = self
        else:
            task.Request = type(inside.__name__, (ReportedRequest, inside), {"pool": self})

    @harmless
    def taken(self, request: ReportedRequest, pid: int) -> None:
        """A child has taken this job, and is through with what it did before."""
        if pid == threading.get_ident():
            self._greenlets[request.delivery] = request
        elif pid != self._pid:
            self._taken[pid] = request

    def given_up(self, delivery: str, execution: Execution, error: object) -> bool:
        """Whether Celery has killed the greenlet that is at this; then why is noted, which nobody else is told."""
        request = self._greenlets.get(delivery)
        if request is None or request.reason is None or not isinstance(error, BaseException):
            return False
        request.note(execution, error)
        return True

    @harmless
    def retried(self, request: Context, reason: Retry) -> None:
        """Celery has sent a job again whose child was lost."""
        for taken in self._taken.values():
            if taken.delivery == request.get(DELIVERY):
                taken.reason = reason

    @harmless
    def lost(self, request: ReportedRequest, error: BaseException) -> None:
        """No result has come from the child, or none that Celery takes for one."""
        execution = self._resume(request)
        if execution is None:
            return
        request.note(execution, error)
        self._lost[request.delivery] = (request, execution)
        if isinstance(error, TimeLimitExceeded):
            # The child is killed only after this; until then it may still come to an end by itself.
            name = "jobreporter-hard-limit"
            threading.Thread(target=self._conclude_later, args=(request,), name=name, daemon=True).start()
        else:
            self._conclude(request)

    @harmless
    def end(self) -> None:
        """The worker ends, its children are gone: nothing more comes for what they were at."""
        for request, _ in list(self._lost.values()):
            self._conclude(request)
        for request in list(self._taken.values()):
            if request.reason or request in state.active_requests:
                request.reason = request.reason or "shutdown"
                self.lost(request, Terminated())
        self._taken.clear()

    def _resume(self, request: ReportedRequest) -> Execution | None:
        dispatcher = self._dispatcher.get()
        if dispatcher is None or request.concluded or request.delivery in self._lost:
            return None
        for begun in self._children.begun(request.delivery):
            if begun.pid == request.worker_pid:
                request.execution_name = begun.name
        fields = describe(request.task, Context(request.request_dict), request.execution_name)
        if request.worker_pid:
            fields["worker"] = _worker(request.worker_pid)
        return dispatcher.resume(**fields)

    def _conclude_later(self, request: ReportedRequest) -> None:
        while request.delivery in self._lost and request.worker_pid and alive(request.worker_pid):
            time.sleep(_LOOK)
        self._conclude(request)

    @harmless
    def _conclude(self, request: ReportedRequest) -> None:
        """Publish how it ended, unless the child has."""
        request.concluded = True
        _, execution = self._lost.pop(request.delivery, (None, None))
        if execution is not None and not self._children.have_ended(request.execution_name):
            execution.stop()


def _worker(pid: int) -> str:
    return f"{platform.node()}:{pid}"


def _worker_ends() -> bool:
    """Whether jobs are cancelled for that. They are from within the signal's handler, before Celery notes the rest."""
    return bool(log._in_sighandler or state.should_stop is not None or state.should_terminate is not None)


class ReportedRequest(Request):  # type: ignore[misc]  # Celery ships no types
    """What `Pool.watch` puts before a task's own `Request`."""

    pool: Pool
    #: Tells this delivery of the message from any other.
    delivery: str
    #: Of the execution: that of the delivery, but for what was handed from one child to another.
    execution_name: str
    #: Why the child was, or is about to be, ended; or Celery's word that the job will be tried again.
    reason: str | Retry | None = None
    #: Whether the message went back to the queue.
    requeued = False
    #: Whether the child had stored the job's result.
    succeeded = False
    #: Whether nothing is left to report.
    concluded = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.delivery = self.execution_name = new_delivery()
        self.request_dict[DELIVERY] = self.delivery

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
        if isinstance(error, SystemExit | KeyboardInterrupt):
            error = WorkerLostError(f"the job ended its process: {error!r}")
        if self.reason == "revoked" or (self.reason is None and isinstance(error, Terminated)):
            execution.abort("revoked", will_retry=False)
        elif isinstance(self.reason, str):
            # What isn't acknowledged comes again, to another worker; whether what is was sent again, nobody knows.
            execution.abort(self.reason, will_retry=None if self.acknowledged else True)
        elif isinstance(self.reason, Retry):
            delay = delay_of(self.reason, self.task.app)
            execution.fail(error, will_retry=True, retry_delay=delay, kind="worker_lost")
        elif isinstance(error, TimeLimitExceeded):
            execution.fail(error, will_retry=self.requeued, kind="timeout")
        elif isinstance(error, WorkerLostError) and self.succeeded:
            execution.succeed()
        elif isinstance(error, WorkerLostError):
            execution.fail(error, will_retry=self.requeued, kind="worker_lost")
        elif isinstance(error, Exception):
            execution.fail(error, will_retry=self.requeued)
        else:
            execution.note(error)
