"""Executions of Dramatiq's that run inside others, or beside them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from dramatiq.middleware import (
    Middleware,
)
from dramatiq_bench import (
    Bench,
    execution,
)
from scenarios import SUCCEEDED
from workers import PATIENCE

from jobreporter import Abort, Execution
from jobreporter.events import Success


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_the_current_execution_is_the_jobs(bench: Bench, kind: str) -> None:
    """Code of the job finds its execution, on the loop of async actors too, and nothing is left behind."""
    left: list[Execution | None] = []

    class Look(Middleware):
        def after_ack(self, broker: Any, message: Any) -> None:
            left.append(Execution.current())

    def work() -> None:
        execution().tag(customer="acme")

    async def work_soon() -> None:
        work()

    bench.broker.add_middleware(Look())
    bench.actor(work if kind == "function" else work_soon).send()
    bench.work()

    assert bench.only(Success).tags == {"customer": "acme"}
    assert left == [None]


def test_an_actor_called_as_a_function_is_no_execution(bench: Bench) -> None:
    """Another or the same one runs within the job that calls it, and what it raises is an ordinary exception."""

    @bench.actor
    def inner() -> None:
        raise Abort("skipped")

    @bench.actor
    def outer(depth: int = 0) -> None:
        with pytest.raises(Abort):
            inner()
        if depth == 0:
            outer(1)

    outer.send()
    bench.work()
    outer(1)

    assert bench.story == list(SUCCEEDED)


def test_attempts_that_overlap_in_one_process(bench: Bench) -> None:
    """One message is delivered twice, to two threads: two executions, each with its own end and its own tags."""
    both = threading.Barrier(2, timeout=PATIENCE)

    @bench.actor
    def hold() -> None:
        execution().tag(thread=threading.get_ident())
        both.wait()

    message = hold.message()
    for _ in range(2):
        bench.broker.enqueue(message)
    with bench.worker(threads=2):
        bench.broker.join("default", timeout=PATIENCE * 1000)
    successes = bench.all(Success)

    assert len({event.job.execution_id for event in successes}) == 2
    assert len({event.tags["thread"] for event in successes}) == 2
    assert {event.job.id for event in successes} == {message.message_id}
    assert len(bench.events) == 6
