"""Watches the lanes' threads, and replaces one that hangs.

A thread hangs when it has got nothing done for the lane's ``timeout`` and doesn't wait for anything. Threads can't be
killed, so it is given up: it may come back any time, and is then thrown away. At most two such threads are left behind
for a lane; after that it stays wedged until one comes back.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from itertools import takewhile

from jobreporter._clock import Clock
from jobreporter._greenlets import frame_of
from jobreporter._lane import Lane
from jobreporter._pace import Pace
from jobreporter._plugins.hooks import GENERATED
from jobreporter._runner import Runner
from jobreporter._session import Session

MOST_ABANDONED = 2

# An async hook is cancelled when its time is up, and is a hang only if it ignores that: it gets a moment to end.
GRACE = 0.5

# Seconds between two looks at lanes that are busy; a hang is noticed within a second of the lane's timeout.
LONGEST_LOOK = 0.25

# Without a look for so many seconds, the whole process was stopped or starved: no thread could have got anything done.
STOPPED = 5.0


class Watch:
    """One lane, the thread that serves it, and those that were given up."""

    def __init__(self, lane: Lane, clock: Clock, woken: Callable[[], None]) -> None:
        self.lane = lane
        self._clock = clock
        self._woken = woken
        self._abandoned: list[Runner] = []
        self._wedged: Runner | None = None
        self._patience = lane.settings.timeout + GRACE
        self._pace = Pace(lane.settings.capacity // 2, clock)
        self._progress = -1
        self._looked_at = 0.0
        self._since = 0.0
        self._runner = Runner(lane, lane.hand, None, woken)

    def start(self) -> None:
        """Start the lane's first thread."""
        self._launch(self._runner)

    def _launch(self, runner: Runner) -> bool:
        try:
            runner.thread.start()
        except RuntimeError:
            # No more threads: the interpreter shuts down, or the machine is out of them. The next look tries again.
            runner.ended = True
            return False
        return True

    def disown(self) -> None:
        """In a forked child: the lane's reporter is the parent's to stop."""
        for runner in (self._runner, *self._abandoned):
            if runner.session is not None:
                runner.session.disown()

    @property
    def over(self) -> bool:
        """Whether the lane is closing and its thread has ended."""
        return self.lane.closing and self._runner.ended and self._wedged is None

    def catches_up(self) -> bool:
        """Whether the lane has much to do, and would be done with it soon if it got to run."""
        return self._pace.catches_up(self._runner.progress, self.lane.buffer.waiting)

    def look(self) -> float | None:
        """See how the lane fares, and act on it.

        Returns in how many seconds to look again at the latest; ``None`` if there is nothing to wait for.
        """
        now = self._clock.monotonic()
        if now - self._looked_at > STOPPED:
            self._since = now
        self._looked_at = now
        if self._abandoned:
            self._abandoned = [runner for runner in self._abandoned if not runner.ended]
        if self._wedged is not None:
            return self._replace(self._wedged)
        runner = self._runner
        if runner.ended:
            return None if self.lane.closing else self._revive()
        if runner.idle or runner.progress != self._progress:
            self._progress, self._since = runner.progress, now
        elif now - self._since >= self._patience:
            self.lane.wedged(_stack_of(runner))
            return self._replace(runner)
        if runner.flush_at is not None and now >= runner.flush_at:
            runner.interrupted = True
        # One that is idle but has events waiting has only not heard of them yet.
        at_rest = runner.idle and not self.lane.buffer.waiting
        return None if at_rest else min(LONGEST_LOOK, self._patience / 4)

    def _replace(self, wedged: Runner) -> float:
        """Put a new thread in the place of one that hangs, unless too many hang already."""
        hanging = self._abandoned if wedged.ended else [*self._abandoned, wedged]
        if len(hanging) > MOST_ABANDONED:
            self._wedged = wedged
            self.lane.strand()
        else:
            self._wedged = None
            self.lane.unserved = False
            self._abandoned = hanging
            self.lane.abandoned += 1
            self._next(wedged.session)
        return LONGEST_LOOK

    def _revive(self) -> float:
        """The thread ended though the lane goes on: something that it logged with raised, say."""
        self.lane.next_turn()
        self.lane.breaker.crashed()
        self._next(self._runner.session)
        return LONGEST_LOOK

    def _next(self, session: Session | None) -> None:
        self.lane.restarts += 1
        self._runner = Runner(self.lane, self.lane.hand, session, self._woken)
        self._progress = -1  # the new thread may stand where the old one hung: its time begins now
        self._launch(self._runner)


def _stack_of(runner: Runner) -> str:
    """Where the thread is, in one line, innermost call first. It reads no source: a file system may hang as well."""
    if runner.greenlet is None:
        frame = sys._current_frames().get(runner.thread.ident or 0)
    else:
        frame = frame_of(runner.greenlet)
    calls = [(frame.f_code, line) for frame, line in traceback.walk_stack(frame)] if frame is not None else []
    # What lies below the hook is jobreporter's own, and says nothing of the reporter.
    of_reporter = list(takewhile(lambda call: not call[0].co_filename.startswith(GENERATED), calls))
    return " < ".join(f"{code.co_name} ({code.co_filename}:{line})" for code, line in of_reporter)
