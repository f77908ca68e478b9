"""Which partitions of its source are a relay's to hand on. As with any reporter, one agent has each, by a lease."""

from __future__ import annotations

from collections.abc import Mapping

from jobreporter._agent.holdings import LEASE, RENEW_EVERY, Start, from_now_on, renewed_in_vain
from jobreporter._agent.presence import Agents
from jobreporter._agent.relay_side import Side
from jobreporter._agent.relay_track import passed
from jobreporter._agent.turns import Turns
from jobreporter._config.records import ReporterConfig
from jobreporter._stream.process import ProcessBeat
from jobreporter._system.clock import Clock
from jobreporter.context import Origin
from jobreporter.streams import Lease, Stream


class RelayLeases:
    """For one thread.

    reporters: all that this agent runs, with where new ones begin: they have to become known at once. owner: what the
    agent is called.
    """

    def __init__(
        self,
        config: ReporterConfig,
        source: Side,
        clock: Clock,
        *,
        reporters: Mapping[str, Start],
        owner: bytes,
        origin: Origin,
    ) -> None:
        self._name = config.name
        self._policy = config.lane.agents
        self._source = source
        self._reporters = reporters
        self._owner = owner
        self._origin = origin
        self._agents = Agents(owner, clock)
        self._turns = Turns(clock)
        self._registered = False
        #: By partition.
        self.held: dict[int, Lease] = {}
        #: The streams that what it hands on has come through.
        self.passes: tuple[bytes, ...] = ()

    def register_again(self) -> None:
        """Nobody knows what the source knows."""
        self._registered = False

    def keep(self, *, broken: bool) -> None:
        """Renew them, and take and give up what the other agents make it.

        broken: whether the relay has been out of order for long.
        """
        if not self._registered:
            with self._source.talking() as source:
                source.register(self._reporters)
            self._reporters = from_now_on(self._reporters)
            self._registered = True
        if not self._turns.is_due("leases", RENEW_EVERY):
            return
        with self._source.talking() as source:
            name = (self._name,)
            myself = ProcessBeat(role="agent", origin=self._origin, reporters=name, broken=name if broken else ())
            beats = source.beats()
            self._agents.look(beats, myself)
            self.passes = tuple(sorted({source.identity, *passed(beats.values())}))
            for lease in renewed_in_vain(source, list(self.held.values())):
                del self.held[lease.partition]
            self._share(source)

    def _share(self, source: Stream) -> None:
        mine = self._agents.share(self._name, source.partitions, self._policy)
        for partition in [each for each in self.held if each not in mine]:
            source.release(self.held[partition])
            del self.held[partition]
        for partition in mine:
            if partition not in self.held and self.acquire(source, partition) is None:
                self._turns.put_off("leases", 1.0)  # it is given up, or runs out

    def acquire(self, source: Stream, partition: int) -> Lease | None:
        """Take a partition, or have its lease as it is now; ``None`` if somebody else has it."""
        lease = source.acquire(self._name, partition, self._owner, LEASE)
        if lease is None:
            self.held.pop(partition, None)
        else:
            self.held[partition] = lease
        return lease

    def release(self) -> None:
        """Let others have them at once. Raises Away where that can't be said: then they run out."""
        for lease in self.held.values():
            with self._source.talking() as source:
                source.release(lease)
