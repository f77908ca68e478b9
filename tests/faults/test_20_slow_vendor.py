"""Row 20: a vendor answers 429 or 500, refuses the connection, or takes requests and never answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import pairwise

import pytest

from jobreporter.testing import Answer, StandIn, hang, make_event, too_many
from tests.waiting import until

from .senders import SENDERS, Reporting

#: Seconds that a reporter has for one event: enough for what passes, and soon over where it doesn't.
ENOUGH, SHORT = 10.0, 0.5

#: What the troubles are that last.
LASTING: dict[str, Callable[[StandIn], AbstractContextManager[None]]] = {
    "500": lambda vendor: vendor.always(Answer(500)),
    "refused": StandIn.gone,
    "no answer": lambda vendor: vendor.always(hang),
}

#: What becomes of five failures, by reporter, if the vendor asks for a minute's pause at the second and the worker ends
#: soon after the fifth: how many were handled, failed and dropped, and what the log says.
PAUSED = {
    "honeybadger": (1, 0, {"closed": 4}, "Honeybadger answered 429: {}"),
    # Events are let through for a while, and what is counted then is told when the process ends.
    "prometheus": (2, 3, {}, "answers 429 Too Many Requests: {}"),
    "sentry": (1, 0, {"closed": 4}, "Sentry answered with status 429"),
}


@pytest.fixture
def reporting(request: pytest.FixtureRequest, stand_in: StandIn) -> Iterator[Reporting]:
    """The reporter that the test asks for."""
    reporting = Reporting(stand_in, *request.param)
    yield reporting
    reporting.dispatcher.close(20)


def each_sender(seconds: float) -> pytest.MarkDecorator:
    """Every reporter, with so many seconds for an event."""
    return pytest.mark.parametrize("reporting", [(name, seconds) for name in SENDERS], indirect=True, ids=list(SENDERS))


@each_sender(ENOUGH)
def test_trouble_that_passes_is_tried_again(reporting: Reporting, stand_in: StandIn) -> None:
    """After 500 and 503 the same failure is sent again, each time after a pause, and it arrives."""
    stand_in.next(Answer(500), Answer(503))
    reporting.fail()
    reporting.arrives(2)
    pauses = [later.at - earlier.at for earlier, later in pairwise(reporting.posted[:3])]
    assert [pause >= least for pause, least in zip(pauses, (0.05, 0.1), strict=True)] == [True, True]
    assert (reporting.stats.handled, reporting.stats.lost, reporting.stats.restarts) == (2, 0, 0)


@each_sender(ENOUGH)
def test_a_pause_that_is_asked_for_is_kept_to(reporting: Reporting, stand_in: StandIn) -> None:
    """After 429 with a Retry-After of a second nothing is sent before that is over, whatever happens, and then again."""
    stand_in.next(too_many(retry_after=1))

    def another_came() -> bool:
        if reporting.stats.accepted < 100:
            reporting.fail()
        reporting.dispatcher.flush(0.1)
        return reporting.arrived > 1

    until(another_came, "a failure has arrived after the pause")
    refused, taken, *_ = reporting.posted
    assert (refused.answer, taken.answer) == (too_many(retry_after=1), Answer(200))
    assert taken.at - refused.at >= 1.0
    assert (reporting.stats.failed, reporting.stats.restarts) == (0, 0)


@each_sender(SHORT)
def test_a_pause_that_is_longer_than_anybody_waits(
    reporting: Reporting, stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """After 429 with a Retry-After of a minute not one more request is made, and what can't be sent is told."""
    with stand_in.always(too_many(retry_after=60)):
        for _ in range(4):
            reporting.fail()
            reporting.dispatcher.flush(1)
        reporting.dispatcher.close(5)
    assert len(reporting.posted) == 1
    stats, (*became, told) = reporting.stats, PAUSED[reporting.name]
    assert [stats.handled, stats.failed, stats.dropped] == became
    assert told in caplog.text
    assert stats.abandoned == 0


@pytest.mark.parametrize("in_trouble", LASTING.values(), ids=LASTING)
@each_sender(SHORT)
def test_trouble_that_lasts(
    reporting: Reporting, stand_in: StandIn, in_trouble: Callable[[StandIn], AbstractContextManager[None]]
) -> None:
    """No job waits for it; what can't be sent is kept and tried again, and arrives once the trouble is over."""
    with in_trouble(stand_in):
        began = time.monotonic()
        reporting.fail()
        for _ in range(100):
            reporting.dispatcher.publish(make_event("started"))
        assert time.monotonic() - began < SHORT
        until(lambda: reporting.stats.retries, "it is tried again")
    reporting.fail()
    reporting.arrives(3)
    stats = reporting.stats
    assert (stats.failed, stats.dropped, stats.abandoned) == (0, {}, 0)
    assert stats.handled + stats.filtered == stats.accepted == 103
