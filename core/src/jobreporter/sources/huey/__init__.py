"""Huey: reports what its workers do with jobs.

``attach(huey)`` goes where the `Huey` instance is made. It is harmless in processes that only enqueue: reporters start
in the process that runs jobs, when the consumer starts it.
"""

from __future__ import annotations

import logging
import os
import threading
from datetime import datetime
from typing import Any

from jobreporter import ConfigError, Dispatcher, Execution, JobReporterError
from jobreporter.sourcekit import LazyDispatcher, Library, harmless, log_aside

logger = logging.getLogger("jobreporter")

LIBRARY = Library("Huey", "huey", (3, 5), version_in=("huey", "__version__"), attached_by="attach(huey)")

try:
    from huey import __version__ as found
    from huey.api import Huey
    from huey.signals import (
        SIGNAL_CANCELED,
        SIGNAL_ENQUEUED,
        SIGNAL_EXECUTING,
        SIGNAL_EXPIRED,
        SIGNAL_INTERRUPTED,
        SIGNAL_REVOKED,
        SIGNAL_SCHEDULED,
    )

    from jobreporter.sources.huey._consumers import Consumers
    from jobreporter.sources.huey._job import job_fields
    from jobreporter.sources.huey._run import Run
except ImportError as error:
    raise LIBRARY.refusal() from error
LIBRARY.check(found)


def attach(huey: Any, dispatcher: Dispatcher | None = None) -> None:
    """Report what becomes of this Huey's jobs. Call it once, where the instance is made.

    - ``huey``: the instance, with any kind of storage.
    - ``dispatcher``: one of the program's own, which it closes itself. By default one is built from the config when a
      consumer starts; a config that can't be used ends the consumer there, with a `ConfigError`, before it takes a job.

    Raises TypeError for what is no Huey, and `JobReporterError` for one that is attached already.
    """
    LIBRARY.expect(huey, Huey, "a Huey instance")
    if is_attached(huey):
        raise JobReporterError(f"attach() was called twice for the Huey {huey.name!r}: every event would come twice")
    _Source(huey, LazyDispatcher(dispatcher, source="huey")).connect()


def is_attached(huey: Any) -> bool:
    """Whether this instance's jobs are reported."""
    return isinstance(getattr(huey.execute, "__self__", None), _Source)


class _Source:
    """One attached Huey.

    Its hooks tell what happens, but not always: a job that exits, or a result that can't be stored, ends an execution
    without any. So the call around an execution, ``huey.execute``, is wrapped as well, and ends what is left open.
    """

    def __init__(self, huey: Any, dispatcher: LazyDispatcher) -> None:
        self._huey = huey
        self._dispatcher = dispatcher
        #: What runs now. By object, since attempts at one job may overlap. Whoever pops a run ends it, so it ends once.
        self._runs: dict[int, Run] = {}
        self._consumers = Consumers()
        self._consumer_pid = os.getpid()
        self._execute_inside = huey.execute
        self._create_consumer_inside = huey.create_consumer
        self._notify_interrupted_inside = huey.notify_interrupted_tasks

    def connect(self) -> None:
        huey = self._huey
        huey.signal(SIGNAL_EXECUTING)(self._executing)
        huey.signal(SIGNAL_CANCELED)(self._canceled)
        huey.signal(SIGNAL_ENQUEUED, SIGNAL_SCHEDULED)(self._put_back)
        huey.signal(SIGNAL_INTERRUPTED)(self._interrupted)
        huey.signal(SIGNAL_REVOKED, SIGNAL_EXPIRED)(self._dropped)
        huey.post_execute(name="jobreporter")(self._executed)
        huey.on_startup(name="jobreporter")(self._worker_starts)
        huey.on_shutdown(name="jobreporter")(self._worker_stops)
        huey.execute = self._execute
        huey.create_consumer = self._create_consumer
        huey.notify_interrupted_tasks = self._consumer_ends

    # A job, from start to end

    def _execute(self, task: Any, timestamp: datetime | None = None) -> Any:
        try:
            return self._execute_inside(task, timestamp)
        except BaseException as error:
            self._left(task, error)
            raise
        finally:
            self._left(task)

    @harmless
    def _executing(self, signal: str, task: Any) -> None:
        """The worker has taken the job. Huey's time limit, if there is one, runs only later."""
        dispatcher = self._dispatcher.get()
        if dispatcher is not None:
            execution = dispatcher.begin(strict=False, **job_fields(self._huey, task)).enter()
            self._runs[id(task)] = task.execute = Run(self._huey, task, execution)

    @harmless
    def _dropped(self, signal: str, task: Any) -> None:
        """Revoked or expired: it never starts. Huey's words for it are ours."""
        dispatcher = self._dispatcher.get()
        if dispatcher is not None:
            dispatcher.abort(signal, will_retry=False, strict=False, **job_fields(self._huey, task))

    @harmless
    def _canceled(self, signal: str, task: Any) -> None:
        """By a pre-execute hook, after which nothing more comes; or by the job itself, after which `_executed` does."""
        if run := self._runs.get(id(task)):
            run.execution.abort("cancelled", will_retry=False)

    @harmless
    def _executed(self, task: Any, value: object, error: BaseException | None) -> None:
        """It ran, and its result is stored. A failure waits until it is known whether Huey puts the job back."""
        if run := self._runs.get(id(task)):
            run.came_to(error)
            # In immediate mode what follows a failure runs at once, inside of it.
            if error is None or (self._huey.immediate and not task.retries):
                self._left(task)

    @harmless
    def _put_back(self, signal: str, task: Any) -> None:
        """A task goes into the queue or the schedule. If it is one that runs here, another attempt at it follows."""
        execution = Execution.current()
        if execution is None or execution.job.id != str(task.id):
            return
        key, run = next((item for item in self._runs.items() if item[1].execution is execution), (0, None))
        if run is None:
            return
        if signal == SIGNAL_SCHEDULED:
            run.scheduled()
            return
        run.enqueued()
        if run.executed and self._huey.immediate:  # the next attempt begins now, and this one has come to its end
            self._runs.pop(key).end()

    @harmless
    def _interrupted(self, signal: str, task: Any) -> None:
        """A consumer ends before the job does. It is lost, unless the application enqueues it again.

        Huey tells this of all that runs in the process, though another consumer may go on with it.
        """
        run = self._runs.get(id(task))
        if run is not None and not self._consumers.holds(run.ident) and self._runs.pop(id(task), None) is not None:
            run.shut_down()

    @harmless
    def _left(self, task: Any, error: BaseException | None = None) -> None:
        """Nothing more comes from Huey."""
        if run := self._runs.pop(id(task), None):
            run.end(error)

    # A worker, from start to end

    def _create_consumer(self, **options: Any) -> Any:
        """The earliest place that only a consumer passes: here a `ConfigError` ends it, and nothing runs yet."""
        self._consumer_pid = os.getpid()
        self._dispatcher.prepare()
        consumer = self._create_consumer_inside(**options)
        self._consumers.made(consumer)
        self._dispatcher.prepare(consumer)
        return consumer

    def _worker_starts(self) -> None:
        """In each worker's thread, greenlet or process, before its first job."""
        try:
            self._consumers.worker_starts()
            self._dispatcher.start()
        except ConfigError as error:
            # The consumer was made without create_consumer. An Exception from here Huey would log, and go on; that a
            # worker exits it may not log at all.
            log_aside(logger, logging.CRITICAL, "the worker ends before its first job: %s", error)
            raise SystemExit(1) from error

    def _worker_stops(self) -> None:
        """In a process of its own, which ends without atexit, the last chance. A thread leaves others behind."""
        self._consumers.worker_stops()
        if os.getpid() != self._consumer_pid and threading.current_thread() is threading.main_thread():
            self._dispatcher.end(forked=True)

    def _consumer_ends(self) -> None:
        """The last that a consumer does in any case, also before it executes itself anew on SIGHUP."""
        self._notify_interrupted_inside()
        self._end_what_is_left()

    @harmless
    def _end_what_is_left(self) -> None:
        # Huey knows of no job whose own code hasn't begun yet, and of only one of two that share an id.
        for key, run in list(self._runs.items()):
            if not self._consumers.holds(run.ident) and self._runs.pop(key, None) is not None:
                run.shut_down()
        users = self._consumers.idle()
        if not self._consumers.strangers():
            users.append(self._dispatcher)  # as which workers start that are known by nothing else
        self._dispatcher.end(users)
