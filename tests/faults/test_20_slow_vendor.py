"""Row 20: a vendor answers 429 or 500, refuses the connection, or takes requests and never answers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from jobreporter.testing import make_event
from tests.core.waiting import until

from .senders import SENDERS, Reporting
from .vendor import NO_ANSWER, Trouble, Vendor

#: Seconds that a reporter has for one event: enough for what passes, and soon over where it doesn't.
ENOUGH, SHORT = 10.0, 0.5

#: What the troubles are that last; ``None`` is a port at which nobody listens.
LASTING = {"500": Trouble(500), "refused": None, "no answer": NO_ANSWER}

#: What becomes of five failures, by reporter, if the vendor asks for a minute's pause at the second and the worker ends
#: soon after the fifth: how many were handled, failed and dropped, and what the log says.
PAUSED = {
    "honeybadger": (1, 1, {"closed": 3}, "Honeybadger answered 429: {}, and asks for a pause of 60 s"),
    "prometheus": (5, 0, {}, "the figures can't leave now, and go on counting: HTTP Error 429"),
    "sentry": (5, 0, {}, "Sentry has turned away 3 more events (in all: 1 status_429, 3 ratelimit_backoff)"),
}


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.fixture
def reporting(request: pytest.FixtureRequest, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reporting]:
    """The reporter that the test asks for, beside no proxy."""
    for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    reporting = Reporting(vendor, *request.param)
    yield reporting
    reporting.dispatcher.close(20)


def each_sender(seconds: float) -> pytest.MarkDecorator:
    """Every reporter, with so many seconds for an event."""
    return pytest.mark.parametrize("reporting", [(name, seconds) for name in SENDERS], indirect=True, ids=list(SENDERS))


@each_sender(ENOUGH)
def test_trouble_that_passes_is_tried_again(reporting: Reporting, vendor: Vendor) -> None:
    """After 500 and 503 the same failure is sent again, each time after a longer pause, and it arrives."""
    vendor.soon.extend([Trouble(500), Trouble(503)])
    reporting.fail()
    reporting.arrives(2)
    pauses = [later.at - earlier.at for earlier, later in pairwise(reporting.posted[:3])]
    assert [pause >= least for pause, least in zip(pauses, (0.1, 0.2), strict=True)] == [True, True]
    assert (reporting.stats.handled, reporting.stats.lost, reporting.stats.restarts) == (2, 0, 0)


@each_sender(ENOUGH)
def test_a_pause_that_is_asked_for_is_kept_to(reporting: Reporting, vendor: Vendor) -> None:
    """After 429 with a Retry-After of a second nothing is sent before that is over, whatever happens, and then again."""
    vendor.soon.append(Trouble(429, {"Retry-After": "1"}))

    def another_came() -> bool:
        reporting.fail()
        reporting.dispatcher.flush(0.1)
        return reporting.arrived > 1

    until(another_came, "a failure has arrived after the pause")
    refused, taken, *_ = reporting.posted
    assert (refused.trouble, taken.trouble) == (Trouble(429, {"Retry-After": "1"}), None)
    assert taken.at - refused.at >= 1.0
    assert (reporting.stats.failed, reporting.stats.restarts) == (0, 0)


@each_sender(SHORT)
def test_a_pause_that_is_longer_than_anybody_waits(
    reporting: Reporting, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    """After 429 with a Retry-After of a minute not one more request is made, and what can't be sent is told."""
    with vendor.in_trouble(Trouble(429, {"Retry-After": "60"})):
        for _ in range(4):
            reporting.fail()
            reporting.dispatcher.flush(1)
        reporting.dispatcher.close(5)
    assert len(reporting.posted) == 1
    stats, (*became, told) = reporting.stats, PAUSED[reporting.name]
    assert [stats.handled, stats.failed, stats.dropped] == became
    assert told in caplog.text
    assert stats.abandoned == 0


@pytest.mark.parametrize("trouble", LASTING.values(), ids=LASTING)
@each_sender(SHORT)
def test_trouble_that_lasts(
    reporting: Reporting, vendor: Vendor, trouble: Trouble | None, caplog: pytest.LogCaptureFixture
) -> None:
    """No job waits for it; what can't be sent ends as failed before the lane's deadline, or is kept; the next arrives."""
    keeps = reporting.sender.keeps
    with vendor.in_trouble(trouble):
        began = time.monotonic()
        reporting.fail()
        for _ in range(100):
            reporting.dispatcher.publish(make_event("started"))
        assert time.monotonic() - began < SHORT
        reporting.dispatcher.flush(20)
        until(lambda: "can't leave now" in caplog.text if keeps else reporting.stats.failed == 1, "the end of it")
    reporting.fail()
    reporting.arrives(3 if keeps else 2)
    stats = reporting.stats
    assert (stats.failed, stats.dropped, stats.abandoned) == (0 if keeps else 1, {}, 0)
    assert stats.handled + stats.filtered + stats.failed == stats.accepted == 103
