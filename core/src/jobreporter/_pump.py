"""The one thread that moves published events into the lanes, and watches them.

It takes what has come in batches that all lanes share. Woken, it naps before it looks, so that a short job's start and end
cost it and the lanes one turn. It naps on while events come quickly: to wake a sleeping thread costs a publisher a
hundred times as much as the append. Else it announces that it sleeps, looks once more, and sleeps.
"""

from __future__ import annotations

import _thread
import threading
from collections import deque
from collections.abc import Sequence

from jobreporter import _ingress
from jobreporter._bell import Latch
from jobreporter._buffer import PIECE
from jobreporter._clock import Clock
from jobreporter._flush import Flush
from jobreporter._greenlets import patched_by
from jobreporter._ingress import LIMIT, SLEEPS, Ending, Ingress, UnfinishedFailure, events_in, kinds_in
from jobreporter._lane import Lane
from jobreporter._supervisor import Watch
from jobreporter._voice import describe
from jobreporter._weight import Scales
from jobreporter.events import Event, Failure
from jobreporter.hookspecs import HANDLERS

# Seconds for which the pump naps.
NAP = 0.002

# Items that must come during the first nap for another one: a short job's end alone isn't worth it, since a turn costs more
# than to be woken again. After that, it naps on as long as any come.
ENOUGH = 2

# Seconds. A sleep that was shorter than this wasn't worth it either: at such a pace it naps on for a single item.
SHORT_SLEEP = NAP / 2

# Seconds for which it lets the lanes run while more waits.
YIELD = 0.0005

# Seconds that it sleeps at most. A publisher that is interrupted between its append and the bell is served by then.
LONGEST_SLEEP = 1.0

# Seconds that the first publisher of a process waits at most for the threads to start; it takes one or two
# milliseconds.
STARTING = 0.02

# Items that it holds back at most for lanes that are busy.
HELD_BACK = LIMIT * 9 // 10

# Batches that it moves before it looks after the lanes and lets them run, however fast more come.
BATCHES = 4

# Events of one job weigh the same, but for the error of a failure.
_ALIKE = frozenset(HANDLERS) - {Failure}


class Repeated(Exception):  # noqa: N818 - nobody's error: it is counted
    """An execution has ended before."""


class Pump:
    """Runs in a thread of its own from the first event of a process to the close of its dispatcher."""

    def __init__(self, ingress: Ingress, lanes: Sequence[Lane], clock: Clock) -> None:
        self._ingress = ingress
        self._lanes = lanes
        self._clock = clock
        self._watches = [Watch(lane, clock, self.wake) for lane in lanes]
        self._flushes: deque[Flush] = deque()
        # A flush waits for what had come when the pump heard of it, and so does closing: a publisher that never pauses
        # must not put them off for ever.
        self._due_flushes: deque[tuple[int, Flush]] = deque()
        self._close_at: int | None = None
        self._items_taken = 0
        #: Items that had come when it last began to nap.
        self._had_come = 0
        #: Items that must have come since for another nap.
        self._enough = ENOUGH
        self._scales = Scales()
        # Whoever takes the one token starts the thread, and the thread that takes the one claim is the pump: taking
        # from a list is atomic, where a lock would be held by whatever code a signal interrupts.
        self._tokens = [None]
        self._claims = [None]
        self._up = Latch(clock)
        self._patched_by = patched_by()
        #: Whether the thread runs; before that, events wait.
        self.running = False
        #: Everything that comes before the ingress is empty still goes out; then the lanes close.
        self.closing = False
        #: Stop at once.
        self.quitting = False
        #: Opens when the thread has ended.
        self.ended = Latch(clock)
        #: Events that were taken from the ingress, and what of them went no further, by reason and kind.
        self.taken = 0
        self.refused: dict[str, dict[str, int]] = {}

    @property
    def started(self) -> bool:
        """Whether the thread runs, or is about to."""
        return not (self._tokens and self._claims)

    @property
    def outdated(self) -> bool:
        """Whether threads have become greenlets since this was made: then its locks are none that greenlets may wait for."""
        return not self.started and self._patched_by != patched_by()

    def start(self) -> None:
        """Start the thread, unless that has been done, and give it a moment to start the lanes.

        Without that moment, a program that ends right after its first events would lose them: from Python 3.12 on, no
        thread starts once the main one has ended. Greenlets start later too, and a publisher is never switched away from.
        """
        try:
            self._tokens.pop()
            # Thread.start() takes a lock of the threading module's, which the code that a signal handler has
            # interrupted may hold. So a bare thread calls it.
            _thread.start_new_thread(self._launch, ())
            if self._patched_by is None:
                self._up.wait(STARTING)
        except IndexError:
            return
        except RuntimeError:
            self._tokens[:] = [None]  # no more threads: what waits is counted when the dispatcher closes
        except BaseException:
            self._tokens[:] = [None]  # one, whether it was taken already or not: a time limit lands anywhere
            raise

    def _launch(self) -> None:
        try:
            threading.Thread(target=self._run, name="jobreporter-pump", daemon=True).start()
        except RuntimeError:
            self._tokens[:] = [None]

    def flush(self, flush: Flush) -> None:
        """Pass a request on to the lanes, behind all that has been published."""
        self._flushes.append(flush)
        self.wake()

    def close(self) -> None:
        """Hand out what has come, close the lanes, and end."""
        self.closing = True
        self.wake()

    def quit(self) -> None:
        """End now. Threads that hang are left behind."""
        self.quitting = True
        self.wake()

    def disown(self) -> None:
        """In a forked child: greenlets come along, so what is left of the parent's must end without a word."""
        self.quitting = True
        for watch in self._watches:
            watch.disown()

    def wake(self) -> None:
        """Have the thread look around. Before it runs, it will do so anyhow."""
        if self.running:
            self._ingress.bell.ring()

    def _run(self) -> None:
        try:
            self._claims.pop()
        except IndexError:
            return  # an interrupted start was made good by another
        _ingress.keep_out()
        try:
            self._ingress.asleep.clear()
            for watch in self._watches:
                watch.start()
            self.running = True
            self._up.open()
            while not self._over():
                self._turn()
        finally:
            # From here on, publishers turn to the dispatcher, which knows that it is closed.
            self.running = False
            self._ingress.desert()
            self.ended.open()

    def _over(self) -> bool:
        return self.quitting or (self._closed and all(watch.over for watch in self._watches))

    @property
    def _closed(self) -> bool:
        return self._close_at is not None and self._items_taken >= self._close_at

    def _turn(self) -> None:
        self._hear()
        if not self._closed and not self._held_back():
            self._move()
        self._pass_on_flushes()
        if self._closed:
            for lane in self._lanes:
                lane.close()
        looks = [seconds for watch in self._watches if (seconds := watch.look()) is not None]
        if self._ingress.items and not self._closed:
            self._ingress.bell.wait(YIELD)
        elif self._items_taken - self._had_come >= self._enough:
            self._enough = 1
            self._nap()
        else:
            slept = self._sleep(min(looks, default=LONGEST_SLEEP))
            self._enough = ENOUGH if slept > SHORT_SLEEP else 1
            if self._ingress.items and not self._is_expected:
                self._nap()

    def _held_back(self) -> bool:
        """Whether to leave events where they are: a busy lane would drop them, but takes them if it gets to run.

        A burst waits in the ingress for the lanes that keep pace; one that doesn't holds up nobody.
        """
        busy = [watch.catches_up() for watch in self._watches]
        return any(busy) and 0 < len(self._ingress.items) < HELD_BACK

    def _sleep(self, timeout: float) -> float:
        """Sleep until something comes or somebody rings. Returns for how many seconds it did."""
        began = self._clock.monotonic()
        self._ingress.asleep.append(SLEEPS)
        # Whoever appends after this look sees that the pump sleeps; whoever asks for something rings in any case.
        if self._closed or not self._ingress.items:
            self._ingress.bell.wait(timeout)
        self._ingress.asleep.clear()
        return self._clock.monotonic() - began

    def _nap(self) -> None:
        self._had_come = self._items_taken + len(self._ingress.items)
        self._ingress.bell.wait(NAP)

    @property
    def _is_expected(self) -> bool:
        """Whether somebody waits for it to get on. Who comes to do so later rings, which ends a nap."""
        return bool(self._flushes) or self.closing or self.quitting

    def _hear(self) -> None:
        """Note where in the stream of items the requests belong that came."""
        reached = self._items_taken + len(self._ingress.items)
        if self.closing and self._close_at is None:
            self._close_at = reached
        while self._flushes:
            self._due_flushes.append((reached, self._flushes.popleft()))

    def _pass_on_flushes(self) -> None:
        while self._due_flushes and self._due_flushes[0][0] <= self._items_taken:
            _, flush = self._due_flushes.popleft()
            for lane in self._lanes:
                lane.request(flush)

    def _move(self) -> None:
        """Move what has come into the lanes."""
        for _ in range(BATCHES):
            count = min(len(self._ingress.items), PIECE)
            if not count:
                break
            events, size = self._take(count)
            if events:
                for lane in self._lanes:
                    lane.offer(events, size)

    def _take(self, count: int) -> tuple[Sequence[Event], int]:
        """The next events, and what they take in bytes.

        All events go through this loop. Those of an execution share their job and mostly follow each other: of such an
        event there is nothing left to find out.
        """
        popleft, scales, weigh = self._ingress.items.popleft, self._scales, self._scales.weigh
        events: list[Event] = []
        refused: list[tuple[str, object]] = []
        job, weight, size, taken = scales.job, scales.weight, 0, count
        for number in range(count):
            try:
                item = popleft()
            except IndexError:  # a close that was too late for this has swept the ingress
                taken -= count - number
                count = number
                break
            if type(item) in _ALIKE and item.job is job:
                size += weight
                events.append(item)
                continue
            try:
                if type(item) in HANDLERS:
                    size += weigh(item)
                    events.append(item)
                else:
                    taken += events_in(item) - 1
                    opened = _open(item)
                    size += sum(map(weigh, opened))
                    events += opened
            except Repeated:
                refused.append(("repeated", item))
            except Exception as error:
                refused.append(("invalid", item))
                self._complain(error)
            job, weight = scales.job, scales.weight
        self._items_taken += count
        self.taken += taken
        for reason, item in refused:  # only now, or a reader of the ledger would find more settled than was accepted
            self._refuse(reason, item)
        return tuple(events), size  # a tuple takes just what it holds, where a list keeps room to grow

    def _refuse(self, reason: str, item: object) -> None:
        # New dicts each time: whoever reads the ledger may be in the middle of the old ones.
        by_kind = dict(self.refused.get(reason, {}))
        for kind in kinds_in(item):
            by_kind[kind] = by_kind.get(kind, 0) + 1
        self.refused = {**self.refused, reason: by_kind}

    def _complain(self, error: Exception) -> None:
        # A logging handler may hang, so a lane's thread does the talking.
        for lane in self._lanes[:1]:
            lane.tell(f"and every other did not get an event that was published: {describe(error)}")


def _open(item: object) -> tuple[Event, ...]:
    """The two events of an `Ending`.

    Raises `Repeated` if the execution has ended before, and TypeError for what is neither an ending nor an event.
    """
    if not isinstance(item, Ending):
        raise TypeError(f"publish() takes one of jobreporter's five events, not {type(item).__name__}")
    if item.seal:
        raise Repeated
    item.seal.append(None)
    outcome = item.outcome
    return (outcome.complete() if isinstance(outcome, UnfinishedFailure) else outcome, item.stopped)
