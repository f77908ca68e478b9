"""What the worker's main process reports: executions that a child of the prefork pool began and could not end.

Celery tells the main process what became of each job through its `Request`, which is the class to extend for that:
see `_request`.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from weakref import WeakValueDictionary

from celery import Task
from celery.app.task import Context
from celery.exceptions import Retry, SoftTimeLimitExceeded, Terminated, TimeLimitExceeded, WorkerLostError
from celery.utils.imports import symbol_by_name
from celery.worker import state

from jobreporter import Execution
from jobreporter.sourcekit import LazyDispatcher, harmless, harmless_but_for, new_delivery
from jobreporter.sources.celery._children import Begun, Children, alive
from jobreporter.sources.celery._job import job_fields
from jobreporter.sources.celery._message import DELIVERY
from jobreporter.sources.celery._request import ReportedRequest

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
        execution = dispatcher.resume(
            strict=False, **job_fields(task, task.request, before.name), worker=_worker(before.pid)
        )
        error = WorkerLostError("the process was gone before the worker knew that it had taken the job")
        execution.fail(error, will_retry=True, kind="worker_lost")
        execution.stop()

    def child_sends(self, name: str) -> None:
        """A child is about to send a message for another attempt at the job of this execution."""
        self._children.sends(name)

    def child_has_sent(self, name: str) -> None:
        """It was sent, whatever becomes of the child."""
        self._children.has_sent(name)

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

    def sent(self, job_id: object) -> None:
        """The main process has sent a message for this job, such as for one whose child was lost."""
        for taken in list(self._taken.values()):
            if taken.id == job_id:
                taken.sent = True

    @harmless
    def retried(self, request: Context, reason: Retry) -> None:
        """Celery has sent a job again whose child was lost."""
        for taken in list(self._taken.values()):
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
    def end(self, node: str | None = None) -> None:
        """A worker ends, its children are gone: nothing more comes for what they were at. node: which one, if not all."""
        for request, _ in list(self._lost.values()):
            if node in (None, request.hostname):
                self._conclude(request)
        for pid, request in list(self._taken.items()):
            if node in (None, request.hostname):
                if request.reason or request in state.active_requests:
                    request.reason = request.reason or "shutdown"
                    self.lost(request, Terminated())
                del self._taken[pid]

    def _resume(self, request: ReportedRequest) -> Execution | None:
        dispatcher = self._dispatcher.get()
        if dispatcher is None or request.concluded or request.delivery in self._lost:
            return None
        for begun in self._children.begun(request.delivery):
            if begun.pid == request.worker_pid:
                request.execution_name = begun.name
                request.sent = request.sent or begun.has_sent
        fields = job_fields(request.task, Context(request.request_dict), request.execution_name)
        if request.worker_pid:
            fields["worker"] = _worker(request.worker_pid)
        return dispatcher.resume(strict=False, **fields)

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
