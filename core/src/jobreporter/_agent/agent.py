"""The agent: its lanes, the thread that watches them, and the thread that works with the stream."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from functools import partial

import msgspec

from jobreporter._agent.feeder import Feeder
from jobreporter._agent.ingest import Ingest
from jobreporter._agent.lane import WindowLane
from jobreporter._agent.progress import ReadUpTo
from jobreporter._agent.relay import Relay
from jobreporter._agent.schedule_lane import factory_for
from jobreporter._agent.status import partitions_without_effect
from jobreporter._config.agreement import SCHEDULES
from jobreporter._config.records import ReporterConfig
from jobreporter._dispatch.watchdog import Watchdog
from jobreporter._dispatch.wiring import Wiring, schedules_of
from jobreporter._publish.identity import Identity
from jobreporter._stream.decode import decode
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.process import decode_process
from jobreporter._stream.relay_settings import resolve_target
from jobreporter._stream.reopenable import Reopenable
from jobreporter._stream.settings import StreamConfig, resolve_stream
from jobreporter._system.clock import SYSTEM, Clock
from jobreporter.context import Context, LaneStats, LiveAgent, Producer, Running
from jobreporter.events import Started
from jobreporter.streams import Ledger, Stream

logger = logging.getLogger("jobreporter")

# Seconds between two looks at the lanes.
_LOOK = 0.25
# Seconds that the feeder waits at most for something new. A spool has nobody to wake it.
_WAIT = 0.25
_WAIT_FOR_SPOOL = 0.1
# Seconds that closing takes at most beyond what a lane's hook may take.
_MARGIN = 5.0


class Agent:
    """Runs the reporters of a wiring on a stream, from `start` to `stop`, and watches the schedules of its config."""

    def __init__(
        self, wiring: Wiring, stream: StreamConfig, clock: Clock = SYSTEM, *, watches_schedules: bool = True
    ) -> None:
        self._wiring = wiring
        self._clock = clock
        self._identity = Identity()
        self._owner = os.urandom(8)
        opener = partial(_opened, stream, wiring)
        factories = list(wiring.factories)
        if watches_schedules and (schedules := schedules_of(wiring.config)):
            reading = partial(self._read_up_to, SCHEDULES)
            factories.append(factory_for(wiring.config, schedules, opener, reading))
        self.lanes = [WindowLane(factory, self._context, clock) for factory in factories]
        reporters = {each.config.name: each.config.lane.start for each in factories}
        reporters.update({each.name: each.lane.start for each in wiring.relays})
        self.relays = [
            Relay(
                each,
                opener,
                partial(_target, each, wiring),
                clock,
                reporters=reporters,
                owner=self._owner,
                origin=self._context().origin,
            )
            for each in wiring.relays
        ]
        #: All that it runs.
        self.runs: tuple[WindowLane | Relay, ...] = (*self.lanes, *self.relays)
        self._watchdogs = [Watchdog(lane, clock, lambda: None) for lane in self.lanes]
        self._digest = _digest(wiring)
        self._stream = stream
        self._has_spool = stream.spool is not None
        reopenable = Reopenable(opener)
        opened = self._opened = reopenable.as_stream()
        ingest = None if stream.spool is None else Ingest(stream.spool, opened, clock, logger.warning)
        self.feeder = Feeder(
            opened,
            self.lanes,
            clock,
            owner=self._owner,
            origin=self._context().origin,
            retention=stream.retention,
            ingest=ingest,
            config=self._digest,
            relays=self.relays,
            open_again=reopenable.open_again,
        )
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the lanes, the two threads that look after them, and that of each relay."""
        if warning := partitions_without_effect(self._opened, self._stream):
            logger.warning("the stream: %s", warning)
        for watchdog in self._watchdogs:
            watchdog.start()
        threads = {"watch": self._watch, "feed": self._feed}
        threads.update({f"relay_{relay.name}": relay.run for relay in self.relays})
        for name, target in threads.items():
            thread = threading.Thread(target=target, name=f"jobreporter-agent_{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> bool:
        """Have every lane flush, settle that, and give the leases up. Returns whether all lanes and relays ended in time."""
        patience = max((lane.settings.timeout for lane in self.lanes), default=0.0) + _MARGIN
        by = self._clock.monotonic() + patience
        logger.info("the agent ends: its reporters flush, which may take %g s", patience)
        self.feeder.stopping = True
        for lane in self.lanes:
            lane.stop(by)
        for relay in self.relays:
            relay.stop()
        while not (in_time := all(watchdog.over for watchdog in self._watchdogs)):
            if self._clock.monotonic() >= by:
                break
            self._ended.wait(0.02)
        self._ended.set()
        for thread in self._threads:
            thread.join(patience)
            in_time &= not thread.is_alive()
        for lane in self.lanes:
            lane.end()
        self.feeder.close()
        return in_time

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK):
            for watchdog in self._watchdogs:
                watchdog.look()

    def _feed(self) -> None:
        longest = _WAIT_FOR_SPOOL if self._has_spool else _WAIT
        while not self._ended.is_set():
            if not self.feeder.turn():
                self.feeder.wait(0.02 if self.feeder.stopping else longest)

    def _read_up_to(self, reporter: str) -> ReadUpTo | None:
        return self.feeder.read_up_to(reporter)

    def _context(self) -> Context:
        context = self._wiring.context(self._identity, self.stats)
        return msgspec.structs.replace(
            context, open=self.open, running=self.running, producers=self.producers, agents=self.agents
        )

    def stats(self) -> dict[str, LaneStats]:
        """What became of every event, by reporter, as the stream said last."""
        ledgers = list(self.feeder.ledgers)
        stats = {lane.name: self._of_lane(lane, self._in_ledgers(lane.name, ledgers)) for lane in self.lanes}
        for relay in self.relays:
            stats[relay.name] = msgspec.structs.replace(
                self._in_ledgers(relay.name, ledgers),
                lost_by_reporter=dict(relay.lost),
                status="running" if relay.trouble is None else "broken",
                reason=relay.trouble,
            )
        return stats

    def _in_ledgers(self, name: str, all_ledgers: list[Ledger]) -> LaneStats:
        ledgers = [each for each in all_ledgers if each.reporter == name]
        oldest = min((each.oldest_at for each in ledgers if each.oldest_at is not None), default=None)
        return LaneStats(
            accepted=sum(each.accepted for each in ledgers),
            handled=sum(each.handled for each in ledgers),
            filtered=sum(each.filtered for each in ledgers),
            dead=sum(each.dead for each in ledgers),
            expired=sum(each.expired for each in ledgers),
            unknown=sum(each.unknown for each in ledgers),
            pending=sum(each.pending for each in ledgers),
            lag_seconds=0.0 if oldest is None else max(0.0, self._clock.time() - oldest),
        )

    def _of_lane(self, lane: WindowLane, found: LaneStats) -> LaneStats:
        return msgspec.structs.replace(
            found,
            unflushed=min(lane.counts.unflushed, found.pending),
            restarts=lane.restarts,
            abandoned=lane.abandoned,
            failed_flushes=lane.failed_flushes,
            retries=lane.retries,
            lost_by_reporter=lane.losses.by_reason,
            status=lane.status,
            reason=lane.reason,
        )

    def open(self) -> list[Started]:
        """The executions that run anywhere."""
        return [each.started for each in self.running()]

    def running(self) -> list[Running]:
        """The same, each with the process that it comes from."""
        found: list[Running] = []
        for execution in list(self.feeder.open_executions):
            try:
                batch = decode(execution.data)
            except Unreadable:
                continue
            started = [event for event in batch.events if isinstance(event, Started)]
            found += [Running(started=each, origin=batch.origin) for each in started]
        return found

    def agents(self) -> list[LiveAgent]:
        """The agents that live, as this one saw them last."""
        return [
            LiveAgent(origin=said.origin, reporters=said.reporters, same_config=said.config == self._digest)
            for said in self.feeder.agents.values()
        ]

    def producers(self) -> list[Producer]:
        """The processes that append to the stream."""
        found = []
        for beat in list(self.feeder.beats.values()):
            said = decode_process(beat.data)
            if said is not None and said.role == "worker":
                found.append(Producer(origin=said.origin, last_beat=beat.at, ledger=said.ledger))
        return found


def _opened(stream: StreamConfig, wiring: Wiring) -> Stream:
    """Its secrets are read afresh, where they come from a config: they may have changed since."""
    config = wiring.config
    return (stream if config.stream is None else resolve_stream(config)).open()


def _target(relay: ReporterConfig, wiring: Wiring) -> Stream:
    """What a relay appends to. A secret is read afresh: it may have changed since."""
    return resolve_target(relay, wiring.config).open()


def _digest(wiring: Wiring) -> str:
    """The same for configs that say the same of what agents do, as they stand in their files.

    Options may be secrets, and this is shown to whoever can read the stream: so it is made slow to guess at.
    """
    said = [
        (each.name, each.use, each.when, each.lane, each.options)
        for each in (*(factory.config for factory in wiring.factories), *wiring.relays)
    ]
    table = wiring.config.stream
    # Where the stream and its spool are may differ from machine to machine.
    stream = {} if table is None else {key: table.options[key] for key in table.options if key not in ("url", "spool")}
    everything = (sorted(said, key=lambda each: each[0]), wiring.config.schedules, stream)
    encoded = msgspec.msgpack.encode(everything, enc_hook=repr, order="deterministic")
    return hashlib.pbkdf2_hmac("sha256", encoded, b"jobreporter config", 50_000)[:8].hex()
