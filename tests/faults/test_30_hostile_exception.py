"""Row 30: what a job raises is of a class that does its worst wherever it is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from jobreporter import Aborted, Dispatcher, Event, Failure, Stopped
from jobreporter.testing import Recorder


def refuse(*_: object) -> NoReturn:
    raise OSError("asked")


class Code:
    """The code of a ``SystemExit`` that can't be compared, tested or hashed."""

    __eq__ = __ne__ = __bool__ = __hash__ = __int__ = __index__ = refuse  # type: ignore[assignment]


class OddError(Exception):
    """Answers nothing, and has no words."""

    __class__ = property(refuse)  # type: ignore[assignment]
    __eq__ = __ne__ = __bool__ = __hash__ = __str__ = __repr__ = refuse  # type: ignore[assignment]


def in_a_block(dispatcher: Dispatcher, error: BaseException) -> None:
    with dispatcher.begin("a"):
        raise error


def in_a_function(dispatcher: Dispatcher, error: BaseException) -> None:
    @dispatcher.reported
    def job() -> None:
        raise error

    job()


def in_a_coroutine(dispatcher: Dispatcher, error: BaseException) -> None:
    @dispatcher.reported
    async def job() -> None:
        raise error

    coroutine: Any = job()
    try:
        coroutine.send(None)
    finally:
        coroutine.close()


RAISED: dict[str, tuple[Callable[[], BaseException], type[Event]]] = {
    "a code": (lambda: SystemExit(Code()), Aborted),
    "an error": (OddError, Failure),
    "an error that a task was cancelled with": (lambda: asyncio.CancelledError(Code()), Aborted),
    "an error in a group": (lambda: ExceptionGroup("group", [OddError()]), Failure),
}


@pytest.mark.parametrize("run", [in_a_block, in_a_function, in_a_coroutine])
@pytest.mark.parametrize("raised", RAISED)
def test_it_propagates_and_the_execution_ends(raised: str, run: Callable[[Dispatcher, BaseException], None]) -> None:
    """The caller sees what the job raised and nothing else, and one outcome is told."""
    make, outcome = RAISED[raised]
    recorder, error, seen = Recorder(), make(), None
    with Dispatcher({"recorder": recorder}) as dispatcher:
        try:
            run(dispatcher, error)
        except BaseException as caught:
            seen = caught
        assert dispatcher.flush(20)
        stats = dispatcher.stats()["recorder"]

    assert seen is error
    assert [type(event) for event in recorder.events][1:] == [outcome, Stopped]
    assert (stats.handled, stats.lost) == (3, 0)
