"""What the pump does in each of its turns: it moves published events into the lanes, and looks after these.

It takes what has come in batches that all lanes share. Between two turns it rests (`rest`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from jobreporter._dispatch.intake import Intake
from jobreporter._dispatch.rest import Rest
from jobreporter._dispatch.watchdog import LONGEST_LOOK, Watchdog
from jobreporter._lane.flush import Flush
from jobreporter._lane.lane import Lane
from jobreporter._publish.ingress import LIMIT, Ingress
from jobreporter._system.clock import Clock

# Seconds that it sleeps at most. A publisher that is interrupted between its append and the wakeup is served by then.
LONGEST_SLEEP = 1.0

#: Seconds for which others wait at most for a thread to come up. It takes one or two milliseconds.
STARTING = 0.02

# Items that it holds back at most for lanes that are busy.
HELD_BACK = LIMIT * 9 // 10

# Batches that it moves before it looks after the lanes and lets them run, however fast more come.
BATCHES = 4


class Turns:
    """The pump's work, of which its thread takes one turn after the other. Each can be interrupted anywhere: the next goes on.

    wake: has the pump look around. stumbled: told of what went wrong with one lane, which keeps nobody from the others.
    """

    def __init__(
        self,
        ingress: Ingress,
        intake: Intake,
        lanes: Sequence[Lane],
        clock: Clock,
        *,
        wake: Callable[[], None],
        stumbled: Callable[[BaseException], None],
    ) -> None:
        self._ingress = ingress
        self._intake = intake
        self._lanes = lanes
        self._stumbled = stumbled
        self.watchdogs = [Watchdog(lane, clock, wake) for lane in lanes]
        self._flushes: deque[Flush] = deque()
        # A flush waits for what had come when the pump heard of it, and so does closing: a publisher that never pauses
        # must not put them off for ever.
        self._due_flushes: deque[tuple[int, Flush]] = deque()
        # How many items had come then; ``None`` while it has not heard of a close.
        self._close_at: int | None = None
        self._close_by = 0.0
        self._rest = Rest(ingress, intake, clock)
        #: Whether to close: what has come by the next turn still goes out, and then the lanes close.
        self.closing = False

    def flush(self, flush: Flush) -> None:
        """Pass a request on to the lanes, behind all that has been published."""
        self._flushes.append(flush)

    def close(self, by: float) -> None:
        """Hand out what has come, and close the lanes. by: the monotonic time when nobody waits for that any more."""
        self._close_by = by
        self.closing = True

    def begin(self) -> None:
        """Start the lanes, and give their threads a moment."""
        for watchdog in self.watchdogs:
            watchdog.start()
        for watchdog in self.watchdogs:
            watchdog.comes_up(STARTING)

    def take(self) -> float:
        """Take one turn. Returns for how many seconds to rest at most before the next."""
        self._hear()
        if not self._closed and not self._held_back():
            self._move()
        self._pass_on_flushes()
        if self._closed:
            for lane in self._lanes:
                lane.close(self._close_by)
        looks = [seconds for watchdog in self.watchdogs if (seconds := self._look(watchdog)) is not None]
        return min(looks, default=LONGEST_SLEEP)

    def rest(self, longest: float, *, is_expected: Callable[[], bool]) -> None:
        """Rest until the next turn. is_expected: whether somebody else waits for that; who begins to do so later wakes it."""
        self._rest.between_turns(
            longest,
            closed=self._closed,
            is_expected=lambda: bool(self._flushes) or self.closing or is_expected(),
        )

    @property
    def over(self) -> bool:
        """Whether the lanes have closed."""
        return self._closed and all(watchdog.over for watchdog in self.watchdogs)

    def free_locks(self) -> None:
        """The pump was interrupted, anywhere: release what it may have been about to release."""
        for lane in self._lanes:
            lane.free_locks()

    @property
    def _closed(self) -> bool:
        # What was pulled together with the last item that had come by then goes out with it.
        return self._close_at is not None and self._intake.settled.items >= self._close_at and not self._intake.holds

    def _look(self, watchdog: Watchdog) -> float | None:
        """Look after one lane. What goes wrong there keeps nobody from looking after the others."""
        try:
            return watchdog.look()
        except BaseException as error:
            self._stumbled(error)
            return LONGEST_LOOK

    def _held_back(self) -> bool:
        """Whether to leave events where they are: a busy lane would drop them, but takes them if it gets to run.

        A burst waits in the ingress for the lanes that keep pace; one that doesn't holds up nobody.
        """
        busy = [watchdog.catches_up() for watchdog in self.watchdogs]
        return any(busy) and 0 < len(self._ingress.items) < HELD_BACK

    def _hear(self) -> None:
        """Note after how many items the flushes and the close belong that were asked for since the last turn."""
        reached = self._intake.has_come
        if self.closing and self._close_at is None:
            self._close_at = reached
        while self._flushes:
            self._due_flushes.append((reached, self._flushes[0]))
            self._flushes.popleft()

    def _pass_on_flushes(self) -> None:
        """Hand the lanes those flushes whose items they all have."""
        while self._due_flushes and self._due_flushes[0][0] <= self._intake.settled.items:
            for lane in self._lanes:
                lane.request(self._due_flushes[0][1])
            self._due_flushes.popleft()

    def _move(self) -> None:
        """Move what has come into the lanes."""
        for _ in range(BATCHES):
            if not self._intake.move():
                break
