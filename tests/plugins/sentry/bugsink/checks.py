"""What Bugsink has stored of failures that the real SDK has sent to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import make_event, make_job
from tests.plugins.sentry.conftest import MakeDispatcher

from .server import Bugsink


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    """One for all tests: its tables take it a while."""
    server = Bugsink(tmp_path_factory.mktemp("bugsink"))
    yield server
    server.stop()


@pytest.fixture
def dsn(server: Bugsink) -> str:
    """That of a project of the test's own."""
    return server.new_project()


class DeclinedError(Exception):
    """An error of the application's own."""


def charge(card: str, token: str) -> None:
    """Fails with a cause."""
    try:
        {}[card]
    except KeyError as error:
        raise DeclinedError("no funds") from error


def run(dispatcher: Dispatcher, name: str, card: str = "visa", *, attempt: int = 1, will_retry: bool = False) -> None:
    """Have a job charge, and fail."""
    execution = dispatcher.begin(
        name, function=charge, args=(card, "c4nary"), queue="cards", attempt=attempt, max_attempts=2
    )
    execution.start()
    execution.tag(customer="acme")
    try:
        charge(card, "c4nary")
    except DeclinedError as error:
        execution.fail(error, will_retry=will_retry)
    execution.stop()


CONTEXT = {"service": "shop", "environment": "test", "release": "shop@7"}


def test_each_failure_is_one_event_of_its_issue(server: Bugsink, dsn: str, make_dispatcher: MakeDispatcher) -> None:
    """Two errors are two issues, and both attempts that failed with one of them are events of the same."""
    dispatcher = make_dispatcher(dsn=dsn, context=CONTEXT)
    run(dispatcher, "till.charge", will_retry=True)
    run(dispatcher, "till.charge", attempt=2)
    dispatcher.publish(make_event("failure", job=make_job(name="night.tidy")))
    assert dispatcher.flush(30.0)
    events = server.events(dsn)

    assert [event["transaction"] for event in events] == ["till.charge", "till.charge", "night.tidy"], server.log()
    first, second, third = (event["issue"] for event in events)
    assert first == second != third
    assert dispatcher.stats()["sentry"].failed == 0


def test_it_shows_what_was_reported(server: Bugsink, dsn: str, make_dispatcher: MakeDispatcher) -> None:
    """The error, where it was raised, what it was raised from, release, environment and tags; and no secret."""
    dispatcher = make_dispatcher(dsn=dsn, context=CONTEXT)
    run(dispatcher, "till.charge")
    assert dispatcher.flush(30.0)
    [event] = server.events(dsn)
    data = event["data"]

    assert event["title"] == "DeclinedError: no funds"
    assert (event["level"], event["release"], event["environment"]) == ("error", "shop@7", "test")
    assert event["last_frame"] == "charge"
    assert [value["type"] for value in data["exception"]["values"]] == ["KeyError", "DeclinedError"]
    assert data["tags"]["customer"] == "acme"
    assert "c4nary" not in str(data)


def test_the_same_event_twice_is_stored_once(server: Bugsink, dsn: str, make_dispatcher: MakeDispatcher) -> None:
    """As an agent sends it that was killed before it had noted what it had sent."""
    dispatcher = make_dispatcher(dsn=dsn)
    for _ in range(2):
        dispatcher.publish(make_event("failure", job=make_job(execution_id="7:1")))
        assert dispatcher.flush(30.0)
        dispatcher.close(10.0)
        dispatcher = make_dispatcher(dsn=dsn)

    assert len(server.events(dsn)) == 1


def test_success_and_check_ins_leave_nothing(server: Bugsink, dsn: str, make_dispatcher: MakeDispatcher) -> None:
    """It has no monitors: what it can't store, it takes and drops."""
    dispatcher = make_dispatcher(dsn=dsn, monitors={"night.charge": {"slug": "night"}})
    with dispatcher.begin("night.charge"):
        pass
    assert dispatcher.flush(30.0)

    assert server.events(dsn) == []
