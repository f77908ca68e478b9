"""What the reporter sends. The fixtures come with jobreporter; one that loses events fails its test."""

from __future__ import annotations

import pytest
from jobreporter import KINDS, BrokenReporter, ConfigError, Dispatcher
from jobreporter.testing import Answer, Dispatchers, StandIn, make_event, too_many

from jobreporter_pigeon import PigeonReporter

NAME = "pigeon"
REPORTERS = {NAME: PigeonReporter}


def config(url: str) -> dict[str, object]:
    """A config with this reporter alone."""
    return {"reporters": {NAME: {"url": url, "token": "not a real one"}}}


@pytest.fixture
def reporting(dispatcher: Dispatchers, stand_in: StandIn) -> Dispatcher:
    """A dispatcher with this reporter, which posts to the stand-in."""
    return dispatcher(REPORTERS, config(stand_in.url))


def test_every_kind_of_event_arrives(reporting: Dispatcher, stand_in: StandIn) -> None:
    """In the order in which they came, with what belongs to each."""
    for kind in KINDS:
        reporting.publish(make_event(kind))
    assert reporting.flush(30)

    sent = [each for request in stand_in.requests for each in request.json]
    assert [each["event"] for each in sent] == list(KINDS)
    assert {each["job"] for each in sent} == {"reports.nightly"}
    assert {request.headers["Authorization"] for request in stand_in.requests} == {"Bearer not a real one"}


def test_a_batch_survives_an_outage(dispatcher: Dispatchers, stand_in: StandIn) -> None:
    """It is posted again as it was, until it is taken; and nobody there is an outage too."""
    reporting = dispatcher(REPORTERS, config(stand_in.url), may_lose=True)
    stand_in.next(Answer(503), too_many(retry_after=0))
    with stand_in.gone():
        reporting.publish(make_event("failure"))
        assert not reporting.flush(0.2)
    assert reporting.flush(30)

    first, second, third = stand_in.requests
    assert [first.taken, second.taken, third.taken] == [False, False, True]
    assert first.body == second.body == third.body
    stats = reporting.stats()[NAME]
    assert (stats.handled, stats.lost, stats.restarts) == (1, 0, 0)


def test_a_refusal_is_not_repeated(dispatcher: Dispatchers, stand_in: StandIn) -> None:
    """The batch has failed, and what comes next is sent."""
    reporting = dispatcher(REPORTERS, config(stand_in.url), may_lose=True)
    stand_in.next(Answer(400))
    reporting.publish(make_event("failure"))
    reporting.flush(30)
    reporting.publish(make_event("success"))
    assert reporting.flush(30)
    assert [request.taken for request in stand_in.requests] == [False, True]
    assert reporting.stats()[NAME].failed == 1


def test_an_address_of_another_kind_is_refused() -> None:
    """Before any job runs, in a sentence."""
    with pytest.raises((ConfigError, BrokenReporter), match="'url' must begin with http"):
        Dispatcher(REPORTERS, config=config("ftp://127.0.0.1"))
