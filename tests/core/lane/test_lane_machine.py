"""A lane's ledger and order, against a model that counts by itself, in any order of what may happen to a lane.

Nothing here is a thread: what threads do is done step by step, a thread that was given up and comes back late included.
"""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobreporter import Event
from jobreporter._dispatch.wiring import from_objects
from jobreporter._lane.flush import Flush
from jobreporter._lane.in_flight import InFlight
from jobreporter._lane.lane import Lane
from jobreporter._system.clock import SYSTEM
from jobreporter.testing import Recorder, make_event
from tests.core.lane.batches import batch

kinds = st.sampled_from(["started", "started", "success", "stopped"])
outcomes = st.sampled_from(["handled", "failed", "filtered"])


class LaneMachine(RuleBasedStateMachine):
    """Offers, takes, settles, crashes, gives up and closes, and says after each step what the ledger must be."""

    @initialize(capacity=st.integers(1, 12), overflow=st.sampled_from(["drop_newest", "drop_oldest"]))
    def start(self, capacity: int, overflow: str) -> None:
        """An empty lane."""
        lane = {"capacity": capacity, "overflow": overflow}
        (factory,) = from_objects({"r": Recorder()}, {"reporters": {"r": {"lane": lane}}}).factories
        self.lane = Lane(factory, lambda: None, SYSTEM)  # type: ignore[arg-type,return-value]  # nothing is started
        self.capacity, self.drops_newest = capacity, overflow == "drop_newest"
        self.number = 0
        self.waiting: list[Event] = []
        self.in_hand: list[Event] = []
        self.at: Event | None = None
        self.counts = dict.fromkeys(["handled", "failed", "filtered", "dropped", "unsent"], 0)
        self.seen: list[float] = []
        self.late: list[InFlight] = []
        self.flushes: list[tuple[set[float], Flush]] = []
        self.closed = False

    def fits(self, event: Event) -> bool:
        """Whether there is room: a fifth is kept for outcomes."""
        reserve = self.capacity // 5 if type(event).__name__ == "Started" else 0
        return len(self.waiting) + 1 <= self.capacity - reserve

    def admit(self, event: Event) -> None:
        """What the policy says."""
        while not self.fits(event):
            victims = [] if self.drops_newest else [each for each in self.waiting if type(each).__name__ == "Started"]
            if not (victims or self.drops_newest or type(event).__name__ == "Started"):
                victims = self.waiting
            self.counts["dropped"] += 1
            if not victims:
                return
            self.waiting.remove(victims[0])
        self.waiting.append(event)

    @rule(some=st.lists(kinds, min_size=2, max_size=8))
    def offer(self, some: list[str]) -> None:
        """The pump brings a batch."""
        events = [make_event(kind, at=float(self.number + index)) for index, kind in enumerate(some)]
        self.number += len(events)
        self.lane.offer(batch(tuple(events), 100))
        for event in events:
            if self.closed:
                self.counts["unsent"] += 1
            else:
                self.admit(event)

    @precondition(lambda self: not self.in_hand and self.at is None)
    @rule()
    def take(self) -> None:
        """The thread fills its hand: with the oldest, as many as it gets."""
        took = self.lane.in_flight.take()
        left = self.lane.buffer.waiting
        assert took == (len(self.waiting) > left)
        self.in_hand, self.waiting = self.waiting[: len(self.waiting) - left], self.waiting[len(self.waiting) - left :]

    @precondition(lambda self: self.in_hand and self.at is None)
    @rule()
    def call(self) -> None:
        """The thread calls a handler: the event is the next in order, and never came before."""
        self.at = next(self.lane.in_flight.events)
        assert self.at is self.in_hand.pop(0)
        assert not self.seen or self.seen[-1] < self.at.at
        self.seen.append(self.at.at)

    @precondition(lambda self: self.at is not None)
    @rule(how=outcomes)
    def settle(self, how: str) -> None:
        """The handler returns, raises, or the event isn't wanted."""
        setattr(self.lane.in_flight, how, getattr(self.lane.in_flight, how) + 1)
        self.counts[how] += 1
        self.at = None

    @rule(hows=st.lists(outcomes, min_size=1, max_size=4))
    def work(self, hows: list[str]) -> None:
        """A few events, one after the other."""
        for how in hows:
            if self.at is None and not self.in_hand:
                self.take()
            if self.at is None and self.in_hand:
                self.call()
            if self.at is not None:
                self.settle(how)

    @precondition(lambda self: self.in_hand or self.at is not None)
    @rule()
    def give_up(self) -> None:
        """The thread hangs: what it is at has failed, and its successor gets the rest, before all that waits."""
        self.late.append(self.lane.in_flight)
        self.lane.next_turn()
        self._let_go()

    def _let_go(self) -> None:
        self.counts["failed"] += self.at is not None
        self.waiting, self.in_hand, self.at = self.in_hand + self.waiting, [], None

    @precondition(lambda self: self.late)
    @rule(index=st.integers(0, 9))
    def come_back(self, index: int) -> None:
        """A thread that was given up finishes its call: it gets nothing more, and what it counts is thrown away."""
        in_flight = self.late[index % len(self.late)]
        in_flight.handled += 1
        assert next(in_flight.events, None) is None
        assert not in_flight.take()

    @rule()
    def request(self) -> None:
        """Somebody asks for a flush, which concerns what is there now."""
        flush = Flush(["r"], SYSTEM, 10)
        self.lane.request(flush)
        concerned = [*self.in_hand, *self.waiting, *([self.at] if self.at else [])]
        self.flushes.append(({event.at for event in concerned}, flush))

    @rule()
    def answer(self) -> None:
        """The thread flushes if it should, and answers whom it may."""
        if self.lane.flush_requested():
            self.lane.flushed(ok=True)
        elif not (self.in_hand or self.waiting or self.at):
            assert all(not flush.waiting for _, flush in self.flushes), "an empty lane keeps nobody waiting"

    @precondition(lambda self: self.number > 40)
    @rule()
    def end(self) -> None:
        """The dispatcher closes."""
        self.lane.end()
        self._let_go()
        self.counts["unsent"] += len(self.waiting)
        self.waiting, self.closed = [], True

    @invariant()
    def the_ledger_closes(self) -> None:
        """What was offered is settled, dropped, unsent, or there."""
        lane, counts = self.lane, self.counts
        assert lane.counts._asdict() == {how: counts[how] for how in ("handled", "failed", "filtered")} | {
            "unflushed": 0
        }
        assert sum(lane.buffer.dropped.values()) == counts["dropped"]
        assert sum(lane.buffer.unsent.values()) == counts["unsent"]
        assert lane.buffer.waiting == len(self.waiting)
        there = len(self.waiting) + len(self.in_hand) + (self.at is not None)
        assert self.number == sum(counts.values()) + there

    @invariant()
    def no_flush_is_answered_early(self) -> None:
        """Not before everything that it concerns is gone."""
        there = {event.at for event in (*self.in_hand, *self.waiting, *([self.at] if self.at else []))}
        for concerned, flush in self.flushes:
            assert flush.waiting or self.closed or there.isdisjoint(concerned)


class TestLane(LaneMachine.TestCase):  # type: ignore[misc]
    """Runs the machine: any sequence of steps leaves the ledger closed, and the order kept."""

    settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
