"""What a whole job pays on its worker's side, and a failure's capture: ``python benchmarks/job.py``."""

from __future__ import annotations

import queue
import time
import traceback
from collections.abc import Callable

from _ours import PATIENCE, Counting
from _peers import queue_handler
from _program import Report, run
from _rounds import Measurement, compare, settle_heap
from _row import Row, result
from _subject import PAUSE, now

from jobreporter import Dispatcher

# Jobs of one measurement. They take less than a turn of the interpreter's lock, so the reporter works afterwards.
JOBS = 300


def main(report: Report) -> None:
    settle_heap()
    reporter = Counting()
    with Dispatcher({"counting": reporter}) as reports:
        reports.start()
        lines = three_lines()
        whole = Row(number="8", what="a whole job, 3 arguments", peer=LINES, goal=8_000, judged="ours")
        report.add(result(whole, compare(whole_jobs(reports, nightly), lines, 51)))
        secret = Row(what="a whole job, 1 of its 3 arguments is secret", peer=LINES)
        report.add(result(secret, compare(whole_jobs(reports, send), lines, 31)))
        assert reports.flush(PATIENCE)
        assert reporter.seen == 3 * JOBS * (51 + 31 + 4)
        row = Row(number="9", what="capturing a failure, 20 frames", peer="traceback.format_exception", goal=1 / 100)
        error = raised(20)
        execution = reports.begin("reports.nightly", args=(2026, "a report, in three parts", 2.5))
        capture = many(200, lambda: execution.fail(error))
        report.add(result(row, compare(capture, many(5, lambda: traceback.format_exception(error)), 51)))


LINES = "3 x QueueHandler.emit (Queue)"


def nightly(year: int, title: str, amount: float) -> None:
    """A job whose arguments are harmless."""


def send(year: int, title: str, token: str) -> None:
    """A job with a secret among its arguments."""


def whole_jobs(reports: Dispatcher, function: Callable[..., None]) -> Measurement:
    """Jobs as a source reports them: the function gives the arguments their names, and they are redacted."""
    arguments = (
        (2026, "a report, in three parts", "hunter22") if function is send else (2026, "a report, in three parts", 2.5)
    )

    def measure() -> float:
        start = now()
        for _ in range(JOBS):
            execution = reports.begin("reports.nightly", function=function, queue="cron", args=arguments)
            execution.succeed()
            execution.stop()
        end = now()
        reports.flush(PATIENCE)
        time.sleep(PAUSE)
        return (end - start) / JOBS

    return measure


def three_lines() -> Measurement:
    """A yardstick: three records a job through the standard library's way to have them written elsewhere."""
    queued = queue_handler(3 * JOBS // 10, queue.Queue(-1))

    def measure() -> float:
        start = now()
        for record in queued.items:
            queued.send(record)
        end = now()
        queued.sent += len(queued.items)
        queued.settle()
        time.sleep(PAUSE)
        return 3 * (end - start) / len(queued.items)

    return measure


def many(count: int, act: Callable[[], object]) -> Measurement:
    """What one of so many calls takes."""

    def measure() -> float:
        start = now()
        for _ in range(count):
            act()
        return (now() - start) / count

    return measure


def raised(frames: int) -> Exception:
    """An exception that went through so many calls. They alternate: the same line again and again is formatted once."""
    try:
        even(frames - 1)
    except ValueError as error:
        return error
    raise AssertionError


def even(depth: int) -> None:
    if depth <= 1:
        raise ValueError("the report has no third part")
    odd(depth - 1)


def odd(depth: int) -> None:
    if depth <= 1:
        raise ValueError("the report has no third part")
    even(depth - 1)


if __name__ == "__main__":
    run(main)
