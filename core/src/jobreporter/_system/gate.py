"""Where jobreporter's own threads stand still while the process forks."""

from __future__ import annotations

from jobreporter._system.clock import SYSTEM
from jobreporter._system.wakeup import Latch

# Seconds after which nobody believes any more that a fork is still going on.
LONGEST_FORK = 5.0


class Gate:
    """Closed for as long as at least one thread of the process forks.

    Own threads ask for it wherever they are about to run what isn't jobreporter's: a hook, a logging handler, an import.
    """

    def __init__(self) -> None:
        # One for each thread that forks. Appending and popping are atomic, so no lock is held at a fork.
        self._forks: list[Latch] = []

    @property
    def closed(self) -> bool:
        return bool(self._forks)

    def close(self) -> None:
        """A thread is about to fork."""
        self._forks.append(Latch(SYSTEM))

    def open(self) -> None:
        """It has forked."""
        if self._forks:
            self._forks.pop().open()

    def stand(self) -> None:
        """Wait until nobody forks."""
        for fork in list(self._forks):
            if not fork.wait(LONGEST_FORK) and fork in self._forks:
                self._forks.remove(fork)

    def renew(self) -> None:
        """In a forked child: nobody forks."""
        self._forks = []


GATE = Gate()
