"""Celery: reports what its workers do with jobs.

``attach(app)`` goes where the app is made. It is harmless in processes that only enqueue: reporters start in each
process that runs jobs, when the worker starts it.
"""

from __future__ import annotations

import logging
import sys
from secrets import token_hex
from typing import Any

from jobreporter import ConfigError, Dispatcher, JobReporterError
from jobreporter.sources._harmless import harmless, harmless_but_for
from jobreporter.sources._lazy import LazyDispatcher
from jobreporter.sources._library import Library

logger = logging.getLogger("jobreporter")

LIBRARY = Library("Celery", "celery", oldest=(5, 5), version_in=("celery", "__version__"))

try:
    from celery import Celery, Task, signals
    from celery import __version__ as found
    from celery.exceptions import SoftTimeLimitExceeded
    from celery.local import Proxy

    from jobreporter.sources.celery._job import delivery_of, describe, stamp
    from jobreporter.sources.celery._run import Run, let_abort_pass
    from jobreporter.sources.celery._soft_limit import before_the_limit, uninterrupted
except ImportError as error:
    raise LIBRARY.refusal() from error
LIBRARY.check(found)


def attach(app: Celery, dispatcher: Dispatcher | None = None) -> None:
    """Report what becomes of this app's jobs. Call it once, where the app is made.

    Without a ``dispatcher``, one is built from the config when a worker starts; a config that can't be used ends the
    worker there, with the `ConfigError`'s text and before it takes a job.
    """
    if isinstance(app, Proxy):  # such as `celery.current_app`
        app = app._get_current_object()
    if hasattr(app, "jobreporter"):
        raise JobReporterError(
            f"attach() was called twice for the Celery app {app.main!r}: every event would come twice"
        )
    # Celery holds receivers weakly: they live as long as the app does.
    app.jobreporter = _Source(app, LazyDispatcher(dispatcher))
    app.jobreporter.connect()


class _Source:
    """One attached app. Celery's signals are for all apps of a process, so each is asked whose it is.

    Where the job runs, `task_prerun` and `task_postrun` stand around it. In a pool of processes the main process hears
    of what ended a child together with its job, and the child of everything else: see `_pool`.
    """

    def __init__(self, app: Celery, dispatcher: LazyDispatcher) -> None:
        self._app = app
        self._dispatcher = dispatcher
        #: What runs in this process now, by the request's object: attempts at one job may overlap.
        self._runs: dict[int, Run] = {}
        #: Made where a worker starts; its children inherit it.
        self._pool: Any = None
        #: Whether this is a child of the pool.
        self._in_child = False

    def connect(self) -> None:
        receivers = {
            signals.before_task_publish: self._sent,
            signals.task_prerun: self._begins,
            signals.task_failure: self._failed,
            signals.task_retry: self._retried,
            signals.task_postrun: self._ended,
            signals.task_revoked: self._revoked,
            signals.worker_init: self._worker_starts,
            signals.worker_ready: self._worker_ready,
            signals.worker_process_init: self._process_starts,
            signals.worker_process_shutdown: self._process_ends,
        }
        ours = token_hex(8)
        for signal, receiver in receivers.items():
            # Older Celerys take a method of another object for the same receiver, and leave it out.
            signal.connect(receiver, dispatch_uid=ours)
        self._app.on_after_finalize.connect(self._prepare_tasks)
        if self._app.finalized:
            self._prepare_tasks()

    # A job, from start to end

    @before_the_limit
    def _sent(self, /, headers: dict[str, Any], **_: Any) -> None:
        """A message is about to be sent. The signal doesn't tell by which app, so all messages get the stamp."""
        stamp(headers)

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
            delivery = delivery_of(request)
            if self._in_child and not request.is_eager:
                self._end_what_is_left()
                delivery = self._pool.begins(task, delivery)
            execution = dispatcher.resume(**describe(task, request, delivery))
            run = self._runs[id(request)] = Run(execution, delivery, eager=bool(request.is_eager))
        run.begin()

    @uninterrupted
    def _failed(self, /, sender: Task, exception: BaseException, **_: Any) -> None:
        """In the process that ran the job it is still being handled. Celery's copy, for the others, may be another."""
        if run := self._runs.get(id(sender.request)):
            error = sys.exc_info()[1] or exception
            if isinstance(error, NotImplementedError) and self._pool and run.delivery in self._pool.cancelled:
                run.shut_down()  # that is how Celery's own signal handler ends, within the job that it has interrupted
            else:
                run.fail(error)

    @uninterrupted
    def _retried(self, /, sender: Task, request: Any, reason: Any = None, **_: Any) -> None:
        """The job asks for it. In the main process Celery does, for a job whose child was lost."""
        if run := self._runs.get(id(request)):
            run.retry(reason, self._app)
        elif reason is not None and self._pool is not None and sender.app is self._app:
            self._pool.retried(request, reason)

    @uninterrupted
    def _ended(self, /, task: Task, retval: object, state: str | None, **_: Any) -> None:
        """Without a state Celery has let an exception pass: what ends the process, or an error of its own."""
        key = id(task.request)
        run = self._runs.get(key)
        if run is None:
            return
        value = sys.exc_info()[1] if state is None else retval
        if not (state is None and isinstance(value, SystemExit | KeyboardInterrupt) and self._in_child) or run.eager:
            self._settle(run, state, value)
            self._publish_end(run)
        # Else the main process hears that the child has ended, and it knows why.
        self._runs.pop(key, None)

    @harmless
    def _revoked(self, /, sender: Task, request: Any, terminated: bool, expired: bool, **_: Any) -> None:
        """It never starts. Of one that has started and is terminated, the pool tells."""
        if terminated or sender.app is not self._app:
            return
        dispatcher = self._dispatcher.get()
        if dispatcher is not None:
            reason = "expired" if expired else "revoked"
            dispatcher.abort(reason, will_retry=False, **describe(sender, request, delivery_of(request)))

    @harmless_but_for(SoftTimeLimitExceeded)
    def _settle(self, /, run: Run, state: str | None, value: object) -> None:
        if state is not None or not self._pool or not self._pool.given_up(run.delivery, run.execution, value):
            run.settle(state, value, self._app)

    def _publish_end(self, run: Run) -> None:
        if self._pool is not None:
            self._pool.ends(run.delivery)  # first: rather lost than told twice
        run.execution.stop()

    def _end_what_is_left(self) -> None:
        """A child runs one job at a time. One that is still here was cut off by a time limit that landed in Celery."""
        for key in list(self._runs):
            run = self._runs.pop(key)
            self._publish_end(run)

    # A worker, from start to end

    def _prepare_tasks(self, **_: Any) -> None:
        for task in self._app.tasks.values():
            let_abort_pass(task)

    def _worker_starts(self, sender: Any, **_: Any) -> None:
        """In the main process, before anything else. Celery's signals stop at no ``Exception``."""
        if sender.app is not self._app:
            return
        from jobreporter.sources.celery._pool import Pool  # a process that only enqueues needs no worker's modules

        try:
            self._dispatcher.prepare()
        except ConfigError as error:
            raise SystemExit(f"the worker ends before its first job: {error}") from error
        self._pool = Pool(self._dispatcher)
        self._prepare_tasks()
        for task in self._app.tasks.values():
            self._pool.watch(task)
        on_stopped = sender.on_stopped

        def stopped() -> None:
            """The last that a worker does, however it ends. Of a cold shutdown there is no signal."""
            try:
                on_stopped()
            finally:
                self._worker_ends()

        sender.on_stopped = stopped

    def _worker_ready(self, sender: Any, **_: Any) -> None:
        """In the main process. If jobs run in processes of their own, it starts nothing before it has something to say."""
        from billiard import get_start_method
        from celery.concurrency.prefork import TaskPool

        if sender.app is not self._app:
            return
        if not isinstance(sender.pool, TaskPool):
            self._dispatcher.start()
        elif get_start_method() != "fork":
            logger.warning("jobs are not reported: the pool's processes aren't forked (%s)", get_start_method())

    def _process_starts(self, **_: Any) -> None:
        """In each child of the pool, before its first job; and in the worker's own process, if it is the only one."""
        if self._pool is not None:
            if self._pool.forked():
                self._in_child = True
                self._runs.clear()
                self._pool.be_child()
            self._dispatcher.start()

    def _process_ends(self, **_: Any) -> None:
        """In a child, which ends without atexit."""
        self._dispatcher.end(forked=True)

    @harmless
    def _worker_ends(self) -> None:
        for key in list(self._runs):  # a thread that nobody waits for
            if run := self._runs.pop(key, None):
                run.shut_down()
                run.execution.stop()
        self._pool.end()
        self._dispatcher.end()
