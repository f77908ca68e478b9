"""Hands each event to every enabled reporter: what sources and programs call."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, overload

from jobreporter import _process
from jobreporter._capture.arguments import ArgumentCapture
from jobreporter._capture.errors import capture_error
from jobreporter._capture.raw_error import RawError
from jobreporter._capture.redaction import Redaction
from jobreporter._clock import SYSTEM, Clock
from jobreporter._execution import CaptureError, Execution
from jobreporter._flush import Flush
from jobreporter._ingress import Ingress, on_lane
from jobreporter._jobs import JobMaker
from jobreporter._lane import Lane
from jobreporter._ledger import Ledger
from jobreporter._pump import Pump
from jobreporter._reported import Function, wrap
from jobreporter._version import __version__
from jobreporter._voice import Topic
from jobreporter.context import Context, LaneStats
from jobreporter.events import Event

if TYPE_CHECKING:
    from jobreporter._setup import Setup

logger = logging.getLogger("jobreporter")


class Dispatcher:
    """Hands each event to every enabled reporter, each supervised by itself.

    Threads start with the first event of a process, forked children included. Use it as a context manager, or `close`
    it; at exit that is done as a last resort.

    reporters: plugins by name: modules, classes or instances whose functions carry ``@hookimpl``. config: what a config
    file would say, as nested dicts; its ``[reporters.NAME]`` tables configure the plugins given here. Raises
    `PluginError` for a plugin that would not do what its author meant, and `ConfigError` for a config that is wrong.
    """

    #: Publish an event that was made elsewhere: no execution is tracked, nothing is captured or redacted.
    #:
    #: Never blocks, takes no lock, runs no reporter's code and raises nothing of its own: call it from anywhere, signal
    #: handlers and finalizers included. What can't be accepted is counted in `stats`.
    publish: Callable[[Event], None]

    def __init__(
        self, reporters: Mapping[str, object] | None = None, *, config: Mapping[str, Any] | None = None
    ) -> None:
        # What reads configs and loads plugins takes as long to import as all the rest. A process that only enqueues jobs
        # has no dispatcher, and neither has a plugin that imports its hooks' names.
        from jobreporter._setup import from_objects

        self._set_up(from_objects(reporters or {}, config or {}), SYSTEM)

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """The dispatcher that a config file describes: the one at ``path``, or else the one that is found.

        That is the path in ``JOBREPORTER_CONFIG``, or the nearest ``jobreporter.toml`` or ``[tool.jobreporter]`` upwards
        from the working directory. Imports the enabled plugins and nothing else. Raises `ConfigError` with everything
        that is wrong with the file. A reporter that can't be loaded or started is broken, and is tried again later.
        """
        from jobreporter._setup import from_file

        return cls._with(from_file(path), SYSTEM)

    @classmethod
    def _with(cls, setup: Setup, clock: Clock) -> Self:
        dispatcher = cls.__new__(cls)
        dispatcher._set_up(setup, clock)
        return dispatcher

    def _set_up(self, setup: Setup, clock: Clock) -> None:
        self._setup = setup
        self._clock = clock
        capture = setup.config.capture
        capture_arguments = ArgumentCapture(capture)
        self._jobs = JobMaker(capture_arguments)
        self._capture_error = _error_capture(capture_arguments.redaction, with_locals=capture.locals)
        self._ingress = Ingress(self._wake, clock)
        self._closed = False
        self._move_in()
        # Without a reporter there is nothing to do for an event, so not even a thread is started.
        self._publish = self._ingress.publish if setup.recipes else _ignore
        self.publish = self._publish
        _process.register(self)

    def _move_in(self) -> None:
        """Make what belongs to this process. No thread is started."""
        self._waiting: set[Flush] = set()
        self._lanes = [Lane(recipe, self._context, self._clock) for recipe in self._setup.recipes]
        self._pump = Pump(self._ingress, self._lanes, self._clock)
        self._ledger = Ledger(self._ingress, self._pump)
        self._late_flushes = Topic(self._clock)

    def _context(self) -> Context:
        identity, config = self._jobs.identity, self._setup.config
        return Context(
            service=config.service,
            environment=config.environment,
            release=config.release,
            host=identity.host,
            pid=identity.pid,
            version=__version__,
            stats=self.stats,
        )

    def _wake(self) -> None:
        """Called by a publisher whose event nobody is about to take."""
        if self._closed:
            self._ledger.sweep()
        elif self._pump.running:
            self._ingress.rouse()
        else:
            self._start()

    def _start(self) -> None:
        if self._pump.outdated:
            self._ingress.bell.renew()
            self._move_in()
        self._pump.start()

    def begin(self, name: str, *, function: Callable[..., Any] | None = None, **job_fields: Any) -> Execution:
        """Publish that a worker starts processing a job.

        name: what the job is called. function: what it runs; its signature names the positional arguments, so that
        secrets among them are found. job_fields: the fields of `Job`; ``args`` and ``kwargs`` may hold anything, and are
        captured as plain data; ``argument_names`` names the positional ones where there is no function to ask. Raises
        TypeError for a field that no job has.
        """
        execution = self._execution(name, function, job_fields)
        execution.start()
        return execution

    def resume(self, name: str, *, function: Callable[..., Any] | None = None, **job_fields: Any) -> Execution:
        """An execution that began elsewhere and is ended here, such as that of a pool child that died.

        Takes what `begin` takes; ``execution_id`` should be the one that it began with.
        """
        return self._execution(name, function, job_fields)

    def _execution(self, name: str, function: Callable[..., Any] | None, fields: dict[str, Any]) -> Execution:
        captured = self._jobs.make(name, function, fields)
        return Execution(captured, self._publish, self._capture_error, self._clock)

    def abort(
        self,
        reason: str,
        name: str,
        *,
        will_retry: bool | None = None,
        function: Callable[..., Any] | None = None,
        **job_fields: Any,
    ) -> None:
        """Publish that a job was given up before it started: ``Aborted`` and ``Stopped``, without ``Started``."""
        execution = self.resume(name, function=function, **job_fields)
        execution.abort(reason, will_retry=will_retry)
        execution.stop()

    @overload
    def reported(self, function: Function) -> Function: ...
    @overload
    def reported(self, *, name: str | None = None, **job_fields: Any) -> Callable[[Function], Function]: ...
    def reported(
        self, function: Callable[..., Any] | None = None, *, name: str | None = None, **job_fields: Any
    ) -> Any:
        """Wrap a function, sync or async, so that each call of it is an execution, with its arguments captured.

        As a decorator with or without arguments. name: by default the module and qualified name of the function. A call
        that raises `Abort` returns ``None``.
        """
        if function is None:
            return partial(self.reported, name=name, **job_fields)
        job_name = name or f"{function.__module__}.{function.__qualname__}"
        return wrap(
            function,
            lambda args, kwargs: self.begin(job_name, function=function, args=args, kwargs=kwargs, **job_fields),
        )

    def start(self) -> None:
        """Start the reporters now rather than with the first event."""
        if self._lanes and not self._closed:
            self._start()

    def flush(self, timeout: float) -> bool:
        """Wait until what was published before is handled and every reporter has flushed, ``timeout`` seconds at most.

        Returns whether that was done; if not, what remains is logged. A reporter that is broken or backs off is not
        waited for: the answer is ``False`` once the others have flushed. A process that has published nothing starts
        nothing. Called by a reporter on its own lane, it would wait for itself, so it returns ``False`` at once.
        """
        if on_lane():
            return False
        if self._closed or not self._pump.started:
            return not self._ingress.waiting
        flush = Flush((lane.name for lane in self._lanes), self._clock)
        self._waiting.add(flush)
        try:
            self._pump.flush(flush)
            done = flush.wait(timeout)
        finally:
            self._waiting.discard(flush)
        if flush.waiting:
            self._tell_what_remains(f"not flushed within {timeout:g} s")
        elif not done and (down := [lane.name for lane in self._lanes if lane.out_of_order]):
            # Where none is, one has raised just now, and its lane tells of that.
            self._tell_what_remains(f"not flushed by {', '.join(map(repr, down))}, out of order")
        return done

    def close(self, timeout: float | None = None) -> bool:
        """Hand out what was published, flush and stop every reporter, within ``timeout`` seconds.

        By default that is the config's ``exit_timeout``. Returns whether nothing was left; if something was, or was lost
        before, that is logged. What is published later is dropped and counted. Closing again does nothing.
        """
        if on_lane():
            return False
        if self._closed:
            return self._left_nothing
        if self._pump.started:
            self._pump.close()
            in_time = self._pump.ended.wait(self._setup.config.exit_timeout if timeout is None else timeout)
        else:
            in_time = not self._ingress.waiting
        self._pump.quit()  # also one that is only about to run
        self._closed = True
        for lane in self._lanes:
            lane.end()
        self._ledger.sweep()
        self._tell_what_was_lost()
        return in_time and self._left_nothing

    @property
    def _left_nothing(self) -> bool:
        """Whether closing has cost no reporter an event."""
        return not any(lane.lost_at_end for lane in self._lanes)

    def stats(self) -> dict[str, LaneStats]:
        """The ledger of every reporter in this process, by name."""
        return {lane.name: self._ledger.stats(lane) for lane in self._lanes}

    def _tell_what_remains(self, problem: str) -> None:
        more = self._late_flushes.due()  # a source may flush after each job
        if more is None:
            return
        remains = {name: stats.pending for name, stats in self.stats().items() if stats.pending}
        which = ", ".join(f"{count} events for reporter {name!r}" for name, count in remains.items())
        logger.warning("%s: %s remain%s", problem, which or "no events", more)

    def _tell_what_was_lost(self) -> None:
        for name, stats in self.stats().items():
            if stats.lost:
                reasons = {"failed": stats.failed, **stats.dropped}
                parts = ", ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
                logger.warning("reporter %r lost %d of %d events: %s", name, stats.lost, stats.accepted, parts)
            if stats.failed_flushes:
                logger.warning(
                    "reporter %r raised in %d flushes: what it kept for them counts as handled, and may be lost",
                    name,
                    stats.failed_flushes,
                )

    def forked(self) -> object:
        """Called in a forked child, which owns none of the parent's events and threads."""
        inherited = (self._pump, self._lanes)
        self._pump.disown()
        for lane in self._lanes:
            lane.hand.given_up = True
        for flush in self._waiting:
            flush.cancel()
        self._ingress.forget()
        self._jobs.forked()
        self._move_in()
        if self._closed:
            for lane in self._lanes:
                lane.end()
        return inherited

    def exiting(self) -> None:
        """Called at exit: the last resort."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()


def _error_capture(redaction: Redaction, *, with_locals: bool) -> CaptureError:
    def capture(error: BaseException, secrets: tuple[str, ...]) -> RawError:
        return capture_error(error, redaction, secrets, with_locals)

    return capture


def _ignore(_item: object) -> None:
    """Publish to nobody."""
