"""The dispatcher of an attached job queue: built from the config where jobs run, and nowhere else."""

from __future__ import annotations

import logging
import threading

from jobreporter import ConfigError, Dispatcher

logger = logging.getLogger("jobreporter")

#: Seconds that a dispatcher which isn't ours to close gets to deliver what it has.
FLUSH_TIMEOUT = 2.0


class LazyDispatcher:
    """What a source holds instead of a dispatcher, since ``attach`` also runs where jobs are only enqueued.

    Nothing is read, built or started before a worker starts or a job runs. A dispatcher that was passed to ``attach``
    belongs to whoever made it: it is flushed, but closed only in a process that was forked for a worker, and ends with
    it.
    """

    def __init__(self, given: Dispatcher | None = None) -> None:
        self._given = given is not None
        self._dispatcher = given
        self._config_error: ConfigError | None = None
        #: Closed, or impossible to build. Only the start of another worker changes that.
        self._over = False
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """A worker is about to start: build the dispatcher. It starts no thread, so the worker may still fork.

        Raises `ConfigError`, for the source to end the worker with before it takes a job. Anything else that goes wrong
        is logged, and the worker does its work without reports.
        """
        self._build(again=True)
        if self._config_error is not None:
            raise ConfigError(self._config_error.faults)

    def start(self) -> None:
        """The process that runs jobs is there: start the reporters. Raises `ConfigError` if nobody prepared."""
        self._build()
        if self._config_error is not None:
            raise ConfigError(self._config_error.faults)
        if self._dispatcher is not None:
            self._dispatcher.start()

    def get(self) -> Dispatcher | None:
        """The dispatcher for a job that runs now, or ``None`` where there is none to be had. Never raises.

        Where no worker's start was seen, the first job has it built; what is wrong with the config is logged, once.
        """
        if self._dispatcher is None and self._build() and self._config_error is not None:
            logger.error("jobreporter can't be set up; jobs run without reports: %s", self._config_error)
        return self._dispatcher

    def end(self, *, forked: bool = False) -> None:
        """The worker ends: what was published leaves, for as long as the config's ``exit_timeout`` allows.

        forked: this process was forked for the worker and ends with it, without Python's atexit.
        """
        if self._dispatcher is None:
            return
        if self._given and not forked:
            self._dispatcher.flush(FLUSH_TIMEOUT)
        else:
            self._over = True
            self._dispatcher.close()

    def _build(self, *, again: bool = False) -> bool:
        """Build the dispatcher, if there is none to be used. again: also after it was closed or couldn't be built.

        Returns whether that was tried. Only one thread does it, and the others wait.
        """
        with self._lock:
            wanted = again if self._over else self._dispatcher is None
            if self._given or not wanted:
                return False
            self._dispatcher = self._config_error = None
            try:
                self._dispatcher = Dispatcher.from_config()
            except ConfigError as error:
                self._config_error = error
            except Exception:
                logger.exception("jobreporter could not be set up; jobs run without reports")
            self._over = self._dispatcher is None
            return True
