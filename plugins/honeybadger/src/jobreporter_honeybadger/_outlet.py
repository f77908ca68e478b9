"""What leaves: notices, check-ins, and batches of Insights events."""

from __future__ import annotations

import platform
from typing import Any
from urllib.parse import quote

from jobreporter import Secret, Undeliverable
from jobreporter_honeybadger._account import Account
from jobreporter_honeybadger._connection import Connection, Request
from jobreporter_honeybadger._delivery import Delivery, TooLarge
from jobreporter_honeybadger._insights import Batch
from jobreporter_honeybadger._room import encoded
from jobreporter_honeybadger._version import __version__


class Outlet:
    """Sends for one account over one connection. What its methods raise is `Delivery.send`'s."""

    def __init__(self, account: Account, timeout: float) -> None:
        self._connection = Connection(account.endpoint, headers(account.api_key))
        self._delivery = Delivery(self._connection, account, timeout)
        #: Insights events that wait to be sent.
        self.batch = Batch()

    def send_notice(self, notice: dict[str, Any]) -> None:
        """Send a notice; if that is too large for the server, once more at half its size."""
        body = encoded(notice)
        try:
            self._post("/v1/notices", "application/json", body)
        except TooLarge:
            smaller = encoded(notice, len(body) // 2)
            if len(smaller) >= len(body):
                raise
            self._post("/v1/notices", "application/json", smaller)

    def check_in(self, job: str, checkin: str) -> None:
        """Report that a job has run. The error names the job: a wrong id is found by it."""
        try:
            self._delivery.send(Request("GET", f"/v1/check_in/{quote(checkin, safe='')}"))
        except Undeliverable as error:
            raise Undeliverable(f"no check-in for {job}: {error}") from error

    def send_batch(self) -> None:
        """Send the Insights events that wait. They go on waiting unless Honeybadger has taken them."""
        if self.batch:
            self._post("/v1/events", "application/x-ndjson", self.batch.body)
            self.batch.clear()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _post(self, path: str, content_type: str, body: bytes) -> None:
        self._delivery.send(Request("POST", path, content_type, body))


def headers(api_key: Secret) -> dict[str, str]:
    """What every request carries."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {
        "X-API-Key": api_key.reveal(),
        "Accept": "application/json",
        "User-Agent": f"jobreporter-honeybadger {__version__}; {python}; {platform.system()} {platform.machine()}",
    }
