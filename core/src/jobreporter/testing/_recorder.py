"""A reporter that keeps every call in a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jobreporter import (
    ARGUMENTS,
    Aborted,
    Context,
    ErrorInfo,
    Event,
    Failure,
    Frame,
    Job,
    Options,
    Origin,
    Started,
    Stopped,
    Success,
    hookimpl,
)
from jobreporter.testing._calls import Call


class Crash(Exception):  # noqa: N818 - it says what happens, and is nobody's error
    """What a `Recorder` raises where it was told to crash."""


class Recorder:
    """A reporter that implements every hook but ``reporter_tick``, and records each call, for tests that run in one process::

        recorder = Recorder()
        with Dispatcher(reporters={"recorder": recorder}) as dispatcher:
            with dispatcher.begin("reports.nightly"):
                pass
        assert recorder.names() == [
            "reporter_start", "handle_started", "handle_success", "handle_stopped", "reporter_flush", "reporter_stop"
        ]

    Its state is the number of events since its start: ``reporter_start`` returns 0 and every handler one more than it
    got, so that the recorded states show whether the state is passed on, and where a crash began a new one.

    crash_on: hooks that raise `Crash` after they were recorded. It is a set that a test may change at any time.
    effect: called with each `Call` once it is recorded, on the reporter's thread. It may raise, block or signal.

    No lock is involved: calls may come from several threads, and a fork may happen in between.
    """

    def __init__(self, *, crash_on: Iterable[str] = (), effect: Callable[[Call], object] | None = None) -> None:
        #: What was called, in order.
        self.calls: list[Call] = []
        self.crash_on = set(crash_on)
        self.effect = effect
        if unknown := self.crash_on - ARGUMENTS.keys():
            raise ValueError(f"crash_on names {min(unknown)!r}, but the hooks are {', '.join(ARGUMENTS)}")

    @property
    def events(self) -> list[Event]:
        """The events that reached it, in order."""
        return [call.meta for call in self.calls if call.meta is not None]

    def names(self) -> list[str]:
        """The hooks that were called, in order."""
        return [call.hook for call in self.calls]

    def of(self, hook: str) -> list[Call]:
        """The calls of one hook, in order."""
        return [call for call in self.calls if call.hook == hook]

    def _record(self, call: Call) -> None:
        self.calls.append(call)
        if self.effect is not None:
            self.effect(call)
        if call.hook in self.crash_on:
            raise Crash(f"{call.hook} was told to crash")

    @hookimpl
    def reporter_start(self, options: Options, context: Context) -> int:
        self._record(Call(hook="reporter_start", options=options, context=context))
        return 0

    @hookimpl
    def handle_started(self, job: Job, meta: Started, origin: Origin, state: int) -> int:
        self._record(Call(hook="handle_started", job=job, meta=meta, origin=origin, state=state))
        return state + 1

    @hookimpl
    def handle_success(self, job: Job, meta: Success, origin: Origin, state: int) -> int:
        self._record(Call(hook="handle_success", job=job, meta=meta, origin=origin, state=state))
        return state + 1

    @hookimpl
    def handle_aborted(self, job: Job, meta: Aborted, origin: Origin, state: int) -> int:
        self._record(Call(hook="handle_aborted", job=job, meta=meta, origin=origin, state=state))
        return state + 1

    @hookimpl
    def handle_failure(  # noqa: PLR0917 - jobreporter hands them over by position
        self, job: Job, error: ErrorInfo, stacktrace: tuple[Frame, ...], meta: Failure, origin: Origin, state: int
    ) -> int:
        about: dict[str, Any] = {"job": job, "error": error, "stacktrace": stacktrace, "meta": meta, "origin": origin}
        call = Call(hook="handle_failure", **about, state=state)
        self._record(call)
        return state + 1

    @hookimpl
    def handle_stopped(self, job: Job, meta: Stopped, origin: Origin, state: int) -> int:
        self._record(Call(hook="handle_stopped", job=job, meta=meta, origin=origin, state=state))
        return state + 1

    @hookimpl
    def reporter_flush(self, state: int) -> None:
        self._record(Call(hook="reporter_flush", state=state))

    @hookimpl
    def reporter_stop(self, state: int) -> None:
        self._record(Call(hook="reporter_stop", state=state))
