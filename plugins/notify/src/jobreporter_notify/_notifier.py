"""Everybody who is told, at every tick, and what is said where that can't be done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from jobreporter import Undeliverable, one_line
from jobreporter_history.store import Store, StoreError
from jobreporter_notify._destination import Destination
from jobreporter_notify._rehearsal import untold

logger = logging.getLogger("jobreporter.notify")

# Seconds of a tick after which no message is begun: the last one may take its own time, all within a lane's usual timeout.
_ENOUGH = 3.0
# Seconds that a test message may take beyond what a service has to answer.
_MARGIN = 2.0
# Seconds for which a store may be missing that another reporter is about to make, and those for which trouble is told once.
_GRACE, _SILENCE = 30.0, 3600.0


class Notifier:
    """All who are told, by one reporter. monotonic: seconds that never go back. send_timeout: in which a service answers."""

    def __init__(
        self, store: Store, destinations: list[Destination], monotonic: Callable[[], float], send_timeout: float
    ) -> None:
        self._monotonic = monotonic
        self._store = store
        self._destinations = destinations
        self._send_timeout = send_timeout
        self._began = self._monotonic()
        self._trouble = _Trouble(False, 0.0)

    def follow(self) -> None:
        """See to it that what happens from now on will be told, if the store is there already."""
        try:
            for destination in self._destinations:
                destination.follow()
        except StoreError as error:
            logger.debug("the history can't be followed yet: %s", error)

    def tick(self) -> None:
        """Tell what is due. Whoever was told something is last in the next tick, so that nobody slow holds up the others."""
        until = self._monotonic() + _ENOUGH
        try:
            for destination in list(self._destinations):
                if self._monotonic() >= until:
                    break
                if destination.tell(until):
                    self._destinations.remove(destination)
                    self._destinations.append(destination)
        except StoreError as error:
            self._failed(error)
        else:
            self._went_well()

    def test(self) -> None:
        """Send a test message to everybody at the same time. Raises Undeliverable with everybody who doesn't get it."""
        failed = untold([(each.name, each.address) for each in self._destinations], self._send_timeout + _MARGIN)
        if failed:
            raise Undeliverable("; ".join(failed))

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _failed(self, error: StoreError) -> None:
        now = self._monotonic()
        if now < max(self._began + _GRACE, self._trouble.silent_until):
            return
        self._trouble = _Trouble(True, now + _SILENCE)
        logger.warning(
            "nobody can be told of incidents, since the history can't be used: %s", one_line(str(error), 300)
        )

    def _went_well(self) -> None:
        if self._trouble.told:
            self._trouble = _Trouble(False, 0.0)
            logger.warning("people are told of incidents again")


class _Trouble(NamedTuple):
    """With the store. silent_until: monotonic."""

    told: bool
    silent_until: float
