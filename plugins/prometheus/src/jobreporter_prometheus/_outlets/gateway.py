"""A Pushgateway, spoken to in a time that is bounded."""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from jobreporter import Secret, one_line
from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._outlets.bounded_http import Countdown, bounded_opener

#: The most characters of what a gateway answers that are told.
MOST_ANSWER = 300
#: Seconds. A gateway that asks to be left alone for longer is asked again after them.
LONGEST_PAUSE = 300.0

REDACTED = "[redacted]"


class Trouble(OSError):  # noqa: N818 - the gateway's, not ours
    """Something could not be pushed. The message is for people and has no secret in it.

    code: what the gateway answered; ``None`` where it could not be reached. after: for how many seconds it asks to be left
    alone.
    """

    def __init__(self, problem: str, *, code: int | None = None, after: float = 0.0) -> None:
        super().__init__(problem)
        self.code = code
        self.after = after

    @property
    def refused(self) -> bool:
        """Whether the gateway understood, and refused what was sent: something else may be taken."""
        return self.code is not None and 400 <= self.code < 500 and self.code != 429


class Gateway:
    """What is at the URL. Nothing is followed to another address: a password is meant for this one alone."""

    def __init__(self, url: str, username: str | None, password: Secret | None, clock: Clock = SYSTEM) -> None:
        self.url = url.rstrip("/")
        self._clock = clock
        self._authorization = ""
        if username is not None and password is not None:
            pair = f"{username}:{password.reveal()}".encode()
            self._authorization = f"Basic {base64.b64encode(pair).decode()}"
        self._secrets = [text for text in (password.reveal() if password else "", self._authorization[6:]) if text]

    def post(self, url: str, headers: list[tuple[str, str]], content: bytes, timeout: float) -> None:
        """Send metrics. Raises Trouble where they aren't taken within ``timeout`` seconds."""
        request = urllib.request.Request(url, content, dict(headers), method="POST")  # noqa: S310 - http or https, as the options make sure
        if self._authorization:
            request.add_header("Authorization", self._authorization)
        self._ask(request, timeout)

    def reach(self, timeout: float) -> None:
        """See whether somebody is there. Raises Trouble if not, or if it is elsewhere."""
        try:
            self._ask(urllib.request.Request(f"{self.url}/-/ready"), timeout)  # noqa: S310 - as above
        except Trouble as trouble:
            if trouble.code is None:
                raise  # with any other answer it is there: not every gateway has this page

    def _ask(self, request: urllib.request.Request, timeout: float) -> None:
        opener = bounded_opener(Countdown(timeout, self._clock))
        try:
            with opener.open(request, timeout=timeout):
                pass
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Trouble(f"{self.url} can't be reached: {self._told(str(reason) or type(reason).__name__)}") from None

    def _refused(self, error: urllib.error.HTTPError) -> Trouble:
        if 300 <= error.code < 400:
            return Trouble(f"{self.url} answers that it has moved{moved_to(error)}: set gateway to where it is")
        try:
            answer = self._told(error.read(MOST_ANSWER).decode(errors="replace").strip())
        except (OSError, http.client.HTTPException, ValueError):
            answer = ""
        words = f"{error.code} {self._told(error.reason)}" + (f": {answer}" if answer else "")
        return Trouble(
            f"{self.url} answers {words}", code=error.code, after=self._asked_pause(error.headers.get("Retry-After"))
        )

    def _asked_pause(self, retry_after: str | None) -> float:
        """For how many seconds it asks to be left alone, in either form that HTTP has; 0 if it doesn't."""
        if not retry_after:
            return 0.0
        try:
            if retry_after.isdigit():
                seconds = float(retry_after)
            else:
                seconds = parsedate_to_datetime(retry_after).timestamp() - self._clock.now()
        except (ValueError, OverflowError):
            return 0.0
        return min(max(seconds, 0.0), LONGEST_PAUSE)

    def _told(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return one_line(text, MOST_ANSWER)


def moved_to(error: urllib.error.HTTPError) -> str:
    """Where a redirect leads, without what may be secret in it."""
    try:
        parts = urlsplit(error.headers.get("Location", ""))
    except ValueError:  # it is no address
        return ""
    return one_line(f" to {parts.scheme}://{parts.hostname}", MOST_ANSWER) if parts.hostname else ""
