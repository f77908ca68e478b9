"""What is this agent's to do: partitions of reporters, and tasks that one agent does for all. Each is its own by a lease."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from jobreporter._agent.lane import WindowLane
from jobreporter._agent.presence import Agents
from jobreporter._agent.turns import Turns
from jobreporter.streams import Lease, Stream

#: Seconds that a lease lasts, and between two renewals.
LEASE = 10.0
RENEW_EVERY = LEASE / 3


#: Where a reporter begins that a stream doesn't know.
Start = Literal["now", "oldest"]


def from_now_on(beginnings: Mapping[str, Start]) -> dict[str, Start]:
    """Where they begin once the stream has known them and knows them no more: it was emptied, and some may have come since."""
    return dict.fromkeys(beginnings, "oldest")


def renewed_in_vain(stream: Stream, leases: Sequence[Lease]) -> list[Lease]:
    """Renew leases. Returns those that somebody else has taken meanwhile."""
    return [lease for lease, held in zip(leases, stream.renew(leases, LEASE), strict=True) if not held]


class Holdings:
    """For one thread.

    owner: what the agent is called. agents: those that live, whose shares the others' partitions are. taken: called with a
    partition that a reporter has begun to read.
    """

    def __init__(
        self,
        stream: Stream,
        owner: bytes,
        lanes: Sequence[WindowLane],
        *,
        agents: Agents,
        turns: Turns,
        taken: Callable[[int], object],
    ) -> None:
        self._stream = stream
        self._owner = owner
        self._windows = {lane.name: lane.windows for lane in lanes}
        self._agents = agents
        self._turns = turns
        self._taken = taken
        self._tasks: dict[str, Lease] = {}
        #: By reporter and partition.
        self.partitions: dict[tuple[str, int], Lease] = {}
        #: Whether the stream lacks a reporter that was registered: somebody has forgotten it, or the stream was emptied.
        self.unregistered = True

    def renew(self) -> None:
        """Keep what is held, and drop what somebody else has taken meanwhile."""
        for lease in renewed_in_vain(self._stream, [*self.partitions.values(), *self._tasks.values()]):
            if lease.reporter in self._tasks:
                del self._tasks[lease.reporter]
            else:
                self.drop(lease)

    def share(self, lane: WindowLane, *, stopping: bool, at_once: bool = False) -> bool:
        """Take and give up partitions of a reporter. Returns whether somebody else has what is to be this agent's.

        at_once: what was handed out is not waited for, since it may never be settled.
        """
        lacking = False
        mine = () if stopping else self._agents.share(lane.name, self._stream.partitions, lane.settings.agents)
        for partition in range(self._stream.partitions):
            held = self.partitions.get((lane.name, partition))
            if partition in mine:
                if held is None:
                    lacking |= not self.acquire(lane.name, partition)
                else:
                    lane.windows.keep(partition)
            elif held is not None and (at_once or lane.windows.drain(partition)):
                self.drop(held)
                self._stream.release(held)
        return lacking

    def acquire(self, reporter: str, partition: int) -> bool:
        """Take a partition, unless somebody has it, and open its window. Returns whether it is this agent's now."""
        lease = self.look_at(reporter, partition)
        if lease is not None:
            self.partitions[reporter, partition] = lease
            self._windows[reporter].open(lease)
            self._taken(partition)
        return lease is not None

    def look_at(self, reporter: str, partition: int) -> Lease | None:
        """The lease of a partition as the stream has it, if it is this agent's or nobody's."""
        try:
            return self._stream.acquire(reporter, partition, self._owner, LEASE)
        except ValueError:
            self.unregistered = True
            return None

    def drop(self, lease: Lease) -> None:
        """It is somebody else's now, with all that isn't settled."""
        self.partitions.pop((lease.reporter, lease.partition), None)
        self._windows[lease.reporter].abandon(lease.partition)

    def begin_anew(self, astray: Iterable[tuple[str, int]]) -> None:
        """Drop what is nowhere in the stream, which was trimmed meanwhile, set back, or has lost some by itself.

        To register puts the stream in order, and says what is to come instead.
        """
        for name in astray:
            self.drop(self.partitions[name])
            self.unregistered = True
            self._turns.put_off("presence", 0)

    def has_task(self, name: str) -> bool:
        """Whether a task is this agent's; one that nobody has becomes so."""
        if name not in self._tasks:
            if not self._turns.is_due(name, RENEW_EVERY):
                return False
            lease = self._stream.acquire(name, 0, self._owner, LEASE)
            if lease is None:
                return False
            self._tasks[name] = lease
        return True

    def has_all_of(self, reporter: str) -> bool:
        """Whether every partition of a reporter is this agent's. For any thread."""
        return sum(name == reporter for name, _ in list(self.partitions)) == self._stream.partitions

    def release(self) -> None:
        """Let others have everything at once."""
        for lease in [*self.partitions.values(), *self._tasks.values()]:
            self._stream.release(lease)
