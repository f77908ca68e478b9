"""Which agents live, and which of them runs what.

Each agent gives signs of life and looks at those of the others. One whose counter stands still for a while of the
looker's own time is gone; no clock is compared.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from jobreporter._stream.process import ProcessBeat, decode_process
from jobreporter._system.clock import Clock
from jobreporter.streams import Beat

#: Seconds that an agent's counter stands still before it counts as gone: then its leases have run out too.
GONE_AFTER = 10.0
#: Seconds between two signs of life of an agent that are to be expected at most.
LATE_AFTER = 5.0
#: Seconds after which a reporter that is out of order gives its partitions up.
BROKEN_FOR = 60.0


class Seen(NamedTuple):
    """A counter, and since when it stands there (monotonic)."""

    counter: int
    since: float


class Agents:
    """The agents that live, as this one sees them."""

    def __init__(self, own: bytes, clock: Clock) -> None:
        self._own = own
        self._clock = clock
        self._seen: dict[bytes, Seen] = {}
        #: What each says of itself, this one included.
        self.alive: dict[bytes, ProcessBeat] = {}
        #: Whether one of them should have been heard of, and may be gone soon.
        self.late = False

    def look(self, beats: Mapping[bytes, Beat], myself: ProcessBeat) -> None:
        """Take in the signs of life that there are."""
        now = self._clock.monotonic()
        alive = {self._own: myself}
        late = False
        for agent, beat in beats.items():
            said = decode_process(beat.data)
            if said is None or said.role != "agent" or agent == self._own:
                continue
            seen = self._seen.get(agent)
            if seen is None or seen.counter != beat.counter:
                seen = self._seen[agent] = Seen(beat.counter, now)
            if now - seen.since < GONE_AFTER:
                alive[agent] = said
                late |= now - seen.since >= LATE_AFTER
        self._seen = {agent: seen for agent, seen in self._seen.items() if agent in beats}
        self.alive, self.late = alive, late

    def share(self, reporter: str, partitions: int, policy: Literal["one", "share"]) -> Sequence[int]:
        """The partitions of a reporter that are this agent's to hand out.

        An agent where the reporter has been out of order for long gives its share up, as long as there is one where it
        isn't.
        """
        having = sorted(agent for agent, said in self.alive.items() if reporter in said.reporters)
        sound = [agent for agent in having if reporter not in self.alive[agent].broken]
        agents = sound or having
        if not agents:
            return ()
        first = zlib.crc32(reporter.encode())  # several reporters are spread over agents
        if policy == "one":
            return range(partitions) if agents[first % len(agents)] == self._own else ()
        return [number for number in range(partitions) if agents[(first + number) % len(agents)] == self._own]

    def strangers(self, config: str) -> list[ProcessBeat]:
        """The agents that were started with another config."""
        return [said for agent, said in self.alive.items() if agent != self._own and said.config != config]
