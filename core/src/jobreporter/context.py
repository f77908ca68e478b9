"""Where a reporter runs, and how its lane and its neighbours fare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

LaneStatus = Literal["running", "backing_off", "wedged", "broken", "closed"]


class LaneStats(msgspec.Struct, frozen=True, kw_only=True):
    """One reporter's ledger in this process: ``accepted = handled + failed + filtered + dropped + pending``.

    All counts are of events since the process began to report.
    """

    #: Events that were published.
    accepted: int = 0
    #: Events that the reporter took without raising.
    handled: int = 0
    #: Events that it crashed on or hung on.
    failed: int = 0
    #: Events that it didn't want: kept back by ``when``, or of a kind that it has no hook for.
    filtered: int = 0
    #: Events that were lost before it saw them, by reason: ``capacity`` (its buffer was full), ``ingress`` (more came
    #: than the pump could take), ``echo`` (published by a reporter), ``repeated`` (an execution that had ended),
    #: ``invalid`` (published raw, and no event or no plain data), ``closed`` (left when the dispatcher closed, or
    #: published after).
    dropped: dict[str, int] = {}
    #: Events that wait for it or are in its hands.
    pending: int = 0
    #: How often it was started again after a crash or a hang.
    restarts: int = 0
    #: How many of its threads hung and were given up.
    abandoned: int = 0
    #: How often its ``reporter_flush`` raised. Events count as handled once its handlers took them: what it only kept
    #: until that flush may be lost.
    failed_flushes: int = 0
    #: The dropped events by reason and kind: ``{"capacity": {"started": 3}}``. What was no event is ``unknown``.
    dropped_kinds: dict[str, dict[str, int]] = {}
    status: LaneStatus = "running"
    #: Why it isn't running, in a sentence; ``None`` while it is.
    reason: str | None = None

    @property
    def lost(self) -> int:
        """Events that the reporter should have handled and did not."""
        return self.failed + sum(self.dropped.values())


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What `reporter_start` learns about where it runs. The first three come from the config's ``[context]``."""

    service: str | None = None
    environment: str | None = None
    release: str | None = None
    host: str
    pid: int
    #: jobreporter's version.
    version: str
    #: The ledger of every reporter of this process, by name.
    stats: Callable[[], dict[str, LaneStats]]
