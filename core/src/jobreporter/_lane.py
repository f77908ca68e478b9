"""One reporter's private path: its buffer, its breaker, its ledger.

What belongs to the lane for good is here. The thread that serves it comes and goes (`_runner`), and so do the reporter
and its state (`_session`). The pump puts events in and counts what it drops; the lane's thread counts the rest.
"""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jobreporter._bell import Bell, Waker
from jobreporter._breaker import Breaker
from jobreporter._buffer import new_buffer
from jobreporter._clock import Clock
from jobreporter._flush import Flush, Requests
from jobreporter._hand import Counts, Hand
from jobreporter._session import Session
from jobreporter._voice import Voice, describe
from jobreporter._when import Filter
from jobreporter.context import Context, LaneStatus
from jobreporter.events import Event

if TYPE_CHECKING:
    from jobreporter._recipe import Recipe


class Lane:
    """What the pump, the supervisor and the lane's thread share about one reporter."""

    def __init__(self, recipe: Recipe, context: Callable[[], Context], clock: Clock) -> None:
        self.name = recipe.config.name
        self.recipe = recipe
        self.settings = recipe.config.lane
        self.context = context
        self.clock = clock
        wanted = Filter.of(recipe.config.when, clock.monotonic)
        #: Whether an event passes the config's ``when``; ``None`` where all do.
        self.passes = None if wanted is None else wanted.passes
        self.buffer = new_buffer(self.settings)
        self.breaker = Breaker(clock)
        self.voice = Voice(self.name, clock)
        #: Wakes the lane's thread.
        self.bell: Waker = Bell(clock)
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
        self._turn = _thread.allocate_lock()
        # Held while one thread's turn becomes the next one's, which the supervisor and whoever closes may both want.
        self._handover = _thread.allocate_lock()
        self._flushes = Requests(self.name)
        self._untold: deque[str] = deque()
        # The counts of the turns before, and the hand of the present one: one tuple, so that a reader never sees a hand
        # counted twice or not at all.
        self._turns = (Counts(), Hand(self.buffer, self._turn))

    @property
    def status(self) -> LaneStatus:
        """How it fares. Once it has ended it is closed, whatever a thread that comes back late says."""
        return "closed" if self.ended else self._status

    @property
    def out_of_order(self) -> bool:
        """Whether it is in no state to flush, and nobody knows when it will be."""
        return self.unserved or (self.breaker.open and self.status != "running")

    @property
    def hand(self) -> Hand:
        """What the present thread holds."""
        return self._turns[1]

    @property
    def counts(self) -> Counts:
        former, hand = self._turns
        return former.plus(hand.counts)

    def offer(self, events: Sequence[Event], size: int) -> None:
        """Put events into the buffer, as many as there is room for, and wake the thread."""
        self.buffer.offer(events, size)
        self.bell.ring()

    def request(self, flush: Flush) -> None:
        """Have the reporter flush once it has handled all that was offered up to now.

        One that is out of order keeps nobody waiting.
        """
        self._flushes.add(self.buffer.admitted, flush)
        self._decline()
        self.bell.ring()

    def flush_requested(self) -> bool:
        """Whether what came before a requested flush is settled."""
        return len(self._flushes) > 0 and self._flushes.due(self.hand.oldest)

    def flushed(self, *, ok: bool) -> None:
        """Answer the requests that this flush was for."""
        self._flushes.answer(self.hand.oldest, ok=ok)

    def close(self) -> None:
        """Let the thread hand out what is left, and end."""
        self.closing = True
        self.bell.ring()

    def next_turn(self) -> bool:
        """Take the events out of the present thread's hands, and make the hand of the next one.

        Returns whether the thread was at an event.
        """
        with self._handover:
            former, hand = self._turns
            remains = hand.give_up()
            if remains.events:
                self.buffer.put_back(remains.position, remains.events)
            following = Hand(self.buffer, self._turn)
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
        self.bell.ring()  # a thread that has nothing to do hears of it, and stops its reporter

    @property
    def lost_at_end(self) -> bool:
        """Whether its end has cost it events: the one that its thread was at, or some that waited."""
        return self._cut_off or bool(self.buffer.unsent)

    def started(self, session: Session) -> None:
        """The reporter started."""
        if session.loop is not None:
            self.bell = session.loop
        self._status, self.reason = "running", None

    def loses_loop(self) -> None:
        """The reporter's event loop is about to end: the thread waits without it."""
        former, self.bell = self.bell, Bell(self.clock)
        former.ring()  # a thread that has just been given up may be about to wait for it

    def did_not_start(self, error: BaseException) -> None:
        """The reporter could not be loaded, or raised in ``reporter_start``."""
        self.breaker.failed_to_start()
        self._status, self.reason = "broken", describe(error)
        self._decline()
        self.voice.did_not_start(error)

    def crashed(self, hook: str, error: BaseException) -> None:
        """A hook raised."""
        self.breaker.crashed()
        self.restarts += 1
        if hook == "reporter_flush":
            self.failed_flushes += 1
        if self.breaker.open:
            self._status, self.reason = "backing_off", f"{hook} raised {describe(error)}"
            self._decline()
        self.voice.crashed(hook, error, opened=self.breaker.open)

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

    def strand(self) -> None:
        """Leave it without a thread: too many hang. The watch makes it served again."""
        self.unserved = True
        self._decline()

    def _decline(self) -> None:
        if self.out_of_order:
            self._flushes.answer(ok=False)

    def tell(self, message: str) -> None:
        """Have the lane's thread log this: the pump never logs, for a logging handler may hang."""
        self._untold.append(message)
        self.bell.ring()

    def speak(self) -> None:
        """Tell of what happened away from the lane's thread, which calls this."""
        while self._untold:
            self.voice.say(self._untold.popleft())
        self.voice.dropped(self.buffer.dropped)

    def recovered(self) -> None:
        """An event, and a flush after it, went well again."""
        self.breaker.succeeded()
        self.voice.recovered()
