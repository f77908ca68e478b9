"""Hands each event to every enabled reporter: what sources and programs call."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, overload

from jobreporter._lane.flush import Flush
from jobreporter._publish.decorator import Function, name_of, wrap
from jobreporter._publish.execution import Execution
from jobreporter._publish.ingress import Ingress, on_lane
from jobreporter._system.clock import SYSTEM, Clock, waiting_time
from jobreporter._system.fork_and_exit import register
from jobreporter.context import Context, LaneStats
from jobreporter.events import Event

if TYPE_CHECKING:
    from jobreporter._dispatch.runtime import Runtime
    from jobreporter._dispatch.wiring import Wiring

# Seconds between two looks at whether the pump runs, of somebody who waits for it.
LOOK = 1.0


class Dispatcher:
    """Hands each event to every enabled reporter, each supervised by itself.

    Threads start with the first event of a process, forked children included. Use it as a context manager, or `close`
    it; at exit that is done as a last resort.

    - ``reporters``: plugins by name: modules, classes or instances whose functions carry ``@hookimpl``.
    - ``config``: what a config file would say, as nested dicts; its ``[reporters.NAME]`` tables configure the plugins
      given here.
    - ``clock``: what it lives by, the system's unless a test gives a `jobreporter.testing.SteppedClock`.

    Raises `PluginError` for a plugin that would not do what its author meant, and `ConfigError` for a config that is
    wrong.
    """

    #: Publish an event that was made elsewhere: no execution is tracked, nothing is captured or redacted.
    #:
    #: Never blocks, takes no lock, runs no reporter's code and raises nothing of its own: call it from anywhere, signal
    #: handlers and finalizers included. What can't be accepted is counted in `stats`.
    publish: Callable[[Event], None]

    def __init__(
        self,
        reporters: Mapping[str, object] | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> None:
        # What captures, hands out and supervises takes several times as long to import as the names that programs use. A
        # process that only enqueues jobs has no dispatcher, and neither has a plugin that imports its hooks' names.
        from jobreporter._dispatch.wiring import from_objects

        self._set_up(from_objects(reporters or {}, config or {}), clock or SYSTEM)

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """The dispatcher that a config file describes.

        - ``path``: the file. By default it is the one in ``JOBREPORTER_CONFIG``, or the nearest ``jobreporter.toml`` or
          ``[tool.jobreporter]`` upwards from the working directory.

        Imports the enabled plugins and nothing else. A reporter that can't be loaded or started is broken, and is tried
        again later. Raises `ConfigError` with everything that is wrong with the file.
        """
        from jobreporter._dispatch.wiring import from_file

        return cls._with(from_file(path), SYSTEM)

    @classmethod
    def _with(cls, wiring: Wiring, clock: Clock) -> Self:
        dispatcher = cls.__new__(cls)
        dispatcher._set_up(wiring, clock)
        return dispatcher

    def _set_up(self, wiring: Wiring, clock: Clock) -> None:
        from jobreporter._dispatch.capturing import capturing

        self._wiring = wiring
        self._clock = clock
        self._jobs, self._capture_error = capturing(wiring.config.capture)
        self._ingress = Ingress(self._wake, clock)
        self._closed = False
        self._closed_well = True
        self._runtime = self._new_runtime()
        # Without a reporter there is nothing to do for an event, so not even a thread is started.
        self._publish = self._ingress.publish if wiring.factories else _ignore
        self.publish = self._publish
        register(self)

    def _new_runtime(self) -> Runtime:
        from jobreporter._dispatch.runtime import Runtime

        patterns = self._wiring.config.capture.patterns
        return Runtime(self._wiring.factories, self._ingress, self._context, self._clock, patterns)

    def _context(self) -> Context:
        return self._wiring.context(self._jobs.identity, self.stats)

    def _wake(self) -> None:
        """Called by a publisher whose event nobody is about to take."""
        if self._closed:
            self._runtime.ledger.sweep()
        elif self._runtime.pump.running:
            self._ingress.rouse()
        else:
            self._start()

    def _start(self) -> None:
        if self._runtime.pump.outdated:
            self._ingress.wakeup.renew()
            self._runtime = self._new_runtime()
        self._runtime.pump.start()

    def begin(
        self, name: str, *, function: Callable[..., Any] | None = None, strict: bool = True, **job_fields: Any
    ) -> Execution:
        """Publish that a worker starts processing a job.

        - ``name``: what the job is called.
        - ``function``: what it runs; its signature names the positional arguments, so that secrets among them are found.
        - ``strict``: whether a value that is none for its field is raised, here and when the outcome is noted. A source,
          whose data comes from outside, says ``False``: the field is left out.
        - ``job_fields``: the fields of `Job`. ``args`` and ``kwargs`` may hold anything, and are captured as plain data;
          ``argument_names`` names the positional ones where there is no function to ask. Whole numbers and UUIDs will do
          for ids, and datetimes with a time zone for moments.

        Raises TypeError for a field that no job has, and TypeError or ValueError for a value that is none for its field.
        """
        execution = self._execution(name, function, job_fields, strict=strict)
        execution.start()
        return execution

    def resume(
        self, name: str, *, function: Callable[..., Any] | None = None, strict: bool = True, **job_fields: Any
    ) -> Execution:
        """An execution that began elsewhere and is ended here, such as that of a pool child that died. Nothing is published.

        - ``name``, ``function``, ``strict``: as for `begin`.
        - ``job_fields``: likewise; ``execution_id`` should be the one that it began with.

        Raises what `begin` raises.
        """
        return self._execution(name, function, job_fields, strict=strict)

    def _execution(
        self, name: str, function: Callable[..., Any] | None, fields: dict[str, Any], *, strict: bool
    ) -> Execution:
        captured = self._jobs.make(name, function, fields, strict=strict)
        return Execution(captured, self._publish, self._capture_error, self._clock, strict=strict)

    def abort(
        self,
        reason: str,
        name: str,
        *,
        will_retry: bool | None = None,
        function: Callable[..., Any] | None = None,
        strict: bool = True,
        **job_fields: Any,
    ) -> None:
        """Publish that a job was given up before it started: ``Aborted`` and ``Stopped``, without ``Started``.

        - ``reason``: one of ``ABORT_REASONS``, or a word of its own.
        - ``name``, ``function``, ``strict``, ``job_fields``: as for `begin`.
        - ``will_retry``: whether another attempt follows; ``None`` if that can't be known.

        Raises what `begin` raises.
        """
        execution = self.resume(name, function=function, strict=strict, **job_fields)
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

        As a decorator, with or without arguments:

        - ``function``: what is wrapped.
        - ``name``: what its jobs are called; by default the function's module and qualified name.
        - ``job_fields``: further fields of `Job`, as for `begin`.

        A call that raises `Abort` returns ``None``. A call raises what `begin` raises. Raises TypeError for what isn't run
        by a call, such as a generator function.
        """
        if function is None:
            return partial(self.reported, name=name, **job_fields)
        own_name = name_of(function)
        job_name = name or own_name
        return wrap(
            function,
            lambda args, kwargs: self.begin(job_name, function=function, args=args, kwargs=kwargs, **job_fields),
        )

    def announce(self, source: str) -> None:
        """Say in the log that jobs are reported: for a source, once, when its worker starts.

        That is one line at INFO, with the version, the config, the reporters and what is switched off. A reporter that
        can't start here, because a secret isn't set, say, is told at ERROR. source: as in `Job`.
        """
        from jobreporter._dispatch.announcement import announce

        announce(self._wiring, source)

    def start(self) -> None:
        """Start the reporters now rather than with the first event."""
        if self._runtime.lanes and not self._closed:
            self._start()

    def flush(self, timeout: float) -> bool:
        """Wait until what was published before is handled and every reporter has flushed.

        - ``timeout``: seconds that this may take. Infinity is as long as it takes; less than nothing, and NaN, is no time
          at all.

        Returns whether that was done; if not, what remains is logged. A reporter that is broken or backs off is not
        waited for: the answer is ``False`` once the others have flushed. A process that has published nothing starts
        nothing. Called by a reporter on its own lane, it would wait for itself, so it returns ``False`` at once. Raises
        TypeError for what is no number.
        """
        timeout = waiting_time(timeout)
        if on_lane():
            return False
        pump, waits = self._runtime.pump, self._ingress.waiting
        if self._closed or not (pump.started or pump.has_run or waits):
            return not waits
        flush = Flush((lane.name for lane in self._runtime.lanes), self._clock, timeout)
        self._runtime.flushes.add(flush)
        try:
            self._runtime.pump.flush(flush)
            self._wait(flush.wait, flush.deadline)
        finally:
            self._runtime.flushes.discard(flush)
        if flush.waiting:
            trouble = self._runtime.pump.trouble
            problem = f"not flushed within {timeout:g} s" if trouble is None else f"not flushed, since {trouble}"
            self._runtime.log.not_flushed(problem, self.stats(), flush.deadline)
        elif flush.failed and (down := [lane.name for lane in self._runtime.lanes if lane.out_of_order]):
            # Where none is, one has raised just now, and its lane tells of that.
            problem = f"not flushed by {', '.join(map(repr, down))}, out of order"
            self._runtime.log.not_flushed(problem, self.stats(), flush.deadline)
        return not flush.waiting and not flush.failed

    def _wait(self, wait: Callable[[float], bool], deadline: float) -> bool:
        """Wait, and keep the pump running meanwhile: whoever waits for it is the last to notice that it is gone."""
        while True:
            if not self._runtime.pump.running:
                self._start()
            left = 0.0 if self._runtime.pump.barred else deadline - self._clock.monotonic()
            if wait(max(0.0, min(left, LOOK))):
                return True
            if left <= LOOK:
                return False

    def close(self, timeout: float | None = None) -> bool:
        """Hand out what was published, flush and stop every reporter.

        - ``timeout``: seconds that this may take, as for `flush`; by default the config's ``exit_timeout``.

        Returns whether nothing was left; if something was, or was lost before, that is logged. What is published later is
        dropped and counted. Closing again does nothing. Raises TypeError for what is no number.
        """
        timeout = waiting_time(self._wiring.config.dispatcher.exit_timeout if timeout is None else timeout)
        if on_lane():
            return False
        if self._closed:
            return self._closed_well
        deadline = self._clock.monotonic() + timeout
        pump = self._runtime.pump
        in_time = True
        if pump.started or pump.has_run or self._ingress.waiting:
            pump.close(deadline)
            in_time = self._wait(pump.ended.wait, deadline)
        self._closed = True
        self._runtime.end()
        self._closed_well = in_time and not any(lane.lost_at_end for lane in self._runtime.lanes)
        self._runtime.log.closed(self.stats(), deadline)
        pump.dismiss()
        return self._closed_well

    def stats(self) -> dict[str, LaneStats]:
        """The ledger of every reporter in this process, by name."""
        return {lane.name: self._runtime.ledger.stats(lane) for lane in self._runtime.lanes}

    def forking(self) -> None:
        """Called before a fork."""
        self._runtime.pump.forking()

    def at_rest(self) -> bool:
        """Asked before a fork: whether no reporter runs that might hold a lock."""
        return self._runtime.pump.at_rest()

    def forked(self) -> object:
        """Called in a forked child, which owns none of the parent's events and threads."""
        inherited = self._runtime
        inherited.forked()
        self._ingress.forked()
        self._jobs.forked()
        self._runtime = self._new_runtime()
        if self._closed:
            self._runtime.end()
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


def _ignore(_item: object) -> None:
    """Publish to nobody."""
