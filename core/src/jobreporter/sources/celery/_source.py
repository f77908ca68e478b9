"""One attached app: its jobs, in the process that runs them.

Celery's signals are for all apps of a process, so each is asked whose it is. Where the job runs, `task_prerun` and
`task_postrun` stand around it. In a pool of processes the main process hears of what ended a child together with its
job, and the child of everything else: see `_pool`.
"""

from __future__ import annotations

import sys
from secrets import token_hex
from types import FrameType
from typing import Any

from celery import Celery, Task, signals
from celery.exceptions import NotRegistered, SoftTimeLimitExceeded
from celery.utils.dispatch import Signal

from jobreporter import Execution
from jobreporter.sourcekit import LazyDispatcher, harmless, harmless_but_for
from jobreporter.sources.celery._job import delivery_of, job_fields, unknown_job_fields
from jobreporter.sources.celery._message import Sent, job_of, stamp
from jobreporter.sources.celery._run import Run
from jobreporter.sources.celery._soft_limit import before_the_limit, uninterrupted
from jobreporter.sources.celery._tasks import let_abort_pass, watch_tasks
from jobreporter.sources.celery._workers import Workers


class Source:
    """What `attach` makes for an app."""

    def __init__(self, app: Celery, dispatcher: LazyDispatcher) -> None:
        self._app = app
        self._dispatcher = dispatcher
        #: What runs in this process now, by the request's object: attempts at one job may overlap.
        self._runs: dict[int, Run] = {}
        self._workers = Workers(app, dispatcher, self._runs)

    def connect(self) -> None:
        """Hear of the app's jobs, tasks and workers from now on."""
        receivers = {
            signals.before_task_publish: self._sends,
            signals.after_task_publish: self._has_sent,
            signals.task_prerun: self._begins,
            signals.task_failure: self._failed,
            signals.task_retry: self._retried,
            signals.task_postrun: self._ended,
            signals.task_revoked: self._revoked,
            signals.task_unknown: self._unknown,
            **self._workers.receivers(),
        }
        ours = token_hex(8)
        for signal, receiver in receivers.items():
            # Older Celerys take a method of another object for the same receiver, and leave it out.
            signal.connect(receiver, dispatch_uid=ours)
        watch_tasks(self._app, self._prepare)

    @harmless
    def _prepare(self, task: Task) -> None:
        if isinstance(task, Task):
            let_abort_pass(task)
            self._workers.watch(task)

    # Messages

    @before_the_limit
    def _sends(self, /, headers: dict[str, Any], body: Any, properties: Any = None, **_: Any) -> None:
        """A message is about to be sent. The signal doesn't tell by which app, so all messages get the stamp."""
        stamp(headers, properties)
        if run := self._run_of(*job_of(headers, body)):
            sender = _sender()
            run.sends(sender and sender.f_code)
            if (pool := self._workers.pool) is not None:
                pool.child_sends(run.delivery)

    @before_the_limit
    def _has_sent(self, /, headers: dict[str, Any], body: Any, **_: Any) -> None:
        """A message was sent. If it is for a job that is running, there will be another attempt at that."""
        (job_id, task), pool = job_of(headers, body), self._workers.pool
        if run := self._run_of(job_id, task):
            run.has_sent(Sent.of(headers, body))
            if pool is not None:
                pool.child_has_sent(run.delivery)
        elif pool is not None:
            pool.sent(job_id)

    def _run_of(self, job_id: object, task: object) -> Run | None:
        """What runs here under this id; if there is more than one, the one that this code runs in.

        What takes a job's place has its id too, and is another task's.
        """
        runs = [run for run in list(self._runs.values()) if run.job_id == job_id and run.task_name == task]
        if len(runs) > 1:
            current = Execution.current()
            runs.sort(key=lambda run: run.execution is not current)
        return runs[0] if runs else None

    # A job, from start to end

    @before_the_limit
    def _begins(self, /, task: Task, **_: Any) -> None:
        if task.app is not self._app:
            return
        request = task.request
        run = self._runs.get(id(request))
        if run is None:
            dispatcher = self._dispatcher.get()
            if dispatcher is None:
                return
            delivery, workers = delivery_of(request), self._workers
            if workers.in_child and workers.pool is not None and not request.is_eager:
                self._end_what_is_left()
                delivery = workers.pool.begins(task, delivery)
            execution = dispatcher.resume(strict=False, **job_fields(task, request, delivery))
            run = self._runs[id(request)] = Run(execution, task, delivery)
        run.begin()

    @uninterrupted
    def _failed(self, /, sender: Task, exception: BaseException, **_: Any) -> None:
        """In the process that ran the job it is still being handled. Celery's copy, for the others, may be another."""
        if run := self._runs.get(id(sender.request)):
            error = sys.exc_info()[1] or exception
            pool = self._workers.pool
            if isinstance(error, NotImplementedError) and pool is not None and run.delivery in pool.cancelled:
                run.shut_down()  # that is how Celery's own signal handler ends, within the job that it has interrupted
            else:
                run.tell(error)

    @uninterrupted
    def _retried(self, /, sender: Task, request: Any, reason: Any = None, **_: Any) -> None:
        """The job asks for it. In the main process Celery does, for a job whose child was lost."""
        if run := self._runs.get(id(request)):
            run.tell_retry(reason)
        elif reason is not None and (pool := self._workers.pool) is not None and sender.app is self._app:
            pool.retried(request, reason)

    @uninterrupted
    def _ended(self, /, task: Task, retval: object, state: str | None, **_: Any) -> None:
        """The job's own code is over. If Celery has let an exception pass, the end of it is still to come."""
        key = id(task.request)
        run = self._runs.get(key)
        if run is None:
            return
        raised = _passing_on()
        if not self._workers.in_child or run.eager or not isinstance(raised, SystemExit | KeyboardInterrupt):
            self._settle(run, state, retval, raised)
            self._publish_end(run)
        # Else the main process hears that the child has ended, and it knows why.
        self._runs.pop(key, None)

    @harmless_but_for(SoftTimeLimitExceeded)
    def _settle(self, /, run: Run, state: str | None, value: object, raised: BaseException | None) -> None:
        pool = self._workers.pool
        if raised is None or pool is None or not pool.given_up(run.delivery, run.execution, raised):
            run.settle(state, value, raised)

    def _publish_end(self, run: Run) -> None:
        if self._workers.pool is not None:
            self._workers.pool.ends(run.delivery)  # first: rather lost than told twice
        run.execution.stop()

    def _end_what_is_left(self) -> None:
        """A child runs one job at a time. One that is still here was cut off by a time limit that landed in Celery."""
        for key in list(self._runs):
            run = self._runs.pop(key)
            self._publish_end(run)

    # Jobs that never start

    @harmless
    def _revoked(self, /, sender: Task, request: Any, terminated: bool, expired: bool, **_: Any) -> None:
        """It never starts. Of one that has started and is terminated, the pool tells."""
        if terminated or sender.app is not self._app:
            return
        dispatcher = self._dispatcher.get()
        if dispatcher is not None:
            reason = "expired" if expired else "revoked"
            fields = job_fields(sender, request, delivery_of(request))
            dispatcher.abort(reason, will_retry=False, strict=False, **fields)

    @harmless
    def _unknown(self, /, sender: Any, message: Any, name: str, **_: Any) -> None:
        """No task is registered under the job's name: Celery makes it a failure."""
        if sender.app is self._app and (dispatcher := self._dispatcher.get()) is not None:
            execution = dispatcher.resume(strict=False, **unknown_job_fields(self._app, message))
            execution.fail(NotRegistered(name), will_retry=False)
            execution.stop()


def _passing_on() -> BaseException | None:
    """The exception that Celery's tracer passes on while it says that the job has ended, if it does.

    There may be another one in the making further out, in whose handling the job runs; that is of other frames.
    """
    error = sys.exc_info()[1]
    if error is None or error.__traceback__ is None:
        return None
    return error if error.__traceback__.tb_frame is _sender() else None


def _sender() -> FrameType | None:
    """The call of Celery's that has sent the signal which is being received."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not Signal.send.__code__:
        frame = frame.f_back
    return None if frame is None else frame.f_back
