"""Deeds that are done now and then, each by a thread with dice of its own."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable


class NowAndThen:
    """Deeds, from when they are added until `stop`. dice: those of a name. pace: seconds between two deeds, about."""

    def __init__(self, dice: Callable[[str], random.Random], pace: float) -> None:
        self._dice = dice
        self._pace = pace
        self.counts: Counter[str] = Counter()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        #: What went wrong in one of the threads.
        self.complaints: list[str] = []

    def stop(self) -> None:
        """Everybody has come back when this returns."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _add(self, name: str, slowness: float, deed: Callable[[random.Random], None]) -> None:
        dice = self._dice(name)

        def run() -> None:
            try:
                while not self._over.wait(dice.uniform(0.3, 1.7) * self._pace * slowness):
                    deed(dice)
            except Exception as error:
                self.complaints.append(f"{name}: {type(error).__name__}: {error}")

        thread = threading.Thread(target=run, name=name)
        self._threads.append(thread)
        thread.start()

    def _pause(self, seconds: float) -> None:
        self._over.wait(seconds)
