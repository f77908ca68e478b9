"""An hour in which a vendor can't be reached: what piles up in the stream, second by second, and how it drains."""

from __future__ import annotations

from typing import NamedTuple

#: Events of a job that succeeds: started, success, stopped.
EVENTS_PER_JOB = 3
#: Seconds after which a reporter that was put off is asked again at the latest.
LONGEST_PAUSE = 30
#: Events that an agent has in its hands for a reporter: the default capacity of a lane.
WINDOW = 10_000


class Costs(NamedTuple):
    """What an event takes that waits in Redis, and what it takes to hand it out. Bytes and seconds."""

    #: Of Redis' memory, and what of it counts against ``max_bytes``.
    memory: float
    data: float
    #: What Redis writes to its append-only file for it.
    written: float
    #: Processor time of an agent for one reporter.
    agent: float


class Fleet(NamedTuple):
    """Who works meanwhile. outage: seconds. max_bytes: of ``[stream]``. kills: agents that are killed in all that time."""

    jobs_per_second: float = 1000.0
    outage: int = 3600
    max_bytes: float = float("inf")
    kills: int = 1

    @property
    def events_per_second(self) -> float:
        return self.jobs_per_second * EVENTS_PER_JOB


class Outcome(NamedTuple):
    """How it went, for the one reporter. Events, bytes and seconds."""

    accepted: float
    handled: float
    #: What was beyond ``max_bytes``, and is counted as such.
    expired: float
    #: The most that waited at a time.
    waiting: float
    memory: float
    data: float
    written: float
    #: From the end of the outage until nothing waits that came before.
    drain: float
    #: The oldest event that waited, at the worst.
    lag: float
    #: Events that come twice, at most: a window for each agent that is killed.
    duplicates: int


def simulate(fleet: Fleet, costs: Costs) -> Outcome:
    """Second by second, until nothing waits. Raises ValueError where one agent does not keep up with what comes."""
    comes, carried = fleet.events_per_second, 1 / costs.agent
    if carried <= comes:
        raise ValueError(f"one agent carries {carried:,.0f} events a second, and {comes:,.0f} come")
    begins = fleet.outage + LONGEST_PAUSE
    room = fleet.max_bytes / costs.data
    accepted = handled = expired = waiting = most = 0.0
    second = 0
    while second < fleet.outage or waiting > 0:
        accepted += comes
        waiting += comes
        if second >= begins:
            taken = min(waiting, carried)
            handled += taken
            waiting -= taken
        if waiting > room:
            expired += waiting - room
            waiting = room
        most = max(most, waiting)
        second += 1
    return Outcome(
        accepted=accepted,
        handled=handled,
        expired=expired,
        waiting=most,
        memory=most * costs.memory,
        data=most * costs.data,
        written=most * costs.written,
        drain=second - fleet.outage,
        lag=most / comes,
        duplicates=fleet.kills * WINDOW,
    )
