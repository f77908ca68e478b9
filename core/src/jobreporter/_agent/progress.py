"""How far reporters have read, and since when the stream has answered, by the stream's own clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobreporter._system.clock import Clock
from jobreporter.streams import Beat, Ledger

# Seconds without an answer after which it counts as not asked: this process may have been stopped. By as much a clock that
# was set leaves time out that nobody has seen pass.
_GAP = 60.0


class ReadUpTo(NamedTuple):
    """How far a reporter has read (Unix seconds, by the stream's clock)."""

    #: Everything that was stored before has been handed out.
    at: float
    #: Since when the stream has answered without a gap; 0 where there was none since the agent was started.
    answered_since: float
    now: float


class Progress:
    """Written by the feeder's thread, read by any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = 0.0
        self._answered_at: float | None = None
        self._answered_since = 0.0
        #: What the stream's clock was ahead of the monotonic one at the last answer.
        self._offset: float | None = None
        #: When it was set forward, by the time that it has had since.
        self._advanced_at: float | None = None
        self._behind_since: float | None = None
        self._ledgers: tuple[float, Sequence[Ledger]] | None = None

    def now(self) -> float:
        """Unix seconds by the stream's clock, as well as they are known."""
        return self._clock.time() + self._ahead

    def heard(self, beat: Beat | None) -> None:
        """The stream has told when this agent's own sign of life came."""
        if beat is not None:
            self._ahead = beat.at - self._clock.time()

    def interrupted(self) -> None:
        """The stream could not be asked."""
        self._answered_at = None

    def answered(self) -> None:
        """A whole turn went well."""
        now = self._clock.monotonic()
        first = self._answered_at is None and self._ledgers is None
        if not first and (self._answered_at is None or now - self._answered_at > _GAP or self._was_set()):
            self._answered_since = self.now()
        self._answered_at = now
        self._note_advance()
        self._offset = self.now() - now

    def was_advanced(self, within: float) -> bool:
        """Whether the clock was set forward in the last so many seconds: what was stored before seems older than it is."""
        self._note_advance()
        return self._advanced_at is not None and self.now() - self._advanced_at <= within

    def _note_advance(self) -> None:
        if self._set_by() > _GAP:
            self._advanced_at = self.now()

    def _was_set(self) -> bool:
        """Whether the clock was set since the last answer."""
        return abs(self._set_by()) > _GAP

    def _set_by(self) -> float:
        """By how many seconds the clock was set since the last answer."""
        return 0.0 if self._offset is None else self.now() - self._clock.monotonic() - self._offset

    def took_in(self, *, everything: bool) -> None:
        """Whether all that was in the spool of this machine is in the stream."""
        if everything:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self.now()

    def looked(self, ledgers: Sequence[Ledger], asked_at: float) -> None:
        """The ledgers, as they were at that time or later."""
        self._ledgers = (asked_at, ledgers)

    def of(self, reporter: str) -> ReadUpTo | None:
        """How far a reporter has read; ``None`` while that is not known."""
        if self._ledgers is None or self._was_set():
            return None
        at, ledgers = self._ledgers
        waits = [each.oldest_at for each in ledgers if each.reporter == reporter and each.oldest_at is not None]
        if (behind_since := self._behind_since) is not None:
            waits.append(behind_since)
        return ReadUpTo(min([at, *waits]), self._answered_since, self.now())
