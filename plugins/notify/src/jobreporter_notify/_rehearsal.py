"""A test message to everybody, at the same time: one that doesn't answer mustn't hide how the others do."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from jobreporter_notify._address import Address, NotToldError
from jobreporter_notify._message import TEST


def untold(addresses: Sequence[tuple[str, Address]], patience: float) -> list[str]:
    """Who doesn't get a test message, and why. patience: seconds that all of them have together."""
    rehearsals = [_Rehearsal(name, address) for name, address in addresses]
    until = time.monotonic() + patience
    for each in rehearsals:
        each.join(max(until - time.monotonic(), 0.0))
    return [
        f"{each.name}: {each.failure or f'no answer within {patience:g} s'}" for each in rehearsals if not each.told
    ]


class _Rehearsal(threading.Thread):
    def __init__(self, name: str, address: Address) -> None:
        super().__init__(name=name, daemon=True)
        self._address = address
        self.told = False
        self.failure: str | None = None
        self.start()

    def run(self) -> None:
        try:
            self._address.send(TEST)
        except NotToldError as error:
            self.failure = str(error)
        else:
            self.told = True
