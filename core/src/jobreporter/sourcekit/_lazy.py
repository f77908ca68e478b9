"""The dispatcher of attached job queues: built from the config where jobs run, and nowhere else."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Collection

from jobreporter import ConfigError, Dispatcher
from jobreporter._system.log_aside import log_aside
from jobreporter.sourcekit._library import shown

logger = logging.getLogger("jobreporter")

#: Seconds that a dispatcher which isn't closed gets to deliver what it has.
FLUSH_TIMEOUT = 2.0


class _Built:
    """What came of a config: a dispatcher, or none. All that is attached in a process and finds the same config shares it.

    So a port is opened once, and a limit per minute counts once, whichever queue a job came from.
    """

    def __init__(self, dispatcher: Dispatcher | None, config_error: ConfigError | None = None) -> None:
        self.dispatcher = dispatcher
        self.config_error = config_error
        #: Closed, or impossible to build: who comes now needs another one.
        self.over = dispatcher is None
        #: The sources whose workers have said in the log that they report.
        self.announced: set[str] = set()
        #: The workers that run, and what runs jobs without a worker. Whoever is freed without a word uses nothing.
        self.users: weakref.WeakSet[object] = weakref.WeakSet()


_Place = tuple[str | None, str | None]

#: What is in use, by where its config was looked for.
_shared: weakref.WeakValueDictionary[_Place, _Built] = weakref.WeakValueDictionary()

#: Held for as long as it takes to build one.
_building = threading.Lock()
#: Held for a moment, where users come and go. No one waits for reporters meanwhile.
_counting = threading.Lock()


def _renew_locks() -> None:
    global _building, _counting  # a forked child has none of the threads that may hold them
    _building, _counting = threading.Lock(), threading.Lock()


os.register_at_fork(after_in_child=_renew_locks)


class LazyDispatcher:
    """What a source holds instead of a dispatcher, since ``attach`` also runs where jobs are only enqueued.

    Nothing is read, built or started before a worker starts or a job runs. It is closed when the last of the workers has
    ended that use it, whichever sources they belong to. A dispatcher that was passed to ``attach`` belongs to whoever
    made it: it is flushed, but closed only in a process that was forked for a worker, and ends with it.

    given: what ``attach`` was passed, or ``None`` for one that is built from the config. source: the name that jobs have
    as ``Job.source``, which the log shows. Raises TypeError for what is no `Dispatcher`.

    A ``user`` is whatever stands for a worker, and is kept weakly; by default this object, for a source with one worker.
    """

    def __init__(self, given: Dispatcher | None = None, *, source: str = "queue") -> None:
        if not isinstance(given, Dispatcher | None):
            raise TypeError(f"dispatcher: expected a jobreporter.Dispatcher or nothing, found {shown(given)}")
        self._source = source
        self._given = given is not None
        self._built = None if given is None else _Built(given)

    def prepare(self, user: object = None, *, announced: bool = True) -> None:
        """A worker is about to start: build the dispatcher. No thread is started, so the worker may still fork.

        announced: say so in the log as well, unless the source does that itself, once the worker has set up its log.
        Raises `ConfigError`, for the source to end the worker with before it takes a job. Anything else that goes wrong
        is logged, and the worker does its work without reports.
        """
        self._usable(user)
        if announced:
            self.announce()

    def announce(self) -> None:
        """Say in the log that jobs are reported: once, in the process that all others are forked from."""
        built = self._built
        if built is None or built.dispatcher is None or self._source in built.announced:
            return
        built.announced.add(self._source)
        try:
            built.dispatcher.announce(self._source)
        except Exception as error:
            log_aside(logger, logging.ERROR, "jobreporter could not say in the log that it is on", error=error)

    def _usable(self, user: object) -> _Built:
        built = self._join(self if user is None else user)
        if built.config_error is not None:
            raise ConfigError(built.config_error.faults)
        return built

    def start(self, user: object = None) -> None:
        """The process that runs jobs is there: start the reporters. Raises `ConfigError` if nobody prepared."""
        dispatcher = self._usable(user).dispatcher
        if dispatcher is not None:
            dispatcher.start()

    def get(self) -> Dispatcher | None:
        """The dispatcher for a job that runs now, or ``None`` where there is none to be had. Never raises.

        Where no worker's start was seen, the first job has it built; what is wrong with the config is logged, once.
        """
        if self._built is None:
            built = self._join(self)
            if built.config_error is not None:
                text = "jobreporter can't be set up; jobs run without reports: %s"
                log_aside(logger, logging.ERROR, text, built.config_error)
            return built.dispatcher
        return self._built.dispatcher

    def end(self, users: Collection[object] | None = None, *, forked: bool = False) -> None:
        """Workers end: what was published leaves, for as long as the config's ``exit_timeout`` allows.

        users: those that end, by default this object alone. forked: this process was forked for the worker and ends with
        it, without Python's atexit.
        """
        built = self._built
        if built is None or built.dispatcher is None:
            return
        if forked or (not self._given and _were_last(built, (self,) if users is None else users)):
            built.over = True
            built.dispatcher.close()
        else:
            built.dispatcher.flush(FLUSH_TIMEOUT)

    def _join(self, user: object) -> _Built:
        """Use what is there, or build it. Only one thread does that, and the others wait."""
        built = self._built
        if built is not None and _joined(built, user):
            return built
        with _building:
            place = _place()
            built = _shared.get(place)
            if built is None or not _joined(built, user):
                built = _shared[place] = _build()
                built.users.add(user)
            self._built = built
            return built


def _joined(built: _Built, user: object) -> bool:
    """Add the user, unless it comes too late."""
    with _counting:
        if not built.over:
            built.users.add(user)
        return not built.over


def _were_last(built: _Built, users: Collection[object]) -> bool:
    """Remove the users. Where nobody is left, nobody comes any more."""
    with _counting:
        built.users.difference_update(users)
        if not built.users:
            built.over = True
        return built.over


def _build() -> _Built:
    try:
        return _Built(Dispatcher.from_config())
    except ConfigError as error:
        return _Built(None, error)
    except Exception as error:
        log_aside(logger, logging.ERROR, "jobreporter could not be set up; jobs run without reports", error=error)
        return _Built(None)


def _place() -> _Place:
    """What decides which config is found."""
    try:
        folder = os.getcwd()
    except OSError:  # it was deleted
        folder = None
    return os.environ.get("JOBREPORTER_CONFIG"), folder
