"""The reporters that send over the network, each with its options and with what its vendor gets to know."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from jobreporter import Dispatcher, LaneStats
from jobreporter.testing import Request, StandIn, make_event, make_job
from jobreporter_honeybadger import HoneybadgerReporter
from jobreporter_prometheus import PrometheusReporter
from jobreporter_sentry import SentryReporter
from tests.plugins.prometheus.helping import number
from tests.plugins.sentry.fake_sentry import items
from tests.waiting import until


class Sender(NamedTuple):
    """A reporter that sends.

    options: given the vendor's address and the seconds that one event may take. arrived: how many failures the vendor
    knows of, by what it has taken.
    """

    reporter: type
    options: Callable[[str, float], dict[str, Any]]
    arrived: Callable[[list[bytes]], float]


def failures_in(envelopes: list[bytes]) -> int:
    """How many events there are in what was sent to Sentry, beside its reports of losses.

    One that is sent again, since its answer came too late, has the same id, by which Sentry knows it.
    """
    sent = [item for envelope in envelopes for item in items(envelope)]
    return len({body["event_id"] for header, body in sent if header["type"] == "event"})


def failures_counted(pages: list[bytes]) -> float:
    """How many failures the latest metrics of the job tell of."""
    numbers = [number(page.decode(), "jobreporter_jobs_finished_total", outcome="failure") for page in pages]
    return ([0.0] + [each for each in numbers if each is not None])[-1]


SENDERS = {
    "sentry": Sender(
        SentryReporter,
        lambda url, seconds: {"dsn": url.replace("://", "://key@") + "/1", "send_timeout": seconds},
        failures_in,
    ),
    "honeybadger": Sender(
        HoneybadgerReporter,
        lambda url, seconds: {"api_key": "hbp_key", "endpoint": url, "send_timeout": seconds},
        len,
    ),
    "prometheus": Sender(
        PrometheusReporter,
        lambda url, seconds: {"mode": "push", "gateway": url, "push_timeout": seconds},
        failures_counted,
    ),
}


class Reporting:
    """A dispatcher with one of the reporters, which has delivered one failure already, and its vendor.

    seconds: what one event may take; its lane waits four times as long for the reporter.
    """

    def __init__(self, vendor: StandIn, name: str, seconds: float) -> None:
        self.name = name
        self._vendor = vendor
        self._numbers = itertools.count()
        self.sender = SENDERS[name]
        options = self.sender.options(vendor.url, seconds) | {"lane": {"timeout": 4 * seconds}}
        self.dispatcher = Dispatcher({name: self.sender.reporter}, config={"reporters": {name: options}})
        self.fail()
        self.arrives(1)
        self._before = len(vendor.requests)

    @property
    def stats(self) -> LaneStats:
        return self.dispatcher.stats()[self.name]

    @property
    def posted(self) -> list[Request]:
        """What was sent after that."""
        return self._vendor.requests[self._before :]

    @property
    def arrived(self) -> float:
        """How many failures the vendor knows of."""
        return self.sender.arrived(self._vendor.taken)

    def fail(self) -> None:
        """A job fails, each time another one."""
        self.dispatcher.publish(make_event("failure", job=make_job(id=f"job-{next(self._numbers)}")))

    def arrives(self, failures: int) -> None:
        """Wait until the vendor knows of so many."""
        until(
            lambda: self.dispatcher.flush(1) and self.arrived == failures,
            f"{failures} have arrived, not {self.arrived}",
        )
