"""The thread that serves a lane: it starts the reporter, hands it events, and starts it again when it crashes.

It ends when the lane closes, or when it is given up because a hook hangs. Then the next thread begins where this one
stood, and whatever this one still does is thrown away.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Any

from jobreporter._lane.delivery import Crash, Delivery
from jobreporter._lane.in_flight import InFlight
from jobreporter._lane.lane import Lane
from jobreporter._lane.session import Session
from jobreporter._lane.timetable import FLUSH
from jobreporter._publish.ingress import keep_out
from jobreporter._system import greenlets, threads
from jobreporter._system.clock import SYSTEM
from jobreporter._system.gate import GATE
from jobreporter._system.wakeup import Latch

# What crashes where no hook does.
BACKGROUND = "the background of its event loop"


class LaneThread:
    """One thread of a lane.

    in_flight: where it counts and takes events. inherited: the session of a thread that was given up, to be stopped first.
    ended: called last.
    """

    def __init__(self, lane: Lane, in_flight: InFlight, inherited: Session | None, ended: Callable[[], None]) -> None:
        self._lane = lane
        self._in_flight = in_flight
        self._inherited = inherited
        self._on_end = ended
        self._steps = 0
        self._delivery = Delivery(lane, in_flight)
        self.session: Session | None = None
        #: Whether the thread waits for something to do: then it can't be hanging.
        self.idle = False
        # Whether it stands at the gate, since the process forks; and its progress at the last fork, whether it has stood
        # still since.
        self._stands = False
        self._progress_at_fork = -1
        self._hangs = False
        # Of threads that were started for this, the one that takes the claim is it.
        self._claims = [None]
        #: Whether it runs, or has run; and what opens then.
        self.begun = False
        self.up = Latch(SYSTEM)
        #: Whether it could not be started the last time.
        self.failed = False
        self.ended = False
        #: What the thread is where gevent or eventlet has patched threads.
        self.greenlet: Any = None
        self.ident = 0

    def start(self) -> None:
        """Start the thread. To do so again is safe."""
        self.failed = False
        try:
            threads.start(self._run, self._lane.name, self._did_not_start)
        except (RuntimeError, MemoryError):
            self.failed = True  # no more threads: the interpreter shuts down, or the machine is out of them

    def _did_not_start(self, _error: BaseException) -> None:
        self.failed = True
        self._on_end()

    @property
    def progress(self) -> int:
        """Grows with everything that the thread gets done."""
        return self._in_flight.done + self._delivery.steps + self._steps

    @property
    def due_at(self) -> float | None:
        """The monotonic time at which something is due whether events come or not; ``None`` if nothing is."""
        return self._delivery.due_at

    def interrupt(self) -> None:
        """Have a busy reporter see to what is due before it gets more events."""
        self._delivery.interrupted = True

    def forking(self) -> None:
        """Before a fork: come to the gate."""
        self._hangs = self.progress == self._progress_at_fork
        self._progress_at_fork = self.progress
        self.interrupt()
        if self._has_loop:
            self._lane.wakeup.wake()

    @property
    def at_rest(self) -> bool:
        """Whether the thread runs nothing of the reporter's, or hangs there and has done so since the last fork."""
        waits = self._stands or (self.idle and not self._has_loop)
        return waits or self.ended or not self.begun or self._hangs or self.ident == _thread.get_ident()

    @property
    def _has_loop(self) -> bool:
        return self.session is not None and self.session.loop is not None

    def _stand(self) -> None:
        """Wait while the process forks: in the child, nobody would release what this thread holds."""
        if GATE.closed:
            self._stands = self.idle = True
            try:
                GATE.stand()
            finally:
                self._stands = self.idle = False
                self._busy()

    def _run(self) -> None:
        try:
            self._claims.pop()
        except IndexError:
            return  # another was quicker
        self.begun = True
        self._live()

    def _live(self) -> None:
        keep_out()
        self.ident = _thread.get_ident()
        self.greenlet = greenlets.current()
        self.up.open()
        try:
            self._stand()
            self._lane.log_untold()
            if self._inherited is not None:
                self._busy()
                self._inherited.stop_from_outside()
            while session := self._start():
                crash = self._serve(session)
                if self._in_flight.given_up:
                    return
                if crash is not None and crash.hook != FLUSH:
                    self._delivery.flush_once_more(session)
                    if self._in_flight.given_up:
                        return
                self._stop(session)
                if self._in_flight.given_up:
                    return
                lost = self._in_flight.lose_unflushed()
                if crash is None:
                    if lost:
                        self._lane.lost_unflushed(lost)
                    return
                self._lane.crashed(crash.hook, crash.error, lost)
                if self._lane.closing and self._lane.breaker.open:
                    return
        finally:
            try:
                self._leave()
            finally:
                self.ended = True
                self._on_end()

    def _leave(self) -> None:
        """Stop the reporter, unless that is done.

        It isn't where the lane closed while this thread hung, or where something that it logged with has raised.
        """
        if self.session is None:
            return
        if self._in_flight.given_up:
            self.session.stop()
        else:
            self._stop(self.session)

    def _start(self) -> Session | None:
        """Start the reporter once the breaker allows it, or at once for a last try when the lane closes.

        Returns ``None`` where there is no more to try.
        """
        lane = self._lane
        while not self._in_flight.given_up:
            self._stand()
            last_try = lane.closing
            wait = 0.0 if lane.breaker.retry_at is None else lane.breaker.retry_at - lane.clock.monotonic()
            if wait > 0 and not last_try:
                lane.log_untold()
                self._wait(wait)
                continue
            self._busy()
            try:
                prepared = lane.factory.prepare()
                lane.operator_log.learn(lane.factory.config.use, prepared.options)
                self.session = Session(prepared, lane.context(), lane.settings.timeout, lane.operator_log)
            except BaseException as error:
                if self._in_flight.given_up:
                    return None
                lane.did_not_start(error)
                if last_try:
                    return None
            else:
                if self._in_flight.given_up:
                    self.session.stop()  # it started too late, and nobody else knows what it opened
                    return None
                lane.started(self.session.loop)
                self._delivery.session_began(self.session)
                return self.session
        return None

    def _serve(self, session: Session) -> Crash | None:
        """Hand events to the reporter until it crashes, or until the lane closes and nothing is left."""
        lane, delivery = self._lane, self._delivery
        while True:
            self._stand()
            crash = delivery.do_what_is_due(session) or self._background(session)
            # Given up, this thread must not touch the lane any more: all of it is the next thread's.
            if crash is not None or self._in_flight.given_up:
                return crash
            lane.log_untold()
            if delivery.interrupted:
                delivery.interrupted = False
            elif delivery.is_put_off:
                if delivery.ends_before_it_may_go_on:
                    return delivery.give_up_waiting(session)
                crash = self._rest()
            elif delivery.take(session):
                self._busy()
            elif lane.closing:
                crash = delivery.finish(session)
                if not delivery.is_put_off:
                    return crash
            else:
                crash = self._rest()
            if crash is not None:
                return crash

    def _rest(self) -> Crash | None:
        """Wait for something to do. An async reporter's own loop runs meanwhile, and what it runs may raise."""
        due = self.due_at
        try:
            self._wait(None if due is None else due - self._lane.clock.monotonic())
        except BaseException as error:
            return Crash(BACKGROUND, error)
        return None

    def _background(self, session: Session) -> Crash | None:
        """What runs between an async reporter's hooks may have died, and nobody else may care."""
        failure = None if session.loop is None else session.loop.take_failure()
        return None if failure is None or self._in_flight.given_up else Crash(BACKGROUND, failure)

    def _stop(self, session: Session) -> None:
        self._busy()
        if session.loop is not None:
            self._lane.loses_loop()
        session.stop()

    def _busy(self) -> None:
        self._steps += 1

    def _wait(self, timeout: float | None) -> None:
        # Read before the look at the events in flight: whoever gives this thread up wakes it afterwards.
        wakeup = self._lane.wakeup
        self.idle = True
        try:
            if not self._in_flight.given_up:
                wakeup.wait(timeout)
        finally:
            self.idle = False
            self._busy()
