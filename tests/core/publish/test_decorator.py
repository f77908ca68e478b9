"""What can be decorated: whatever a call runs, with its own name, and nothing that is run later."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from jobreporter import Dispatcher, Execution, Stopped
from jobreporter.testing import Recorder


class Importer:
    """What keeps its settings in an instance, and runs when that is called."""

    def __call__(self, path: str) -> str:
        return path

    async def later(self, path: str) -> str:
        return path


def load(path: str, password: str = "") -> str:
    return path


def outcomes(dispatcher: Dispatcher, recorder: Recorder) -> list[tuple[str, str]]:
    """The name and the outcome of each execution that has stopped."""
    assert dispatcher.flush(10)
    return [(event.job.name, event.outcome) for event in recorder.events if isinstance(event, Stopped)]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (load, "load"),
        (functools.partial(load, "a.csv"), "load"),
        (functools.partial(functools.partial(load), "a.csv"), "load"),
        (functools.partial(Importer(), "a.csv"), "Importer"),
        (Importer(), "Importer"),
    ],
    ids=["function", "partial", "partial of a partial", "partial of an instance", "instance"],
)
def test_whatever_can_be_called_is_named_after_what_it_runs(
    dispatcher: Dispatcher, recorder: Recorder, function: Callable[..., Any], name: str
) -> None:
    """A partial runs what it is a partial of, and an instance its class."""
    args = () if isinstance(function, functools.partial) else ("a.csv",)
    assert dispatcher.reported(function)(*args) == "a.csv"
    assert outcomes(dispatcher, recorder) == [(f"{__name__}.{name}", "success")]


def plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that knows nothing of async: what it makes is no coroutine function, and returns a coroutine."""

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return function(*args)

    return call


@pytest.mark.parametrize("fails", [False, True])
def test_a_coroutine_that_a_plain_function_returns_is_part_of_the_job(
    dispatcher: Dispatcher, recorder: Recorder, *, fails: bool
) -> None:
    """Else the job would be a success before it has begun, whatever it raises later."""

    @dispatcher.reported
    @plainly
    async def job() -> Execution | None:
        await asyncio.sleep(0)
        if fails:
            raise ZeroDivisionError
        return Execution.current()

    async def main() -> Execution | None:
        running = job()
        assert Execution.current() is None, "it is not the caller's"
        found: Execution | None = await running
        return found

    if fails:
        with pytest.raises(ZeroDivisionError):
            asyncio.run(main())
    else:
        found = asyncio.run(main())
        assert found is not None
        assert found.job.name.endswith("job")
    assert [outcome for _, outcome in outcomes(dispatcher, recorder)] == ["failure" if fails else "success"]


def test_a_partial_of_an_async_method_is_awaited(dispatcher: Dispatcher, recorder: Recorder) -> None:
    """Its result is that of the method."""
    assert asyncio.run(dispatcher.reported(functools.partial(Importer().later, "a.csv"))()) == "a.csv"
    assert [outcome for _, outcome in outcomes(dispatcher, recorder)] == ["success"]


def rows() -> Iterator[int]:
    yield 1


async def pages() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (rows, "found the generator function rows, which does it later: decorate what goes through it"),
        (pages, "found the generator function pages"),
        (functools.partial(rows), "found the generator function rows"),
        (classmethod(load), "found a classmethod: put @classmethod above it"),
        (staticmethod(load), "found a staticmethod: put @staticmethod above it"),
        ("load", "found a value of type str"),
    ],
    ids=["generator", "async generator", "partial", "classmethod", "staticmethod", "text"],
)
def test_what_a_call_does_not_run_is_refused_where_it_is_decorated(
    dispatcher: Dispatcher, found: Any, said: str
) -> None:
    """A generator would be a success before it has begun."""
    with pytest.raises(
        TypeError, match=rf"^reported\(\) takes a function that does its work when it is called, {said}"
    ):
        dispatcher.reported(found)
    with pytest.raises(TypeError, match="takes a function"):
        dispatcher.reported(name="jobs.rows")(found)
