"""The ways in which a message of Dramatiq's is given up."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from dramatiq import pipeline
from dramatiq.errors import RateLimitExceeded
from dramatiq.middleware import (
    Middleware,
    SkipMessage,
)
from dramatiq.results import Results
from dramatiq.results.backends import StubBackend as StubResults
from dramatiq_bench import (
    Bench,
    bench_of,
    default_middleware,
)
from scenarios import dropped, ran

from jobreporter import Abort
from jobreporter.events import Aborted


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_an_abort_is_dramatiqs_skipping(bench: Bench, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """No error is logged, nothing is tried again, nothing lands among the dead letters, and no callback laments."""

    @bench.actor
    def lament(message: object, error: object) -> None: ...

    def skip() -> None:
        raise Abort("no_stock")

    async def skip_soon() -> None:
        skip()

    bench.actor(skip if kind == "function" else skip_soon, max_retries=3, on_failure="lament", actor_name="skip").send()
    bench.work()

    assert bench.story == list(ran("aborted no_stock"))
    assert bench.only(Aborted).will_retry is False
    assert bench.broker.dead_letters == []
    assert max(record.levelno for record in caplog.records) == logging.WARNING


def test_an_abort_may_ask_for_another_try(either: Bench) -> None:
    """As long as there are retries left, it gets one."""

    @either.actor(max_retries=1)
    def skip() -> None:
        raise Abort("not_yet", will_retry=True)

    skip.send()
    either.work()

    assert either.story == [*ran("aborted not_yet will retry"), *ran("aborted not_yet")]


def test_skipping_is_an_abort_with_or_without_a_start(either: Bench) -> None:
    """Middleware may skip a message before the actor is called, and so may the actor, under way."""

    class Picky(Middleware):
        def before_process_message(self, broker: Any, message: Any) -> None:
            if message.args:
                message.fail()
                raise SkipMessage

    either.broker.add_middleware(Picky())

    @either.actor
    def work(*_: int) -> None:
        raise SkipMessage

    work.send(1)
    either.work()
    work.send()
    either.work()

    assert either.story == [*dropped("skipped"), *ran("aborted skipped")]


def test_what_is_too_old_has_expired(either: Bench) -> None:
    """Only the place where it was skipped tells it from what other middleware skips."""

    @either.actor(max_age=1000)
    def work() -> None: ...

    message = work.message()
    either.broker.enqueue(message.copy(message_timestamp=message.message_timestamp - 2000))
    either.work()

    assert either.story == list(dropped("expired"))
    assert either.only(Aborted).duration is None


def test_a_message_that_middleware_rejects_never_starts(bench: Bench) -> None:
    """Marked as failed without an error, it goes to the dead letters, and the actor isn't called."""

    class Strict(Middleware):
        def before_process_message(self, broker: Any, message: Any) -> None:
            message.fail()

    @bench.actor
    def work() -> None: ...

    bench.broker.add_middleware(Strict())
    work.send()
    bench.work()

    assert bench.story == list(dropped("rejected"))


def test_a_rate_limit_may_be_tried_again(bench: Bench) -> None:
    """Beyond its rate limit a job is given up, and it is known whether for good."""

    @bench.actor(max_retries=1)
    def work() -> None:
        raise RateLimitExceeded("too much")

    work.send()
    bench.work()

    assert bench.story == [*ran("aborted rate_limited will retry"), *ran("aborted rate_limited")]


def test_results_and_pipelines_after_an_abort() -> None:
    """The result of a job that gave up is ``None``, and its pipeline goes no further."""
    results = StubResults()
    with bench_of([*default_middleware(), Results(backend=results)]) as bench:

        @bench.actor(store_results=True)
        def skip() -> int:
            raise Abort("skipped")

        @bench.actor(store_results=True)
        def count(number: int) -> int:
            return number + 1

        skipped = pipeline([skip.message(), count.message()], broker=bench.broker).run().messages[0]
        counted = pipeline([count.message(1), count.message()], broker=bench.broker).run()
        bench.work()

        assert skipped.get_result(backend=results) is None
        assert counted.messages[-1].get_result(backend=results) == 3
        assert bench.story.count("aborted skipped") == 1
        assert bench.story.count("success") == 2
