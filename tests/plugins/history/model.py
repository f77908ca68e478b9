"""An incident in memory: the same sums as a store keeps, and the same keeper, a thousand times as quick."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from typing import Any

from jobreporter_history._incidents.transitions import CELL, Decision, Known, decide, is_quiet
from jobreporter_history._records.incidents import Happening

OPENING = ("opened", "regressed", "flapping", "missed")


class Model:
    """One job, all of whose failures are one incident. Times are seconds."""

    def __init__(self, kind: str = "exception", repeat: float | None = None) -> None:
        self._kind = kind
        self._repeat = repeat
        self._ok: list[float] = []
        self._failed: list[tuple[float, bool, str]] = []
        #: By their beginning: failures, final ones, and runs.
        self._cells: dict[int, tuple[int, int, int]] = {}
        self._last_final: float | None = None
        self._finals = 0
        #: What was logged: when, what, and whether people are not told.
        self.log: list[tuple[float, Decision, bool]] = []
        self._known: dict[str, Any] = {"state": "pending", "opened_at": None, "resolved_at": None}
        self._known |= {"fixed_release": None, "silenced_until": None, "told_at": None}

    def succeed(self, at: float) -> None:
        """The job succeeded."""
        insort(self._ok, at)
        self._count(at, 0, 0)

    def fail(self, at: float, *, final: bool = True, release: str | None = None) -> None:
        """The job failed."""
        insort(self._failed, (at, final, release or ""))
        self._last_final = max(self._last_final or at, at) if final else self._last_final
        self._finals += final
        self._count(at, 1, int(final))

    def tick(self, now: float) -> list[str]:
        """What the keeper decides then."""
        happened: list[str] = []
        while self._failed and (decision := decide(self.known, self, now, self._repeat)) is not None:
            self.apply(decision, now)
            happened.append(decision.happening)
            assert len(happened) < 5
        return happened

    def apply(self, decision: Decision, now: float) -> None:
        """Log a decision."""
        quiet = is_quiet(decision, self.known, now)
        self.log.append((now, decision, quiet))
        self._known |= {"state": decision.state, **decision.changes}
        if not quiet:
            self._known["told_at"] = now

    @property
    def known(self) -> Known:
        return Known(
            id=1,
            kind=self._kind,
            failed=len(self._failed),
            final=self._finals,
            first_seen=self._failed[0][0],
            last_fail=self._failed[-1][0],
            last_final=self._last_final,
            seq=len(self.log),
            **self._known,
        )

    @property
    def told(self) -> list[str]:
        """What people are told, in order."""
        return [decision.happening for _, decision, quiet in self.log if not quiet]

    # What a decision may ask

    def failures(self, since: float, until: float) -> tuple[int, int]:
        cells = [self._cells.get(t, (0, 0, 0)) for t in self._between(since, until)]
        return sum(failed for failed, _, _ in cells), sum(final for _, final, _ in cells)

    def failure_cells(self, since: float, until: float) -> dict[int, int]:
        return {t: self._cells[t][0] for t in self._between(since, until) if t in self._cells}

    def run_cells(self, since: float, until: float) -> dict[int, int]:
        return {t: self._cells[t][2] for t in self._between(since, until) if t in self._cells}

    def _between(self, since: float, until: float) -> Iterable[int]:
        """The cells that begin within the range."""
        return range(-int(-since // CELL) * CELL, -int(-until // CELL) * CELL, CELL)

    def _count(self, at: float, failed: int, final: int) -> None:
        cell = int(at // CELL) * CELL
        before = self._cells.get(cell, (0, 0, 0))
        self._cells[cell] = (before[0] + failed, before[1] + final, before[2] + 1)

    def runs(self, since: float, until: float) -> int:
        ok = bisect_right(self._ok, until) - bisect_left(self._ok, since)
        return ok + bisect_left(self._failed, (until + 0.001,)) - bisect_left(self._failed, (since,))

    def successes(self, after: float, enough: int) -> int:
        return min(len(self._ok) - bisect_right(self._ok, after), enough)

    def ran(self, after: float) -> bool:
        return self.successes(after, 1) > 0

    def openings(self, since: float) -> list[float]:
        return [at for at, decision, _ in self.log if at >= since and decision.happening in OPENING]

    def happened(self, happening: Happening) -> float | None:
        return max((at for at, decision, _ in self.log if decision.happening == happening), default=None)

    def fails_in(self, release: str, after: float) -> bool:
        releases = list(dict.fromkeys(each for _, _, each in self._failed if each))
        order = {name: place for place, name in enumerate(releases)}
        fixed = order.get(release, len(order))
        return any(not each or order[each] >= fixed for at, _, each in self._failed if at > after)
