"""What became of every event, for each reporter, from the counters of all who count."""

from __future__ import annotations

from collections.abc import Mapping

from jobreporter._dispatch.pump import Pump
from jobreporter._lane.lane import Lane
from jobreporter._publish.ingress import Ingress
from jobreporter._publish.tally import KindTally
from jobreporter.context import LaneStats


class Ledger:
    """Adds up the counters of one process. Each has one writer, and no lock is needed to read them.

    An append is acceptance. The pump counts what it took and refused, a lane's buffer what it dropped, a lane's thread
    what it handled, failed and filtered, and a tally what found no room or came too late.
    """

    def __init__(self, ingress: Ingress, pump: Pump) -> None:
        self._ingress = ingress
        self._pump = pump
        self._late = KindTally()
        self._accepted = 0

    def sweep(self) -> None:
        """Count what is left in the ingress, or comes there, after the dispatcher has closed."""
        while True:
            try:
                item = self._ingress.items.popleft()
            except IndexError:
                return
            self._late.add(item)

    def stats(self, lane: Lane) -> LaneStats:
        """One reporter's ledger. What comes in while it is read counts as pending."""
        counts = lane.counts  # before what was accepted, so that nothing is settled before it was accepted
        late, overflowed, echoed = self._late.by_kind, self._ingress.overflowed.by_kind, self._ingress.echoed.by_kind
        refused = self._pump.intake.settled.refused
        dropped_kinds: dict[str, Mapping[str, int]] = {
            **refused,
            "capacity": lane.buffer.dropped,
            "ingress": overflowed,
            "echo": echoed,
            "closed": _sum(lane.buffer.unsent, late, refused.get("closed", {})),
        }
        dropped = {reason: sum(by_kind.values()) for reason, by_kind in dropped_kinds.items()}
        never_taken = sum(sum(by_kind.values()) for by_kind in (late, overflowed, echoed))
        # What the pump has just taken out is nowhere for a moment, and what was accepted once stays so.
        accepted = max(self._accepted, self._pump.intake.accepted + self._ingress.waiting + never_taken)
        self._accepted = accepted
        status, reason = lane.status, lane.reason
        if self._pump.trouble is not None and status != "closed":
            status, reason = "broken", self._pump.trouble
        return LaneStats(
            accepted=accepted,
            **counts._asdict(),
            dropped={reason: count for reason, count in dropped.items() if count},
            dropped_kinds={reason: dict(by_kind) for reason, by_kind in dropped_kinds.items() if by_kind},
            pending=accepted - counts.settled - sum(dropped.values()),
            restarts=lane.restarts,
            abandoned=lane.abandoned,
            failed_flushes=lane.failed_flushes,
            retries=lane.retries,
            lost_by_reporter=lane.losses.by_reason,
            status=status,
            reason=reason,
        )


def _sum(*counts: Mapping[str, int]) -> dict[str, int]:
    kinds = dict.fromkeys(kind for by_kind in counts for kind in by_kind)
    return {kind: sum(by_kind.get(kind, 0) for by_kind in counts) for kind in kinds}
