"""What the jobs of an application do that is held to the cases. They run in the folder of their bench."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

from jobreporter import Abort, Execution


def perform_case(name: str) -> None:
    """Do what the job of a case does, where that is the same for all job queues.

    ``success`` needs an execution to tag, as every job has; ``hold`` and names that begin with it stay until they may go
    on. What a job asks of its queue in the queue's own words, such as ``retry_requested``, is for the application: it is
    a LookupError here. Where jobs are coroutines, they await `perform_case_async`.
    """
    for pause in _steps(name):
        time.sleep(pause)


async def perform_case_async(name: str) -> None:
    """`perform_case` for a job that is a coroutine: others run meanwhile, and it can be cancelled."""
    for pause in _steps(name):
        await asyncio.sleep(pause)


def _steps(name: str) -> Iterator[float]:
    """Do what the job does. What comes out are the seconds to let pass before it goes on."""
    match name:
        case "success":
            _tag()
        case "exception" | "exhausted":
            raise RuntimeError("never")
        case "retried" if first_time(name):
            raise RuntimeError("not yet")
        case "retried" | "inherited" | "expired" | "revoked":
            pass
        case "skipped":
            raise Abort("skipped")
        case "soft_timeout" | "timeout":
            yield 0.5
        case _ if name.startswith("hold"):
            yield from _until_release(name)
        case _:
            raise LookupError(f"{name!r} is for the application: it says so in its queue's own words")


def _tag() -> None:
    execution = Execution.current()
    if execution is None:
        raise LookupError("no execution is current where the job runs: does the source enter it?")
    execution.tag(customer="acme")


def first_time(marker: str) -> bool:
    """Whether nobody has asked for this marker before, in any process."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def wait_for_release(name: str) -> None:
    """Stay in the job until it may go on."""
    for pause in _until_release(name):
        time.sleep(pause)


def _until_release(name: str) -> Iterator[float]:
    """Say that the job is in its own code, and in which process; stay there until it may go on.

    The second that comes by this name writes ``NAME.entered2``, and so on.
    """
    note = Path(f"{name}.{token_hex(4)}")
    note.write_text(str(os.getpid()), encoding="utf-8")
    for number in itertools.count(1):
        try:
            # Whoever sees the name finds the number there, and each name is taken once.
            Path(f"{name}.entered{number if number > 1 else ''}").hardlink_to(note)
            break
        except FileExistsError:
            pass
    while not Path(f"{name}.release").exists():
        yield 0.01
