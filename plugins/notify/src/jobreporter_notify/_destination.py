"""One of those who are told: what it is due to be told, and telling it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from jobreporter_history.store import Notice, Outbox
from jobreporter_notify._address import Address, NotToldError
from jobreporter_notify._editor import Editor
from jobreporter_notify._pacing import HOLD, WINDOW, Pace, pause, plan

logger = logging.getLogger("jobreporter.notify")

#: Seconds that a claim lasts: with a tick, another process has it within 30 s after a kill.
LEASE = 24.0
# Notices that are looked at in one go.
_MOST = 200
# Seconds for which the same trouble is told once.
_SILENCE = 3600.0


class Destination:
    """name: what the config calls it. wait: seconds that a notice is held up on purpose. monotonic: never goes back."""

    def __init__(
        self,
        name: str,
        address: Address,
        outbox: Outbox,
        editor: Editor,
        *,
        wait: float,
        monotonic: Callable[[], float],
    ) -> None:
        self.name = name
        self.address = address
        self._outbox = outbox
        self._editor = editor
        self._wait = wait
        self._monotonic = monotonic
        self._pace = Pace(address.pace)
        self._in_trouble = False
        self._silent_until = 0.0

    def follow(self) -> None:
        """See to it that what happens from now on will be told."""
        self._outbox.claim(limit=0)

    def tell(self, until: float) -> bool:
        """Tell what is due. until: monotonic time after which no message is begun. Returns whether anything was sent."""
        if not self._pace.is_free(self._monotonic()):
            return False
        due = self._outbox.claim(limit=_MOST, settled=self._wait, lease=LEASE)
        if not due:
            return False
        messages, held = plan(due, self._outbox.told_lately(WINDOW))
        if held:
            self._outbox.give_back(*held, after=HOLD, untried=True)
        for index, notices in enumerate(messages):
            now = self._monotonic()
            late = index > 0 and (now >= until or not self._pace.is_free(now))
            if late or not self._send(notices):
                rest = [notice for each in messages[index + (not late) :] for notice in each]
                self._outbox.give_back(*rest, untried=True)
                break
        return True

    def _send(self, notices: Sequence[Notice]) -> bool:
        """Send one message. Returns whether the next one may follow."""
        if not self._outbox.renew(*notices, lease=LEASE):
            return True  # this process was held up for so long that another one has them
        message = self._editor.message(notices)
        try:
            self._pace.sent(self._monotonic())
            self.address.send(message)
        except NotToldError as error:
            after = pause(min(notice.tries for notice in notices))
            self._outbox.give_back(*notices, after=after)
            self._failed(error, after)
            return False
        self._outbox.told(*notices)
        self._went_well()
        return True

    def _failed(self, error: NotToldError, after: float) -> None:
        now = self._monotonic()
        if self._in_trouble and now < self._silent_until:
            return
        self._in_trouble, self._silent_until = True, now + _SILENCE
        logger.warning("%s can't be told: %s; tried again after %.0f s, until it can", self.name, error, after)

    def _went_well(self) -> None:
        if self._in_trouble:
            self._in_trouble = False
            logger.warning("%s is told again", self.name)
