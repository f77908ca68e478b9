"""Getting a request through: what each answer means, and whether to ask again."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, NoReturn

from jobreporter import BrokenReporter, TryAgain, Undeliverable, one_line
from jobreporter_honeybadger._account import KEY_PAUSE, Account, refused
from jobreporter_honeybadger._connection import Answer, Connection, NoAnswer, Request

# Statuses that say that the key is wrong or the account not active. Asking again changes nothing until a human does.
_KEY_REFUSED = frozenset({401, 402, 403})
# Statuses that pass: a timeout, too many requests, and every 5xx.
_PASSING = frozenset({408, 425, 429})
_TOO_LARGE = 413

# Seconds. A server that asks for a longer pause may have meant something else.
_LONGEST_PAUSE = 3600.0


class NotDelivered(Exception):  # noqa: N818 - it says what happened
    """Honeybadger did not take it, for the reason in the message, and may do so later."""


class TooLarge(Undeliverable):
    """Honeybadger would take it if it were smaller."""


class Delivery:
    """Sends requests for one account. timeout: seconds for each."""

    def __init__(self, connection: Connection, account: Account, timeout: float) -> None:
        self._connection = connection
        self._account = account
        self._timeout = timeout

    def send(self, request: Request) -> None:
        """Return once Honeybadger has taken it.

        Raises TryAgain where it may take it later, after the pause that it asks for; TooLarge if the body is too large;
        Undeliverable if it will not take it; and BrokenReporter if it refuses the key.
        """
        try:
            answer = self._ask(request)
        except NoAnswer as error:
            raise TryAgain from NotDelivered(f"Honeybadger can't be reached: {one_line(str(error), 200)}")
        if 200 <= answer.status < 300:
            return
        trouble = f"Honeybadger answered {answer.status}{self._words(answer)}"
        if answer.status in _KEY_REFUSED:
            self._refused(answer)
        if answer.status == _TOO_LARGE:
            raise TooLarge(trouble)
        if answer.status not in _PASSING and answer.status < 500:
            raise Undeliverable(trouble)
        raise TryAgain(seconds_of(answer.retry_after, time())) from NotDelivered(trouble)

    def _ask(self, request: Request) -> Answer:
        """The answer; where a kept connection turns out to be lost, over a new one, each in half of the time."""
        half = self._timeout / 2
        was_kept = self._connection.is_kept
        try:
            return self._connection.ask(request, connect_timeout=half / 2, timeout=half)
        except NoAnswer:
            if not was_kept:
                raise
        return self._connection.ask(request, connect_timeout=half / 2, timeout=half)

    def _refused(self, answer: Answer) -> NoReturn:
        reason = (
            f"Honeybadger refuses the api_key ({answer.status}{self._words(answer)}): it is wrong, or the account is not"
            f" active; asked again after {KEY_PAUSE / 60:.0f} minutes, and at once with another key"
        )
        refused(self._account, reason)
        raise BrokenReporter(reason)

    def _words(self, answer: Answer) -> str:
        """What the server says about it, after a colon; nothing if it says nothing. It must not quote the key."""
        text = answer.body.decode("utf-8", "replace").strip()
        try:
            said: Any = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict):
            text = str(said.get("error") or said.get("errors") or said.get("message") or text)
        text = text.replace(self._account.api_key.reveal(), "[api_key]")
        return f": {one_line(text, 200)}" if text else ""


def seconds_of(retry_after: str | None, now: float) -> float | None:
    """How long a ``Retry-After`` asks to wait: a number of seconds or a date, an hour at most; ``None`` if it is neither.

    now: Unix seconds.
    """
    if retry_after is None:
        return None
    try:
        seconds = float(int(retry_after))
    except (ValueError, OverflowError):
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE)
