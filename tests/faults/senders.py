"""The reporters that send over the network, each with its options and with what its vendor gets to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jobreporter import Dispatcher, LaneStats
from jobreporter.testing import make_event
from jobreporter_honeybadger import HoneybadgerReporter
from jobreporter_prometheus import PrometheusReporter
from jobreporter_sentry import SentryReporter
from tests.core.waiting import until
from tests.plugins.prometheus.helping import number
from tests.plugins.sentry.fake_sentry import items

from .vendor import Posted, Vendor


class Sender(NamedTuple):
    """A reporter that sends.

    options: given the vendor's address and the seconds that one event may take. arrived: how many failures the vendor
    knows of, by what it has taken. keeps: whether what can't be sent is kept for the next time, and not failed.
    """

    reporter: type
    options: Callable[[str, float], dict[str, Any]]
    arrived: Callable[[list[bytes]], float]
    keeps: bool = False


def failures_in(envelopes: list[bytes]) -> int:
    """How many events there are in what was sent to Sentry, beside its reports of losses."""
    return sum(header["type"] == "event" for envelope in envelopes for header, _ in items(envelope))


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
        keeps=True,
    ),
}


class Reporting:
    """A dispatcher with one of the reporters, which has delivered one failure already, and its vendor.

    seconds: what one event may take; its lane waits four times as long for the reporter.
    """

    def __init__(self, vendor: Vendor, name: str, seconds: float) -> None:
        self.name = name
        self._vendor = vendor
        self.sender = SENDERS[name]
        options = self.sender.options(vendor.url, seconds) | {"lane": {"timeout": 4 * seconds}}
        self.dispatcher = Dispatcher({name: self.sender.reporter}, config={"reporters": {name: options}})
        self.fail()
        self.arrives(1)
        self._before = len(vendor.posted)

    @property
    def stats(self) -> LaneStats:
        return self.dispatcher.stats()[self.name]

    @property
    def posted(self) -> list[Posted]:
        """What was sent after that."""
        return self._vendor.posted[self._before :]

    @property
    def arrived(self) -> float:
        """How many failures the vendor knows of."""
        return self.sender.arrived(self._vendor.taken)

    def fail(self) -> None:
        """A job fails."""
        self.dispatcher.publish(make_event("failure"))

    def arrives(self, failures: int) -> None:
        """Wait until the vendor knows of so many."""
        until(lambda: self.dispatcher.flush(1) and self.arrived == failures, f"{failures} have arrived")
