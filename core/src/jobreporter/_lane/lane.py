"""One reporter's private path: its buffer, its breaker, its ledger.

What belongs to the lane for good is here. The thread that serves it comes and goes (`thread`), and so do the reporter
and its state (`session`). The pump puts events in and counts what it drops; the lane's thread counts the rest.
"""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from jobreporter._lane.breaker import Breaker
from jobreporter._lane.buffer import Batch, Buffer
from jobreporter._lane.filter import Filter
from jobreporter._lane.flush import Flush, Requests
from jobreporter._lane.in_flight import Counts, InFlight
from jobreporter._lane.losses import Losses
from jobreporter._lane.operator_log import INTERVAL, OperatorLog
from jobreporter._lane.overflow import new_buffer
from jobreporter._lane.wishes import pause_asked_for, reason_for
from jobreporter._system.clock import Clock
from jobreporter._system.locks import free
from jobreporter._system.wakeup import Waker, Wakeup
from jobreporter.context import Context, LaneStatus

if TYPE_CHECKING:
    from jobreporter._plugins.factory import ReporterFactory


class Lane:
    """What the pump, the supervisor and the lane's thread share about one reporter."""

    def __init__(self, factory: ReporterFactory, context: Callable[[], Context], clock: Clock) -> None:
        self.name = factory.config.name
        self.factory = factory
        self.settings = factory.config.lane
        self._context = context
        self.clock = clock
        wanted = Filter.of(factory.config.when, clock.monotonic)
        #: Whether an event passes the config's ``when``; ``None`` where all do.
        self.passes = None if wanted is None else wanted.passes
        self.buffer = self._new_buffer()
        self.breaker = Breaker(clock)
        self.operator_log = OperatorLog(self.name, clock)
        #: Wakes the lane's thread.
        self.wakeup: Waker = Wakeup(clock)
        #: Nothing more will come: hand out what is left, and stop.
        self.closing = False
        #: No thread serves it: too many of its threads hang.
        self.unserved = False
        #: Closed for good.
        self.ended = False
        #: Whether its thread was at an event when it was.
        self._cut_off = False
        self._status: LaneStatus = "running"
        #: Why it isn't running.
        self.reason: str | None = None
        self.restarts = 0
        self.abandoned = 0
        #: How often ``reporter_flush`` raised.
        self.failed_flushes = 0
        #: How often a hook asked to be tried again.
        self.retries = 0
        #: What the reporter told to have lost by itself.
        self.losses = Losses()
        # The monotonic time before which nothing is handed to the reporter, at its own wish.
        self._put_off_until: float | None = None
        #: The monotonic time by which it should have ended; known once it closes.
        self.close_by = 0.0
        self._turn = _thread.allocate_lock()
        # Held while one thread's turn becomes the next one's, which the supervisor and whoever closes may both want.
        self._handover = _thread.allocate_lock()
        self._flushes = Requests(self.name)
        self._untold: deque[str] = deque()
        # The counts of the threads before, and the events in flight of the present one: one tuple, so that a reader never
        # sees events counted twice or not at all.
        self._turns = (Counts(), self._new_in_flight())

    def _new_buffer(self) -> Buffer:
        return new_buffer(self.settings)

    def _new_in_flight(self) -> InFlight:
        return InFlight(self.buffer, self._turn)

    @property
    def status(self) -> LaneStatus:
        """How it fares. Once it has ended it is closed, whatever a thread that comes back late says."""
        return "closed" if self.ended else self._status

    @property
    def out_of_order(self) -> bool:
        """Whether it is in no state to flush, and nobody knows when it will be."""
        return self.unserved or (self.breaker.open and self.status != "running")

    @property
    def in_flight(self) -> InFlight:
        """What the present thread holds."""
        return self._turns[1]

    @property
    def counts(self) -> Counts:
        former, in_flight = self._turns
        return former.plus(in_flight.counts)

    def offer(self, batch: Batch) -> None:
        """Put events into the buffer, as many as there is room for, and wake the thread."""
        self.buffer.offer(batch)
        self.wakeup.wake()

    def free_locks(self) -> None:
        """The pump was interrupted, anywhere: release what it may have been about to release."""
        for lock in (self.buffer.lock, self._flushes.lock, self._turn, self._handover):
            free(lock)

    def request(self, flush: Flush) -> None:
        """Have the reporter flush once it has handled all that was offered up to now.

        One that is out of order keeps nobody waiting.
        """
        self._flushes.add(self.buffer.admitted, flush)
        self._decline()
        self.wakeup.wake()

    def flush_requested(self) -> bool:
        """Whether what came before a requested flush is settled."""
        return len(self._flushes) > 0 and self._flushes.due(self.in_flight.oldest)

    def flushed(self, *, ok: bool) -> None:
        """Answer the requests that this flush was for."""
        self._flushes.answer(self.in_flight.oldest, ok=ok)

    def context(self) -> Context:
        """What the reporter is started with."""
        return msgspec.structs.replace(self._context(), reporter=self.name, lost=self.losses.add)

    def close(self, by: float) -> None:
        """Let the thread hand out the events that are left, and end. by: the monotonic time when nobody waits any more."""
        self.close_by = by
        self.closing = True
        self.wakeup.wake()

    def next_turn(self) -> bool:
        """Take the events in flight from the present thread, for the next one to go on with.

        Returns whether the thread was at an event.
        """
        with self._handover:
            former, in_flight = self._turns
            remains = in_flight.give_up()
            if remains.events:
                self.buffer.put_back(remains.position, remains.events)
            following = self._new_in_flight()
            following.given_up = self.ended
            self._turns = (former.plus(remains.counts), following)
        return remains.cut_off

    def end(self) -> None:
        """Close for good, whatever state it is in: nothing is handed out after this, and what waits is lost."""
        self.ended = True
        if self.next_turn():
            self._cut_off = True
        self.buffer.close()
        self._flushes.answer(ok=False)
        self.wakeup.wake()  # a thread that has nothing to do hears of it, and stops its reporter

    @property
    def lost_at_end(self) -> bool:
        """Whether its end has cost it events: the one that its thread was at, or some that waited."""
        return self._cut_off or bool(self.buffer.unsent)

    def started(self, loop: Waker | None) -> None:
        """The reporter started. loop: what its thread waits on, if the reporter has an event loop."""
        if loop is not None:
            self.wakeup = loop
        self._status, self.reason = "running", None

    def loses_loop(self) -> None:
        """The reporter's event loop is about to end: the thread waits without it."""
        former, self.wakeup = self.wakeup, Wakeup(self.clock)
        former.wake()  # a thread that has just been given up may be about to wait for it

    def put_off(self, hook: str, error: BaseException, until: float) -> None:
        """A hook asked to be tried again, which will be at this monotonic time. Nothing is handed out before."""
        self.retries += 1
        self._put_off_until = until
        self._status, self.reason = "backing_off", f"{hook}: {self.operator_log.describe(reason_for(error))}"
        self._decline()
        self.operator_log.put_off(hook, error, until - self.clock.monotonic())

    def resumed(self) -> None:
        """The hook that had asked to be tried again went well."""
        self._put_off_until = None
        if not self.breaker.open:
            self._status, self.reason = "running", None

    def undeliverable(self, hook: str, error: BaseException) -> None:
        """The reporter found that an event can never be delivered."""
        self.operator_log.undeliverable(hook, error)

    def did_not_start(self, error: BaseException) -> None:
        """The reporter could not be loaded, or raised in ``reporter_start``."""
        self.breaker.failed_to_start(pause_asked_for(error))
        self._status, self.reason = "broken", self.operator_log.describe(error)
        self._decline()
        now, reason = self.clock.monotonic(), self.reason
        self.operator_log.did_not_start(error, known=lambda: self.factory.has_told(reason, now, INTERVAL))

    def crashed(self, hook: str, error: BaseException, lost: int) -> None:
        """A hook raised. lost: how many events the reporter had taken, and not flushed."""
        self.breaker.crashed()
        self.restarts += 1
        self._put_off_until = None
        if hook == "reporter_flush":
            self.failed_flushes += 1
        if self.breaker.open:
            self._status, self.reason = "backing_off", f"{hook} raised {self.operator_log.describe(error)}"
            self._decline()
        self.operator_log.crashed(hook, error, lost, opened=self.breaker.open)

    def lost_unflushed(self, count: int) -> None:
        """The lane closes, and its reporter could not flush so many events in time."""
        self._cut_off = True
        self.tell(f"could not flush {count} of the events that it took before it had to end")
        self.log_untold()

    def wedged(self, stack: str) -> None:
        """The thread hangs there. Its successor tells of it: this runs on the pump's thread."""
        self.next_turn()
        self.loses_loop()
        self.breaker.crashed()
        self._status, self.reason = "wedged", f"a hook hung for more than {self.settings.timeout:g} s"
        self._decline()
        self.tell(
            f"hung for more than {self.settings.timeout:g} s; threads can't be killed, so it is left behind and another"
            f" takes its place. It hung in {stack}"
        )

    def replaced(self) -> None:
        """A new thread takes the place of one that hangs, which is left behind."""
        self.unserved = False
        self.abandoned += 1
        self.restarts += 1

    def revived(self) -> None:
        """The thread ended though the lane goes on, and a new one takes its place."""
        self.next_turn()
        self.breaker.crashed()
        self.restarts += 1

    def forked(self) -> None:
        """In a forked child: a thread that came along as a greenlet must not touch the events any more."""
        self.in_flight.given_up = True

    def strand(self) -> None:
        """Leave it without a thread: too many hang. The watchdog makes it served again."""
        self.unserved = True
        self._decline()

    def _decline(self) -> None:
        if self.out_of_order:
            self._flushes.answer(ok=False)
        elif (until := self._put_off_until) is not None:
            self._flushes.decline(until)

    def tell(self, message: str) -> None:
        """Have the lane's thread log this: the pump never logs, for a logging handler may hang."""
        self._untold.append(message)
        self.wakeup.wake()

    def log_untold(self) -> None:
        """Tell of what happened away from the lane's thread, which calls this."""
        while self._untold:
            self.operator_log.say(self._untold.popleft())
        self.operator_log.dropped(self.buffer.dropped)

    def recovered(self) -> None:
        """An event, and a flush after it, went well again."""
        self.breaker.succeeded()
        self.operator_log.recovered()
