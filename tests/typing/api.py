"""The public API as users type it. Type checkers read this file; nothing runs it."""

from __future__ import annotations

import asyncio
from typing import Any, assert_type

from jobreporter import (
    Abort,
    Aborted,
    BrokenReporter,
    ConfigError,
    Context,
    Dispatcher,
    ErrorInfo,
    Event,
    Execution,
    Failure,
    Frame,
    Job,
    LaneStats,
    Options,
    PluginError,
    Secret,
    Started,
    Stopped,
    Success,
    hookimpl,
)

# A plugin as a class.


class PagerOptions(Options):
    token: Secret
    severity: str = "error"


class Pager:
    @hookimpl
    def reporter_start(self, options: PagerOptions, context: Context) -> list[str]:
        assert_type(options.token.reveal(), str)
        assert_type(context.service, str | None)
        if not options.severity:
            raise BrokenReporter("severity is empty")
        return [options.severity]

    @hookimpl
    def handle_started(self, job: Job, meta: Started, state: list[str]) -> None:
        state.append(f"{job.name} at {meta.at:.0f}")

    @hookimpl
    async def handle_success(self, meta: Success) -> None:
        await asyncio.sleep(meta.duration or 0.0)

    @hookimpl
    def handle_aborted(self, meta: Aborted) -> None:
        assert_type(meta.reason, str)
        assert_type(meta.will_retry, bool | None)

    @hookimpl
    def handle_failure(self, stacktrace: tuple[Frame, ...], error: ErrorInfo, job: Job, meta: Failure) -> None:
        assert_type(error.matches(TimeoutError, "shop.errors.Expected"), bool)
        assert_type(error.to_exception(), BaseException)
        assert_type(error.cause, ErrorInfo | None)
        assert_type(meta.final, bool)
        assert_type(job.kwargs, dict[str, Any])
        assert_type([frame.lineno for frame in stacktrace], list[int])

    @hookimpl
    def handle_stopped(self, meta: Stopped, state: list[str]) -> list[str]:
        return [*state, meta.outcome]

    @hookimpl
    def reporter_flush(self, state: list[str]) -> None:
        state.clear()

    @hookimpl
    def reporter_stop(self) -> None: ...


assert_type(PagerOptions(token=Secret("x")).severity, str)


# A program that reports its own work.


def program() -> None:
    try:
        found = Dispatcher.from_config()
    except ConfigError as error:
        raise SystemExit(error.faults[0].problem) from error
    found.close()

    with Dispatcher({"pager": Pager}, config={"reporters": {"pager": {"token": "x"}}}) as dispatcher:
        with dispatcher.begin("reports.nightly", queue="cron", args=(2026,)) as execution:
            assert_type(execution, Execution)
            assert_type(execution.job, Job)
            execution.tag(customer="acme")
            raise Abort("skipped", will_retry=False)
        dispatcher.abort("expired", "reports.nightly", id="7")
        dispatcher.resume("reports.nightly", id="7", execution_id="7-1").fail(ValueError("lost"), kind="worker_lost")
        assert_type(dispatcher.flush(1.0), bool)
        assert_type(dispatcher.stats(), dict[str, LaneStats])

    assert_type(dispatcher.close(), bool)
    if current := Execution.current():
        current.succeed()


def publish(dispatcher: Dispatcher, job: Job, error: ErrorInfo) -> None:
    event: Event = Failure(job=job, at=0.0, error=error)
    dispatcher.publish(event)


def refused() -> str | None:
    try:
        Dispatcher({"pager": object()})
    except PluginError as error:
        return error.hook
    return None


# Decorated functions keep their types.


def wrap(dispatcher: Dispatcher) -> None:
    @dispatcher.reported
    def plain(number: int) -> str:
        return str(number)

    @dispatcher.reported(queue="cron")
    async def waiting(number: int) -> str:
        return str(number)

    assert_type(plain(1), str)
    assert_type(asyncio.run(waiting(1)), str)
