"""The hooks as methods, for authors who want their type checker to know what each is given.

`hookimpl` can't tell a type checker which hook a function is for: plain functions and classes name whichever arguments
they want, in any order, and no checker can express that. So a class may derive from `Reporter`, whose methods have one
signature each, and then mypy and pyright hold the class's own methods to those.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Generic, TypeVar

from jobreporter.context import Context, Origin
from jobreporter.error_info import ErrorInfo
from jobreporter.events import Aborted, Failure, Job, Started, Stopped, Success
from jobreporter.hookspecs import hookspec
from jobreporter.options import Options

OptionsT = TypeVar("OptionsT", bound=Options)


class Reporter(Generic[OptionsT]):
    """The base of a reporter whose hooks are checked by mypy and pyright::

        class Pager(Reporter[PagerOptions]):
            @hookimpl
            def handle_failure(self, job: Job, error: ErrorInfo, meta: Failure, origin: Origin) -> None: ...

    Nothing here runs: what a class doesn't implement with `hookimpl` is no hook of it. A method names all of its
    arguments, in this order, and may be ``async def``. There is no ``state``, since an object of the class is made for
    each start and keeps its own; ``stacktrace`` is ``error.frames``. When each fires, `jobreporter.hookspecs` says.

    These signatures stay as they are within a major version. What a hook offers beyond them, a class gets that derives
    from nothing.
    """

    @hookspec
    def reporter_start(self, options: OptionsT, context: Context) -> Awaitable[None] | None:
        """Before the first event in a process, and after every crash, on an object that is new."""

    @hookspec
    def handle_started(self, job: Job, meta: Started, origin: Origin) -> Awaitable[None] | None:
        """A worker begins with a job."""

    @hookspec
    def handle_success(self, job: Job, meta: Success, origin: Origin) -> Awaitable[None] | None:
        """The job completed, and nothing failed."""

    @hookspec
    def handle_aborted(self, job: Job, meta: Aborted, origin: Origin) -> Awaitable[None] | None:
        """The job was given up on purpose."""

    @hookspec
    def handle_failure(self, job: Job, error: ErrorInfo, meta: Failure, origin: Origin) -> Awaitable[None] | None:
        """An attempt ended in an error."""

    @hookspec
    def handle_stopped(self, job: Job, meta: Stopped, origin: Origin) -> Awaitable[None] | None:
        """An execution is over, after its outcome."""

    @hookspec
    def reporter_flush(self) -> Awaitable[None] | None:
        """What was kept should leave now."""

    @hookspec
    def reporter_tick(self) -> Awaitable[None] | None:
        """Time has passed."""

    @hookspec
    def reporter_stop(self) -> Awaitable[None] | None:
        """The end of this object."""
