"""What ``[reporters.honeybadger]`` may say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from jobreporter import Duration, Options, Secret, parse_duration, refuse

Kind = Literal["started", "success", "aborted", "failure", "stopped"]


class HoneybadgerOptions(Options):
    """``[reporters.honeybadger]``."""

    #: The project's API key.
    api_key: Secret
    #: Where Honeybadger's API is: scheme and host, and a path before `/v1` if there is one.
    endpoint: str = "https://api.honeybadger.io"
    #: The environment; by default that of `[context]`.
    environment: str | None = None
    #: The revision of the code; by default the `release` of `[context]`.
    revision: str | None = None
    #: The name of the host; by default what it calls itself.
    hostname: str | None = None
    #: The folder of the application's own code, for its files to be told from those of libraries; by default the worker's working directory, which an agent doesn't know.
    project_root: str | None = None
    #: The jobs that check in when they succeed: a job's name, and the id of its check-in.
    checkins: dict[str, str] = {}  # noqa: RUF012 - each instance gets a dict of its own
    #: A success that is older when it is its turn, as after an outage, no longer checks in.
    checkin_margin: Duration = parse_duration("1h")
    #: The kinds of events that also go to Insights: `started`, `success`, `aborted`, `failure`, `stopped`.
    insights: tuple[Kind, ...] = ()
    #: How long one request may take. Keep it below the lane's `timeout`.
    send_timeout: Duration = 8.0

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if not self.send_timeout > 0:
            yield f"expected send_timeout to be a number of seconds above 0, found {self.send_timeout:g}"
        for job, checkin in self.checkins.items():
            if not checkin or not checkin.isascii() or not checkin.isalnum():
                yield (
                    f"expected the check-in of {job!r} to be its id, the last part of its URL, made of letters and digits,"
                    f" found {checkin!r}"
                )
        if not _is_address(self.endpoint):
            yield "expected endpoint to be an address such as https://api.honeybadger.io"
        key = self.api_key.reveal()
        if not key or not all("!" <= character <= "~" for character in key):
            yield "expected api_key to be visible ASCII characters, without blanks or line ends"


def _is_address(text: str) -> bool:
    """Whether the text is an http or https URL with a host, and with nothing but a path after that."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises ValueError if it is no number
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text and "@" not in text
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)
