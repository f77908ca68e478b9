"""Reporters that derive from `Reporter`. A line that type checkers refuse says so: `# refused`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

from jobreporter import (
    Aborted,
    Context,
    Dispatcher,
    ErrorInfo,
    Event,
    Failure,
    Job,
    Options,
    Origin,
    Reporter,
    Started,
    Stopped,
    Success,
    hookimpl,
)


class PagerOptions(Options):
    url: str
    severity: str = "error"


# All hooks, as they are specified.


class Pager(Reporter[PagerOptions]):
    @hookimpl
    def reporter_start(self, options: PagerOptions, context: Context) -> None:
        assert_type(context.service, str | None)
        self.severity = options.severity

    @hookimpl
    def handle_started(self, job: Job, meta: Started, origin: Origin) -> None: ...
    @hookimpl
    def handle_success(self, job: Job, meta: Success, origin: Origin) -> None: ...
    @hookimpl
    def handle_aborted(self, job: Job, meta: Aborted, origin: Origin) -> None: ...
    @hookimpl
    def handle_failure(self, job: Job, error: ErrorInfo, meta: Failure, origin: Origin) -> None: ...
    @hookimpl
    def handle_stopped(self, job: Job, meta: Stopped, origin: Origin) -> None: ...
    @hookimpl
    def reporter_flush(self) -> None: ...
    @hookimpl
    def reporter_tick(self) -> None: ...
    @hookimpl
    def reporter_stop(self) -> None: ...


# Some of them, async ones, and wider types than a hook is given.


class Beacon(Reporter[Options]):
    @hookimpl
    async def handle_failure(self, job: object, error: ErrorInfo, meta: Event, origin: Origin) -> None: ...
    @hookimpl
    async def reporter_flush(self) -> None: ...


# A class that derives from nothing names what it wants, in any order; so does a function.


class Plain:
    @hookimpl
    def handle_failure(self, meta: Failure, job: Job) -> None: ...


@hookimpl
def handle_stopped(state: Sequence[str], meta: Stopped) -> None: ...


Dispatcher({"pager": Pager, "beacon": Beacon(), "plain": Plain}, config={"reporters": {"pager": {"url": "x"}}})


# What is wrong is refused where it stands.


class WrongTypes(Reporter[PagerOptions]):
    @hookimpl
    def reporter_start(self, options: str, context: Context) -> None: ...  # refused
    @hookimpl
    def handle_started(self, job: str, meta: Started, origin: Origin) -> None: ...  # refused
    @hookimpl
    def handle_success(self, job: Job, meta: Failure, origin: Origin) -> None: ...  # refused
    @hookimpl
    def handle_aborted(self, job: Job, meta: Aborted, origin: Context) -> None: ...  # refused
    @hookimpl
    def handle_failure(self, job: Job, error: Exception, meta: Failure, origin: Origin) -> None: ...  # refused
    @hookimpl
    async def handle_stopped(self, job: Job, meta: Success, origin: Origin) -> None: ...  # refused


class OtherOptions(Reporter[Options]):
    @hookimpl
    def reporter_start(self, options: PagerOptions, context: Context) -> None: ...  # refused


class NoOptions(Reporter[str]):  # refused
    pass


class WrongArguments(Reporter[PagerOptions]):
    @hookimpl
    def reporter_start(self, context: Context, options: PagerOptions) -> None: ...  # refused
    @hookimpl
    def handle_started(self, job: Job) -> None: ...  # refused
    @hookimpl
    def handle_failure(self, job: Job, err: ErrorInfo, meta: Failure, origin: Origin) -> None: ...  # refused by pyright
    @hookimpl
    def reporter_flush(self, state: list[str]) -> None: ...  # refused


class WrongResults(Reporter[PagerOptions]):
    @hookimpl
    def handle_stopped(self, job: Job, meta: Stopped, origin: Origin) -> list[str]: ...  # refused
    @hookimpl
    def reporter_flush(self) -> bool: ...  # refused
