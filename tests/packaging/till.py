"""A program of which one job ends in each way that there is; `test_outsider_calls` knows what is to be heard of it."""

from __future__ import annotations

from typing import Any

from jobreporter import Abort, Dispatcher


class DeclinedError(Exception):
    """The bank says no."""


def charge() -> None:
    wallet: dict[str, str] = {}
    try:
        wallet["card"]
    except KeyError:
        raise DeclinedError("no card") from ConnectionError("bank is closed")


def main(dispatcher: Dispatcher) -> None:
    till: dict[str, Any] = {"queue": "till", "worker": "shop:7"}

    inside: dict[str, Any] = {"args": ("monday",), "kwargs": {"api_key": "c4nary", "drawer": "left"}}
    with dispatcher.begin("till.open", id="1", **till, **inside) as execution:
        execution.tag(day=1)

    with dispatcher.begin("till.count", id="2", **till):
        raise Abort("skipped", will_retry=False)

    dispatcher.abort("expired", "till.remind", id="3", **till, enqueued_at=1_000.0)

    execution = dispatcher.begin("till.charge", id="4", **till, attempt=2, max_attempts=3, enqueued_at=1_000.0)
    try:
        charge()
    except DeclinedError as error:
        execution.fail(error, will_retry=True, retry_delay=30.0)
    execution.stop()

    try:
        with dispatcher.begin("till.print", id="5", **till):
            raise ExceptionGroup("printing", [OSError("no paper"), ValueError("no ink")])
    except* (OSError, ValueError):
        pass  # it propagates

    assert dispatcher.flush(10.0)

    with dispatcher.begin("till.close", id="6", **till):
        pass


if __name__ == "__main__":
    with Dispatcher.from_config() as dispatcher:
        main(dispatcher)
    for name, stats in dispatcher.stats().items():
        events = f"{stats.accepted} accepted, {stats.handled} handled, {stats.failed} failed, {stats.filtered} filtered"
        print(f"{name}: {events}, {stats.restarts} restarts, {stats.status}")  # noqa: T201 - for the tests
