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

from jobreporter._dispatch.throughput import Throughput
from jobreporter._lane.lane import Lane
from jobreporter._lane.session import Session
from jobreporter._lane.thread import LaneThread
from jobreporter._plugins.hooks import GENERATED
from jobreporter._system.clock import Clock
from jobreporter._system.greenlets import frame_of

MOST_ABANDONED = 2

# An async hook is cancelled when its time is up, and is a hang only if it ignores that: it gets a moment to end.
GRACE = 0.5

# Seconds after which a thread that was started, and has not begun, is started again: where it had no memory to begin, nobody
# says so.
LOST_START = 1.0

# Seconds between two looks at lanes that are busy; a hang is noticed within a second of the lane's timeout.
LONGEST_LOOK = 0.25

# Without a look for so many seconds, the whole process was stopped or starved: no thread could have got anything done.
STOPPED = 5.0


class Watchdog:
    """One lane, the thread that serves it, and those that were given up."""

    def __init__(self, lane: Lane, clock: Clock, woken: Callable[[], None]) -> None:
        self.lane = lane
        self._clock = clock
        self._woken = woken
        self._abandoned: list[LaneThread] = []
        self._wedged: LaneThread | None = None
        self._patience = lane.settings.timeout + GRACE
        self._throughput = Throughput(lane.settings.capacity // 2, clock)
        self._progress = -1
        self._looked_at = 0.0
        self._since = 0.0
        # The monotonic time before which its thread is not started again.
        self._no_start_before = 0.0
        self._lane_thread = LaneThread(lane, lane.in_flight, None, woken)

    def start(self) -> None:
        """Start the lane's thread, unless it runs or was started a moment ago."""
        now = self._clock.monotonic()
        if self._lane_thread.begun or (now < self._no_start_before and not self._lane_thread.failed):
            return
        self._no_start_before = now + LOST_START
        self._lane_thread.start()

    def comes_up(self, timeout: float) -> bool:
        """Give the thread a moment to begin. Returns whether it has."""
        return self._lane_thread.up.wait(timeout)

    def forking(self) -> None:
        """Before a fork: have the thread come to rest. Those that were given up hang, and won't."""
        self._lane_thread.forking()

    @property
    def at_rest(self) -> bool:
        """Whether it has."""
        return self._lane_thread.at_rest

    def forked(self) -> None:
        """In a forked child: the lane's reporter is the parent's to stop."""
        for lane_thread in (self._lane_thread, *self._abandoned):
            if lane_thread.session is not None:
                lane_thread.session.forked()

    @property
    def over(self) -> bool:
        """Whether the lane is closing and its thread has ended, or can't be started."""
        gone = self._lane_thread.ended or (self._lane_thread.failed and not self._lane_thread.begun)
        return self.lane.closing and gone and self._wedged is None

    def catches_up(self) -> bool:
        """Whether the lane has much to do, and would be done with it soon if it got to run."""
        return self._throughput.catches_up(self._lane_thread.progress, self.lane.buffer.waiting)

    def look(self) -> float | None:
        """See how the lane fares, and act on it.

        Returns in how many seconds to look again at the latest; ``None`` if there is nothing to wait for.
        """
        now = self._clock.monotonic()
        if now - self._looked_at > STOPPED:
            self._since = now
        self._looked_at = now
        if self._abandoned:
            self._abandoned = [lane_thread for lane_thread in self._abandoned if not lane_thread.ended]
        if self._wedged is not None:
            return self._replace(self._wedged)
        lane_thread = self._lane_thread
        if not lane_thread.begun:
            self.start()
            return LONGEST_LOOK
        if lane_thread.ended:
            return None if self.lane.closing else self._revive()
        if lane_thread.idle or lane_thread.progress != self._progress:
            self._progress, self._since = lane_thread.progress, now
        elif now - self._since >= self._patience:
            self.lane.wedged(_stack_of(lane_thread))
            return self._replace(lane_thread)
        if lane_thread.due_at is not None and now >= lane_thread.due_at:
            lane_thread.interrupt()
        # One that is idle but has events waiting has only not heard of them yet.
        at_rest = lane_thread.idle and not self.lane.buffer.waiting
        return None if at_rest else min(LONGEST_LOOK, self._patience / 4)

    def _replace(self, wedged: LaneThread) -> float:
        """Put a new thread in the place of one that hangs, unless too many hang already."""
        hanging = [*(each for each in self._abandoned if each is not wedged), *(() if wedged.ended else (wedged,))]
        if len(hanging) > MOST_ABANDONED:
            self._wedged = wedged
            self.lane.strand()
        else:
            self._wedged = None
            self._abandoned = hanging
            self.lane.replaced()
            self._next(wedged.session)
        return LONGEST_LOOK

    def _revive(self) -> float:
        """The thread ended though the lane goes on: something that it logged with raised, say."""
        self.lane.revived()
        self._next(self._lane_thread.session)
        return LONGEST_LOOK

    def _next(self, session: Session | None) -> None:
        self._lane_thread = LaneThread(self.lane, self.lane.in_flight, session, self._woken)
        self._progress = -1  # the new thread may stand where the old one hung: its time begins now
        self._no_start_before = 0.0
        self.start()


def _stack_of(lane_thread: LaneThread) -> str:
    """Where the thread is, in one line, innermost call first. It reads no source: a file system may hang as well."""
    if lane_thread.greenlet is None:
        frame = sys._current_frames().get(lane_thread.ident)
    else:
        frame = frame_of(lane_thread.greenlet)
    calls = [(frame.f_code, line) for frame, line in traceback.walk_stack(frame)] if frame is not None else []
    # What lies below the hook is jobreporter's own, and says nothing of the reporter.
    of_reporter = list(takewhile(lambda call: not call[0].co_filename.startswith(GENERATED), calls))
    return " < ".join(f"{code.co_name} ({code.co_filename}:{line})" for code, line in of_reporter)
