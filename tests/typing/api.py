"""The public API as users type it. Type checkers read this file; nothing runs it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, assert_type

from jobreporter import (
    Abort,
    Aborted,
    BrokenReporter,
    ConfigError,
    Context,
    Dispatcher,
    Duration,
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
    Size,
    Started,
    Stopped,
    Success,
    format_duration,
    format_size,
    hookimpl,
    parse_duration,
    parse_size,
    reporter_options,
)
from jobreporter.sourcekit import (
    STAMP_KEY,
    FailureKind,
    LazyDispatcher,
    count_of,
    fields_of_stamp,
    harmless,
    harmless_but_for,
    moment_of,
    new_delivery,
    stamped,
)
from jobreporter.testing import SourceConformance, WorkerBench, outcomes_table, reasons_table

# Options with units: numbers to a type checker, and text to a config.


class ArchiveOptions(Options):
    timeout: Duration = 10.0
    keep: Duration = parse_duration("7d")
    grace: Duration | None = None
    max_bytes: Size = 1000
    chunk: Size = parse_size("64KiB")


assert_type(ArchiveOptions().timeout, float)
assert_type(ArchiveOptions(grace=1).grace, float | None)
assert_type(ArchiveOptions(max_bytes=5).max_bytes, int)
assert_type(format_duration(90.0), str)
assert_type(reporter_options("archive", ArchiveOptions), ArchiveOptions)
assert_type(format_size(1024), str)

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


# A source of somebody else's.


class Source:
    def __init__(self, dispatcher: Dispatcher | None = None) -> None:
        self.dispatcher = LazyDispatcher(dispatcher, source="lite")

    @harmless
    def begins(self, message: dict[str, object]) -> None:
        if dispatcher := self.dispatcher.get():
            dispatcher.begin("reports.nightly", strict=False, **fields_of_stamp(message.get(STAMP_KEY))).enter()

    @harmless_but_for(TimeoutError)
    def sends(self, message: dict[str, object], *, delay: float | None = None) -> None:
        message[STAMP_KEY] = stamped(message.get(STAMP_KEY))

    def ends(self, execution: Execution, kind: FailureKind) -> None:
        execution.fail(TimeoutError(new_delivery()), kind=kind)


def source(message: dict[str, object]) -> None:
    Source().begins(message)
    Source().sends(message, delay=moment_of(message.get("delay")))
    assert_type(count_of(message.get("retries")), int | None)


class LiteBench(WorkerBench):
    def command(self, *, workers: int, max_jobs: int | None) -> list[str]:
        return ["lite-worker", self.app, f"--threads={workers}"]


class TestLite(SourceConformance):
    queue = "Lite"
    not_observable = {"revoked": "Lite can't revoke jobs"}  # noqa: RUF012 - as an author writes it

    def open(self, config: str) -> LiteBench:
        return LiteBench(Path("folder"), "lite_app", config)


def tables() -> str:
    return outcomes_table(TestLite) + reasons_table(TestLite)
