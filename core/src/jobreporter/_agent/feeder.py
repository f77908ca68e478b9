"""All that an agent does with the stream, on one thread: it fills windows, settles, keeps leases, and looks after things.

Lanes do no such work: they take from their window and say what went well. Whatever a stream raises ends the turn; the next
one goes on where this one stood. A settlement whose answer was lost is tried again, and known by the position.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from jobreporter._agent.holdings import RENEW_EVERY, Holdings, Start, from_now_on
from jobreporter._agent.ingest import Ingest
from jobreporter._agent.keeper import Keeper
from jobreporter._agent.lane import WindowLane
from jobreporter._agent.loader import Loader
from jobreporter._agent.presence import BROKEN_FOR, Agents
from jobreporter._agent.progress import Progress, ReadUpTo
from jobreporter._agent.relay import Relay
from jobreporter._agent.standing import Standing
from jobreporter._agent.turns import Turns
from jobreporter._lane.operator_log import Throttle
from jobreporter._lane.wording import describe
from jobreporter._stream.process import ProcessBeat
from jobreporter._stream.reopenable import REFUSED_FOR
from jobreporter._system.clock import Clock
from jobreporter._system.wakeup import Wakeup
from jobreporter.context import Origin
from jobreporter.streams import (
    Beat,
    Lease,
    Ledger,
    OpenExecution,
    Retention,
    Settlement,
    Stream,
    StreamError,
    StreamFull,
    StreamRefused,
)

logger = logging.getLogger("jobreporter")

# Seconds until the next look at the other agents where one of them may be gone, or has what is this one's share.
_LOOK_AGAIN = 1.0
# Seconds between two looks at the ledgers.
_LOOK_EVERY = 5.0
# Seconds of a turn that ingest may take.
_INGEST_TIME = 0.5


class Feeder:
    """For one thread.

    ingest: from the spool of this machine, if there is one. open_again: has a stream that refuses be opened anew.
    """

    def __init__(
        self,
        stream: Stream,
        lanes: Sequence[WindowLane],
        clock: Clock,
        *,
        owner: bytes,
        origin: Origin,
        retention: Retention,
        ingest: Ingest | None,
        config: str = "",
        relays: Sequence[Relay] = (),
        open_again: Callable[[], object] = bool,
    ) -> None:
        self._stream = stream
        self._lanes = lanes
        # They have threads and connections of their own: here it is only said that they are this agent's.
        self._runs: tuple[WindowLane | Relay, ...] = (*lanes, *relays)
        #: Where each begins whom the stream doesn't know.
        self._beginnings: Mapping[str, Start] = {each.name: each.settings.start for each in self._runs}
        self._clock = clock
        self._owner = owner
        self._origin = origin
        self._ingest = ingest
        self._config = config
        self._agents = Agents(owner, clock)
        self._progress = Progress(clock)
        self._standing = Standing(clock)
        self._turns = Turns(clock)
        self._loader = Loader(stream, lanes)
        self._holdings = Holdings(
            stream, owner, lanes, agents=self._agents, turns=self._turns, taken=self._loader.look_at
        )
        self._keeper = Keeper(stream, self._holdings, self._turns, self._progress, clock, retention=retention)
        self._trouble = Throttle(clock)
        self._open_again = open_again
        self._refused_until: float | None = None
        #: Wakes it when a reporter is through with events.
        self.wakeup = Wakeup(clock)
        for lane in lanes:
            lane.on_flush = self.wakeup.wake
        self._told_of_strangers = False
        #: Whether all that was in the spool has been taken in once, or there is none.
        self.has_taken_in = ingest is None
        #: Why the stream doesn't take what is in the spool.
        self._not_taken_in: StreamError | None = None
        self._want_ledgers = False
        #: What the stream said last.
        self.ledgers: Sequence[Ledger] = ()
        self.beats: dict[bytes, Beat] = {}
        self.open_executions: Sequence[OpenExecution] = ()
        #: The lanes end: windows are emptied, and nothing is loaded.
        self.stopping = False
        #: Why the stream can't be used; ``None`` while it can.
        self.trouble: str | None = None

    @property
    def agents(self) -> Mapping[bytes, ProcessBeat]:
        """What each agent that lives says of itself, this one included."""
        return self._agents.alive

    def turn(self) -> bool:
        """Do what there is to do. Returns whether there may be more at once."""
        if self._is_refused:
            return False
        try:
            busy = self._turn()
        except StreamRefused as error:
            self._refused_until = self._clock.monotonic() + REFUSED_FOR
            self._open_again()
            self._interrupted(error)
            return False
        except Exception as error:  # a fault of an engine's own must not end the thread without a word
            self._interrupted(error)
            return False
        self._refused_until = None
        if self._not_taken_in is None:
            self.trouble = None
        else:
            self._tell(self._not_taken_in)
        self._progress.answered()
        self._standing.went_well()
        return busy

    @property
    def _is_refused(self) -> bool:
        """Whether somebody has to do something about the stream, and there is no use in asking again so soon."""
        until = self._refused_until
        return until is not None and not self.stopping and self._clock.monotonic() < until

    def _interrupted(self, error: Exception) -> None:
        self._keeper.interrupted()
        self._progress.interrupted()
        self._standing.failed()
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        self.trouble = str(error) if isinstance(error, StreamError) else describe(error)
        if (more := self._trouble.due()) is not None:
            logger.warning("the stream: %s%s", self.trouble, more)

    def _turn(self) -> bool:
        if self._holdings.unregistered:
            self._stream.register(self._beginnings)
            self._beginnings = from_now_on(self._beginnings)
            self._holdings.unregistered = False
        if is_present := self._turns.is_due("presence", RENEW_EVERY):
            self._be_present()
        busy = self._settle()
        if self.stopping:
            return busy
        busy |= self._take_in()
        busy |= self._loader.load(self._holdings.partitions)
        self._holdings.begin_anew(self._loader.astray)
        self._look()
        self._keeper.turn(knows_the_time=is_present)
        return busy

    def _be_present(self) -> None:
        now = self._clock.monotonic()
        gets_nothing_done = self._standing.is_broken
        broken = [lane.name for lane in self._lanes] if gets_nothing_done else []
        for each in self._runs:
            since = each.out_of_order_since(now)
            if since is not None and now - since >= BROKEN_FOR and each.name not in broken:
                broken.append(each.name)
        myself = ProcessBeat(
            role="agent",
            origin=self._origin,
            reporters=tuple(each.name for each in self._runs),
            broken=tuple(broken),
            config=self._config,
            taken_in={} if self._ingest is None else self._ingest.counts(),
        )
        try:
            self._stream.beat(self._owner, myself.encoded())
        except Exception:
            self._standing.is_silent()
            raise
        self.beats = dict(self._stream.beats())
        self._progress.heard(self.beats.get(self._owner))
        self._agents.look(self.beats, myself)
        self._tell_of_strangers()
        self._holdings.renew()
        lacking = False
        for lane in self._lanes:
            lacking |= self._holdings.share(lane, stopping=self.stopping, at_once=gets_nothing_done)
        if self._agents.late or lacking:
            self._turns.put_off("presence", _LOOK_AGAIN)
        # A stream that was set back has new events where its head has been already, and wakes nobody.
        self._loader.heads.clear()

    def _tell_of_strangers(self) -> None:
        strangers = self._agents.strangers(self._config)
        if strangers and not self._told_of_strangers:
            names = ", ".join(sorted({f"{said.origin.host}:{said.origin.pid}" for said in strangers}))
            logger.warning("other agents of this stream were started with another config: %s", names)
        self._told_of_strangers = bool(strangers)

    def _settle(self) -> bool:
        settled = False
        for lane in self._lanes:
            for lease, settlement in lane.windows.settlements():
                settled = True
                answer = self._stream.settle(lease, settlement)
                end = settlement.end if answer == "settled" else None
                if answer == "moved":
                    end = self._settled_up_to(lease, settlement)
                if end is not None:
                    lane.windows.settled(lease.partition, end)
                else:
                    self._holdings.drop(lease)
                    self._holdings.acquire(lane.name, lease.partition)
        return settled

    def _settled_up_to(self, lease: Lease, settlement: Settlement) -> int | None:
        """How far an earlier call has come that was executed, though its answer was lost. More has been flushed since.

        ``None`` if it wasn't that: but for what has expired, nobody else moves a position that is ours.
        """
        now = self._holdings.look_at(lease.reporter, lease.partition)
        if now is None or now.fence != lease.fence or not settlement.begin < now.position <= settlement.end:
            return None
        return now.position

    def _take_in(self) -> bool:
        end = self._clock.monotonic() + _INGEST_TIME
        self._not_taken_in, taken, everything = None, 0, True
        try:
            if self._is_to_take_in():
                assert self._ingest is not None  # noqa: S101 - there would be nothing to take in
                taken = self._ingest.turn(lambda: self._clock.monotonic() >= end)
                everything = self._clock.monotonic() < end
                self.has_taken_in |= everything
        except (StreamFull, StreamRefused) as error:
            # It stays in the spool. What is in the stream already waits for none of it, and may make the room that it needs.
            self._not_taken_in, everything = error, False
        self._progress.took_in(everything=everything)
        return taken > 0

    def _is_to_take_in(self) -> bool:
        """Whether what is in a spool is this agent's to take in: it may be another's on this machine."""
        if self._ingest is None:
            return False
        name = self._ingest.name
        if name is None:  # no worker has come yet
            self.has_taken_in = True
            return False
        return self._holdings.has_task(f".ingest.{name}")

    def read_up_to(self, reporter: str) -> ReadUpTo | None:
        """How far a reporter has read; ``None`` where not all of it is this agent's, or nobody knows."""
        return self._progress.of(reporter) if self._holdings.has_all_of(reporter) else None

    def fresh_ledgers(self) -> Sequence[Ledger]:
        """The ledgers as they were at the end of the last turn; each call has the next turn look again."""
        found, self._want_ledgers = self.ledgers, True
        return found

    def _look(self) -> None:
        if self._turns.is_due("ledgers", _LOOK_EVERY) or self._want_ledgers:
            self._want_ledgers = False
            asked_at = self._progress.now()
            self.ledgers = self._stream.ledgers()
            self._holdings.unregistered |= not {each.name for each in self._runs} <= {
                each.reporter for each in self.ledgers
            }
            self._progress.looked(self.ledgers, asked_at)
            self.open_executions = self._stream.open_executions()

    def wait(self, timeout: float) -> None:
        """Wait for new events, or for a reporter to be through with some, ``timeout`` seconds at most."""
        known = self._loader.heads
        heads = {partition: known[partition] for _, partition in self._holdings.partitions if partition in known}
        if self.trouble is not None or not heads or any(lane.windows.busy for lane in self._lanes):
            self.wakeup.wait(timeout)
            known.clear()
            return
        try:
            if not self._stream.wait(heads, timeout):
                return
        except StreamError as error:
            # A user may have every right but that to wait: then what is new is looked for.
            self._tell(error)
            self.wakeup.wait(timeout)
        known.clear()

    def close(self) -> None:
        """Settle what can be settled, and let others have the leases at once."""
        try:
            self._settle()
            self._holdings.release()
            self._stream.leave(self._owner)
        except StreamError as error:
            logger.warning("the stream, at the end: %s", error)
        if self._ingest is not None:
            self._ingest.close()
        self._stream.close()
