"""A relay: hands on the events of the agent's stream to another stream, as they are.

It is a reporter to the stream that it reads, with a lease, a position and a ledger, and a producer to the one that it
appends to. It settles what the target has acknowledged. Killed in between, it or another agent hands the same on again,
under the same numbers, and the target knows them: each event is there once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from jobreporter._agent.holdings import RENEW_EVERY, Start
from jobreporter._agent.portion import Portion
from jobreporter._agent.presence import BROKEN_FOR
from jobreporter._agent.relay_batches import Reading
from jobreporter._agent.relay_leases import RelayLeases
from jobreporter._agent.relay_side import Away, Side
from jobreporter._agent.relay_track import (
    Track,
    beginning,
    going_on,
    last_numbers,
    misfit,
    notes_of,
    producer_of,
)
from jobreporter._agent.turns import Turns
from jobreporter._config.records import ReporterConfig
from jobreporter._lane.operator_log import Throttle
from jobreporter._stream.handover import Part, hand_over
from jobreporter._stream.process import ProcessBeat, Relayed
from jobreporter._system.clock import Clock
from jobreporter._system.wakeup import Wakeup
from jobreporter.context import Origin
from jobreporter.streams import Entry, Lease, Settlement, Stream, StreamRefused, Window

logger = logging.getLogger("jobreporter")

# Seconds between two signs of life at the target.
_BEAT_EVERY = 10.0
# Seconds that one partition may take at a time: leases have to be renewed in between.
_PIECE = 2.0
# Seconds that it waits at most for something new.
_WAIT = 0.25


class Relay:
    """For one thread.

    reporters: all that this agent runs, with where new ones begin: they have to become known at once. owner: what the
    agent is called.
    """

    def __init__(
        self,
        config: ReporterConfig,
        source: Callable[[], Stream],
        target: Callable[[], Stream],
        clock: Clock,
        *,
        reporters: Mapping[str, Start],
        owner: bytes,
        origin: Origin,
    ) -> None:
        self.name = config.name
        self.settings = config.lane
        self._clock = clock
        self._origin = origin
        self._source = Side(f"relay {self.name!r}: the stream", source, clock)
        self._target = Side(f"relay {self.name!r}: its target", target, clock)
        self._leases = RelayLeases(config, self._source, clock, reporters=reporters, owner=owner, origin=origin)
        self._tracks: dict[int, Track] = {}
        self._turns = Turns(clock)
        self._portion = Portion()
        self._in_trouble_since: float | None = None
        # There may be something new where there was nothing before.
        self._is_to_read = True
        self._came_back = 0
        self._circle = Throttle(clock)
        #: Wakes it when it waits.
        self.wakeup = Wakeup(clock)
        #: Nothing more is read.
        self.stopping = False
        #: What its target would not have, by reason: see `LaneStats.lost_by_reporter`.
        self.lost: Counter[str] = Counter()

    @property
    def trouble(self) -> str | None:
        """Why it gets nothing done; ``None`` while it does."""
        return self._source.trouble or self._target.trouble

    def out_of_order_since(self, now: float) -> float | None:
        """The monotonic time since when it gets nothing done; ``None`` while it does."""
        return self._in_trouble_since

    def turn(self) -> bool:
        """Do what there is to do. Returns whether there may be more at once."""
        busy = False
        try:
            if self._source.is_due:
                self._keep()
                if self._target.is_due:
                    busy = self._hand_on()
                    self._source.works()
                    self._target.works()
                    self._in_trouble_since = None
        except Exception as error:
            if not isinstance(error, Away):
                self._source.failed(error)  # a fault of the relay's own must not end it without a word
            # Where it stands is read anew: nobody knows which of the last calls were executed.
            self._tracks.clear()
            self._leases.register_again()
            if self._in_trouble_since is None:
                self._in_trouble_since = self._clock.monotonic()
        return busy

    def wait(self, timeout: float) -> None:
        """Wait for new events, ``timeout`` seconds at most."""
        heads = {number: track.head for number, track in self._tracks.items() if track.head is not None}
        if self.trouble is not None or not heads or self.stopping:
            self.wakeup.wait(timeout)
            return
        try:
            with self._source.talking() as source:
                self._is_to_read |= source.wait(heads, timeout)
        except Away:
            self.wakeup.wait(timeout)

    def run(self) -> None:
        """Go on until it is to stop, and give the leases up."""
        while not self.stopping:
            if not self.turn():
                self.wait(_WAIT)
        self.close()

    def stop(self) -> None:
        """Have it end with what it is at. For other threads."""
        self.stopping = True
        self.wakeup.wake()

    def close(self) -> None:
        """Let others have the leases at once. At the target it leaves its signs of life, where another one takes over."""
        try:
            self._leases.release()
        except Away:
            pass  # they run out
        self._source.close()
        self._target.close()

    def _keep(self) -> None:
        """Keep the leases, and let the target know that it lives."""
        self._leases.keep(broken=self._is_broken)
        self._tracks = {
            each: track for each, track in self._tracks.items() if track.lease is self._leases.held.get(each)
        }
        if self._turns.is_due("beat", _BEAT_EVERY) and self._target.is_due:
            self._give_signs_of_life()

    @property
    def _is_broken(self) -> bool:
        since = self._in_trouble_since
        return since is not None and self._clock.monotonic() - since >= BROKEN_FOR

    def _give_signs_of_life(self) -> None:
        """For the executions that have begun through it: while it lives, the target's agents take nobody for lost."""
        for track in self._tracks.values():
            with self._target.talking() as target:
                target.beat(track.producer, self._beat(track.notes))

    def _beat(self, notes: Relayed) -> bytes:
        return ProcessBeat(role="relay", origin=self._origin, relayed=notes, passes=self._leases.passes).encoded()

    def _hand_on(self) -> bool:
        busy = False
        if self._target.trouble is not None:
            # One that has given its partitions up would otherwise seem to be in order, and get them back.
            with self._target.talking() as target:
                target.beats()
        # One that was set back has new events where its head has been already, and wakes nobody.
        is_to_read, self._is_to_read = self._is_to_read or self._turns.is_due("read", RENEW_EVERY), False
        for partition in list(self._leases.held):
            self._keep()
            if partition not in self._leases.held or self.stopping:
                continue
            track = self._tracks.get(partition) or self._begun(partition)
            if track is not None and (is_to_read or track.head != track.end):
                busy |= self._hand_on_from(track)
        return busy

    def _begun(self, partition: int) -> Track | None:
        """Find out where it stands."""
        with self._source.talking() as source:
            lease = self._leases.acquire(source, partition)
            identity = source.identity
        if lease is None:
            return None
        producer = producer_of(identity, self.name, partition)
        with self._target.talking() as target:
            if target.identity == identity:
                raise StreamRefused("it is the stream that the relay reads")
            path = (identity, target.identity)
            notes, partitions = notes_of(target, producer), target.partitions
        with self._source.talking() as source:
            why = self._news(source, lease) if notes is None else misfit(lease, notes, source)
        if notes is not None and why is None:
            track = going_on(lease, producer, notes, partitions)
        else:
            with self._target.talking() as target:
                last = last_numbers(target, producer)
            with self._source.talking() as source:
                track = beginning(lease, producer, last, source)
            with self._target.talking() as target:
                target.beat(producer, self._beat(track.notes))
        track.path = path
        if why is not None:
            logger.warning("relay %r, partition %d: %s", self.name, partition, why)
        self._tracks[partition] = track
        return track

    def _news(self, source: Stream, lease: Lease) -> str | None:
        """What there is to say where the target doesn't know the relay: nothing, if it is new."""
        mine = (lease.reporter, lease.partition)
        start = next((each.start for each in source.ledgers() if (each.reporter, each.partition) == mine), None)
        if start in (None, lease.position):
            return None
        return "its target doesn't know it: it was emptied or is another one, and gets what comes from here on"

    def _hand_on_from(self, track: Track) -> bool:
        with self._source.talking() as source, self._portion.reading():
            window = source.read(track.lease.partition, track.end - bool(track.key), self._portion.bytes)
            entries = _following(track, window)
            if entries == [] and window.head > track.end:  # the entry before was all that one read may take
                window = source.read(track.lease.partition, track.end, self._portion.bytes)
                entries = _following(track, window)
        if entries is None:
            del self._tracks[track.lease.partition]  # to find out where it stands now
            return False
        track.head = window.head
        if not entries:
            return False
        reading = Reading(entries, track.end, self.name, track.lease.partition, track.path)
        until = self._clock.monotonic() + _PIECE
        last = entries[0]
        for parts, last in reading.calls(track.numbers, track.sent, lambda: self._clock.monotonic() >= until):
            self._append(track, parts, last)
        self._settle(track, last, reading)
        return True

    def _append(self, track: Track, parts: list[Part], last: Entry) -> None:
        def noted(part: Part) -> None:
            track.sent[part.partition] = part.last

        notes = Relayed(base=track.notes.base, since=track.notes.since, end=last.end, key=last.key)
        with self._target.talking() as target:
            outcome = hand_over(target, track.producer, parts, self._beat(notes), noted=noted)
        track.notes = notes
        if outcome.repeated:
            self.lost["repeated"] += outcome.repeated
        if outcome.rolled_back:
            track.notes = msgspec.structs.replace(notes, since=track.end)
            logger.warning(
                "relay %r, partition %d: its target was set back to an older state, and gets what comes from here on",
                self.name,
                track.lease.partition,
            )

    def _settle(self, track: Track, last: Entry, reading: Reading) -> None:
        dead = tuple(reading.dead)
        handled = last.end - track.end - reading.filtered - sum(letter.events for letter in dead)
        settlement = Settlement(
            begin=track.end, end=last.end, last_key=last.key, handled=handled, filtered=reading.filtered, dead=dead
        )
        with self._source.talking() as source:
            answer = source.settle(track.lease, settlement)
        if answer == "settled":
            track.end, track.key = last.end, last.key
            self._tell_of_circle(reading.came_back)
        else:
            del self._tracks[track.lease.partition]

    def _tell_of_circle(self, came_back: int) -> None:
        """What it hands on comes back to it: nobody may have meant that."""
        self._came_back += came_back
        if self._came_back and self._circle.due() is not None:
            logger.warning(
                "relay %r: relays lead round in a circle: %d events had been at its target before, and are not handed on again",
                self.name,
                self._came_back,
            )
            self._came_back = 0


def _following(track: Track, window: Window) -> list[Entry] | None:
    """The entries that come next. ``None`` where they don't follow on what was read before.

    The source was set back to an older state, or what lies between has expired.
    """
    if window.head < track.end:
        return None
    entries = list(window.entries)
    if track.key and entries and entries[0].offset < track.end:
        before = entries.pop(0)
        if (before.end, before.key) != (track.end, track.key):
            return None
    if entries and entries[0].offset > track.end:
        return None
    return entries
