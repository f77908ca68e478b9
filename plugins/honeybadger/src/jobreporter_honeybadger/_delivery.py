"""Getting a request through: what each answer means, and when to ask again."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, NoReturn

from jobreporter import BrokenReporter, one_line
from jobreporter_honeybadger._clock import Clock, Deadline
from jobreporter_honeybadger._connection import Answer, Connection, NoAnswer, Request
from jobreporter_honeybadger._pause import Account, pause

# Seconds. After the first attempt, and at the most: doubled each time, and half of it by chance, so that a fleet of
# workers does not come back to a struggling server all at once.
_FIRST_BACKOFF = 0.25
_LONGEST_BACKOFF = 4.0

# An attempt that would have less time than this is not made.
_SHORTEST_ATTEMPT = 0.05

# Statuses that say that the key is wrong or the account not active. Asking again changes nothing until a human does.
_KEY_REFUSED = frozenset({401, 402, 403})
_KEY_PAUSE = 300.0

# Statuses that pass: a timeout, too many requests, and every 5xx.
_PASSING = frozenset({408, 425, 429})
_TOO_LARGE = 413

# After a delivery that failed in spite of all attempts. It is enough for the next start to meet it, whereupon
# jobreporter's own backoff takes over, up to 30 s: events wait in their buffer instead of failing one after the other.
_SHORTEST_PAUSE = 1.0
# A server that asks for a longer pause may have meant something else.
_LONGEST_PAUSE = 3600.0


class NotDelivered(Exception):  # noqa: N818 - it says what happened
    """Honeybadger did not take it, for the reason in the message."""


class TooLarge(NotDelivered):
    """Honeybadger would take it if it were smaller."""


class Delivery:
    """Sends requests for one account."""

    def __init__(self, connection: Connection, account: Account, budget: float, clock: Clock) -> None:
        self._connection = connection
        self._account = account
        self._budget = budget
        self._clock = clock

    def deadline(self) -> Deadline:
        """The time that one event has, from now on."""
        return Deadline(self._budget, self._clock)

    def send(self, request: Request, deadline: Deadline) -> None:
        """Return once Honeybadger has taken it.

        Raises BrokenReporter if the key is refused, TooLarge if the body is too large, and NotDelivered if it was
        refused or if no attempt before the deadline got through. The first and the last of these are remembered, so
        that the server is left alone for a while.
        """
        for attempt in count():
            asked_for = None
            try:
                answer = self._ask(request, deadline)
            except NoAnswer as error:
                trouble = f"Honeybadger can't be reached: {one_line(str(error), 200)}"
            else:
                if 200 <= answer.status < 300:
                    return
                trouble = f"Honeybadger answered {answer.status}{self._words(answer)}"
                if answer.status in _KEY_REFUSED:
                    self._refused(answer)
                if answer.status == _TOO_LARGE:
                    raise TooLarge(trouble)
                if answer.status not in _PASSING and answer.status < 500:
                    raise NotDelivered(trouble)
                asked_for = seconds_of(answer.retry_after, self._clock.now())
            wait = max(self._backoff(attempt), asked_for or 0.0)
            if wait + _SHORTEST_ATTEMPT > deadline.left:
                self._give_up(trouble, attempt + 1, asked_for)
            self._clock.sleep(wait)

    def _ask(self, request: Request, deadline: Deadline) -> Answer:
        # Half of the budget at most, so that a connection that died unnoticed leaves time for a new one.
        timeout = max(min(deadline.left, self._budget / 2), _SHORTEST_ATTEMPT)
        return self._connection.ask(request, connect_timeout=self._budget / 4, timeout=timeout)

    def _backoff(self, attempt: int) -> float:
        longest = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** min(attempt, 16))
        return float(longest * (0.5 + self._clock.random() / 2))

    def _refused(self, answer: Answer) -> NoReturn:
        reason = (
            f"Honeybadger refuses the api_key ({answer.status}{self._words(answer)}): it is wrong, or the account is not"
            f" active; asked again after {_KEY_PAUSE / 60:.0f} minutes, and at once with another key"
        )
        pause(self._account, reason, _KEY_PAUSE, self._clock)
        raise BrokenReporter(reason)

    def _give_up(self, trouble: str, attempts: int, asked_for: float | None) -> NoReturn:
        tried = f"{trouble} ({attempts} attempt{'s' if attempts > 1 else ''})"
        if asked_for is None:
            pause(self._account, trouble, _SHORTEST_PAUSE, self._clock)
        else:
            reason = f"{trouble}, and asks for a pause of {asked_for:.0f} s"
            pause(self._account, reason, max(asked_for, _SHORTEST_PAUSE), self._clock)
        raise NotDelivered(tried)

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
