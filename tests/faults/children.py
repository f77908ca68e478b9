"""A program whose children run a job each, and do nothing after it that would have its events delivered.

``python -m tests.faults.children RUN METHOD PATH``: one of the functions below that take a context, a start method, and the
file for the calls of reporters.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext

from jobreporter import Dispatcher
from jobreporter.testing import FileRecorder

#: A pool's children find what they inherit by its name alone. One that inherits nothing makes its own.
dispatcher: Dispatcher | None = None


def reporting(path: str) -> Dispatcher:
    """A dispatcher that records calls in a file."""
    return Dispatcher({"recorder": FileRecorder}, config={"reporters": {"recorder": {"path": path}}})


def run_job(path: str, number: int) -> int:
    """Run a job. Returns the process that did."""
    global dispatcher  # noqa: PLW0603 - see there
    if dispatcher is None:
        dispatcher = reporting(path)
    with dispatcher.begin("job", id=str(number)):
        return os.getpid()


def leave(path: str, number: int) -> None:
    """Run a job, and leave in the way of a program that has enough."""
    run_job(path, number)
    raise SystemExit(3)


def run_jobs_below(path: str, number: int) -> None:
    """Run a job, and another in a child of one's own."""
    run_job(path, number)
    child = multiprocessing.get_context().Process(target=run_job, args=(path, number + 1))
    child.start()
    child.join()


def processes(context: BaseContext, path: str) -> None:
    """Four jobs, each in a process of its own."""
    run = [run_job, leave]
    children = [context.Process(target=run[number % 2], args=(path, number)) for number in range(4)]  # type: ignore[attr-defined]
    for child in children:
        child.start()
    for child in children:
        child.join()


def pool(context: BaseContext, path: str) -> None:
    """Four jobs in a pool whose children are replaced after each."""
    with context.Pool(2, maxtasksperchild=1) as workers:
        workers.starmap(run_job, [(path, number) for number in range(4)], chunksize=1)
        workers.close()
        workers.join()


def executor(context: BaseContext, path: str) -> None:
    """Four jobs in an executor."""
    with ProcessPoolExecutor(2, mp_context=context) as workers:
        list(workers.map(run_job, [path] * 4, range(4)))


def generations(context: BaseContext, path: str) -> None:
    """Four jobs, two in children and two in children of these."""
    children = [context.Process(target=run_jobs_below, args=(path, number)) for number in (0, 2)]  # type: ignore[attr-defined]
    for child in children:
        child.start()
    for child in children:
        child.join()


def main() -> None:
    global dispatcher  # noqa: PLW0603 - see there
    run, method, path = sys.argv[1:]
    if method == "fork":  # its children inherit what the others have to make for themselves
        dispatcher = reporting(path)
    globals()[run](multiprocessing.get_context(method), path)


if __name__ == "__main__":
    main()
