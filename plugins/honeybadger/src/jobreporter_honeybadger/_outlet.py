"""What leaves: notices, check-ins, and batches of Insights events."""

from __future__ import annotations

import platform
from typing import Any
from urllib.parse import quote

from jobreporter import BrokenReporter, Secret
from jobreporter_honeybadger._clock import Clock, Deadline
from jobreporter_honeybadger._connection import Connection, Request
from jobreporter_honeybadger._delivery import Delivery, NotDelivered, TooLarge
from jobreporter_honeybadger._insights import Batch
from jobreporter_honeybadger._pause import Account, check
from jobreporter_honeybadger._room import encoded
from jobreporter_honeybadger._version import __version__


class Outlet:
    """Sends for one account over one connection. What its methods raise is `Delivery.send`'s."""

    def __init__(self, account: Account, budget: float, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._connection = Connection(account.endpoint, headers(account.api_key))
        self._delivery = Delivery(self._connection, account, budget, clock)
        #: Insights events that wait to be sent.
        self.batch = Batch()

    def deadline(self) -> Deadline:
        """The time that one hook has, from now on."""
        return self._delivery.deadline()

    def send_notice(self, notice: dict[str, Any], deadline: Deadline) -> None:
        """Send a notice; if that is too large for the server, once more at half its size."""
        body = encoded(notice)
        try:
            self._post("/v1/notices", "application/json", body, deadline)
        except TooLarge:
            smaller = encoded(notice, len(body) // 2)
            if len(smaller) >= len(body):
                raise
            self._post("/v1/notices", "application/json", smaller, deadline)

    def check_in(self, job: str, checkin: str, deadline: Deadline) -> None:
        """Report that a job has run. The error names the job: a wrong id is found by it."""
        try:
            self._delivery.send(Request("GET", f"/v1/check_in/{quote(checkin, safe='')}"), deadline)
        except NotDelivered as error:
            raise NotDelivered(f"no check-in for {job}: {error}") from error

    def send_batch(self, deadline: Deadline) -> None:
        """Send the Insights events that wait. If that fails they are lost, and the error says how many."""
        if count := len(self.batch):
            try:
                self._post("/v1/events", "application/x-ndjson", self.batch.take(), deadline)
            except (NotDelivered, BrokenReporter) as error:
                raise type(error)(lost(count, error)) from error

    def close(self) -> None:
        """Send what waits after a crash, unless the server wants to be left alone, and hang up."""
        try:
            if count := len(self.batch):
                try:
                    check(self._account, self._clock)
                except BrokenReporter as reason:
                    raise NotDelivered(lost(count, reason)) from reason
                self.send_batch(self.deadline())
        finally:
            self._connection.close()

    def _post(self, path: str, content_type: str, body: bytes, deadline: Deadline) -> None:
        self._delivery.send(Request("POST", path, content_type, body), deadline)


def lost(count: int, reason: Exception) -> str:
    """What to say where Insights events could not be sent."""
    return f"{count} Insights event{'s are' if count > 1 else ' is'} lost: {reason}"


def headers(api_key: Secret) -> dict[str, str]:
    """What every request carries."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {
        "X-API-Key": api_key.reveal(),
        "Accept": "application/json",
        "User-Agent": f"jobreporter-honeybadger {__version__}; {python}; {platform.system()} {platform.machine()}",
    }
