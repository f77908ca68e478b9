"""What became of every event, for each reporter, from the counters of all who count."""

from __future__ import annotations

from jobreporter._ingress import Ingress, Tally
from jobreporter._lane import Lane
from jobreporter._pump import Pump
from jobreporter.context import LaneStats


class Ledger:
    """Adds up the counters of one process. Each has one writer, and no lock is needed to read them.

    An append is acceptance. The pump counts what it took and refused, a lane's buffer what it dropped, a lane's thread
    what it handled, failed and filtered, and a tally what found no room or came too late.
    """

    def __init__(self, ingress: Ingress, pump: Pump) -> None:
        self._ingress = ingress
        self._pump = pump
        #: Events that came after the dispatcher had closed, or were left in the ingress then.
        self.late = Tally()

    def stats(self, lane: Lane) -> LaneStats:
        """One reporter's ledger. What comes in while it is read counts as pending."""
        counts = lane.counts  # before what was accepted, so that nothing is settled before it was accepted
        late, overflowed, echoed = self.late.total, self._ingress.overflowed.total, self._ingress.echoed.total
        dropped = {
            "capacity": sum(lane.buffer.dropped.values()),
            "ingress": overflowed,
            "echo": echoed,
            "closed": lane.buffer.unsent + late,
            **self._pump.refused,
        }
        accepted = self._pump.taken + self._ingress.waiting + late + overflowed + echoed
        return LaneStats(
            accepted=accepted,
            **counts._asdict(),
            dropped={reason: count for reason, count in dropped.items() if count},
            pending=accepted - sum(counts) - sum(dropped.values()),
            restarts=lane.restarts,
            abandoned=lane.abandoned,
            status=lane.status,
            reason=lane.reason,
        )
