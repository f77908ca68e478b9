"""The workers of one attached app in this process, from their start to their end, and the children that they fork."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from celery import Celery, Task, signals

from jobreporter import ConfigError
from jobreporter.sourcekit import LazyDispatcher, harmless, log_aside
from jobreporter.sources.celery._run import Run

if TYPE_CHECKING:
    from jobreporter.sources.celery._pool import Pool

logger = logging.getLogger("jobreporter")


class _Worker:
    """One that has started: it uses the dispatcher until it ends. node: its name."""

    def __init__(self, node: str) -> None:
        self.node = node


class Workers:
    """Mostly there is one. A test's process may have several, one after the other or at once."""

    def __init__(self, app: Celery, dispatcher: LazyDispatcher, runs: dict[int, Run]) -> None:
        self._app = app
        self._dispatcher = dispatcher
        self._runs = runs
        #: Those that have started, and not ended.
        self._running: list[_Worker] = []
        #: There while a worker is; its children inherit it.
        self.pool: Pool | None = None
        #: Whether this is a child of the pool.
        self.in_child = False

    def receivers(self) -> dict[Any, Callable[..., None]]:
        """What to connect to Celery's signals."""
        return {
            signals.worker_init: self._worker_starts,
            signals.celeryd_after_setup: self._log_is_set_up,
            signals.worker_ready: self._worker_ready,
            signals.worker_process_init: self._process_starts,
            signals.worker_process_shutdown: self._process_ends,
        }

    def watch(self, task: Task) -> None:
        """A task is registered: if a worker runs here, it is to tell what becomes of the jobs."""
        if self.pool is not None:
            self.pool.watch(task)

    def _worker_starts(self, sender: Any, **_: Any) -> None:
        """In the main process, before anything else. Celery's signals stop at no ``Exception``."""
        if sender.app is not self._app:
            return
        from jobreporter.sources.celery._pool import Pool  # a process that only enqueues needs no worker's modules

        worker = _Worker(sender.hostname)
        try:
            self._dispatcher.prepare(worker, announced=False)
        except ConfigError as error:
            raise SystemExit(f"the worker ends before its first job: {error}") from error
        if self.pool is None:
            self.pool = Pool(self._dispatcher)
        for task in self._app.tasks.values():
            self.pool.watch(task)
        self._running.append(worker)
        on_stopped = sender.on_stopped

        def stopped() -> None:
            """The last that a worker does, however it ends. Of a cold shutdown there is no signal."""
            try:
                on_stopped()
            finally:
                self._worker_ends(worker)

        sender.on_stopped = stopped

    def _log_is_set_up(self, instance: Any, **_: Any) -> None:
        """In the main process, before there is a pool. What is logged earlier, nobody sees."""
        if instance.app is self._app:
            self._dispatcher.announce()

    def _worker_ready(self, sender: Any, **_: Any) -> None:
        """In the main process. If jobs run in processes of their own, it starts nothing before it has something to say."""
        from billiard import get_start_method
        from celery.concurrency.prefork import TaskPool

        if sender.app is not self._app:
            return
        self._dispatcher.announce()  # a worker that a test has made sets up no log
        if not isinstance(sender.pool, TaskPool):
            self._start()
        elif get_start_method() != "fork":
            text = "jobs are not reported: the pool's processes aren't forked (%s)"
            log_aside(logger, logging.WARNING, text, get_start_method())

    def _process_starts(self, sender: Any = None, **_: Any) -> None:
        """In each child of the pool, before its first job; and in the worker's own process, if it is the only one.

        sender: the worker's name, as far as Celery tells it.
        """
        if self.pool is None or (isinstance(sender, str) and sender not in [worker.node for worker in self._running]):
            return
        if self.pool.forked():
            self.in_child = True
            self._runs.clear()
            self.pool.be_child()
        else:
            self._dispatcher.announce()
        self._start()

    def _start(self) -> None:
        self._dispatcher.start(self._running[-1] if self._running else None)

    def _process_ends(self, **_: Any) -> None:
        """In a child, which ends without atexit."""
        if self.in_child:
            self._dispatcher.end(forked=True)

    @harmless
    def _worker_ends(self, worker: _Worker) -> None:
        self._running.remove(worker)
        for key, run in list(self._runs.items()):  # a thread that nobody waits for
            if run.node == worker.node and not run.eager and self._runs.pop(key, None) is not None:
                run.shut_down()
                run.execution.stop()
        if self.pool is not None:
            self.pool.end(worker.node)
        if not self._running:
            self.pool = None
        self._dispatcher.end([worker])
