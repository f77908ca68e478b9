"""The thread that serves a lane: it starts the reporter, hands it events, and starts it again when it crashes.

It ends when the lane closes, or when it is given up because a hook hangs. Then the next thread begins where this one
stood, and whatever this one still does is thrown away.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Any, NamedTuple

from jobreporter._lane.in_flight import InFlight
from jobreporter._lane.lane import Lane
from jobreporter._lane.session import Session
from jobreporter._lane.timetable import FLUSH, Timetable
from jobreporter._publish.ingress import keep_out
from jobreporter._system import greenlets, threads
from jobreporter._system.clock import SYSTEM
from jobreporter._system.gate import GATE
from jobreporter._system.wakeup import Latch
from jobreporter.errors import TryAgain, Undeliverable
from jobreporter.events import Event
from jobreporter.hookspecs import HANDLERS

# What crashes where no hook does.
BACKGROUND = "the background of its event loop"


class Crash(NamedTuple):
    """A hook raised. hook: which one, or what else it was that the reporter ran."""

    hook: str
    error: BaseException


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
        self._timetable = Timetable(lane.clock, lane.settings)
        # The event that a handler asked to have again: it has passed the filter already.
        self._given_back: Event | None = None
        self._last_tick_done = False
        self.session: Session | None = None
        #: Whether the thread waits for something to do: then it can't be hanging.
        self.idle = False
        # Whether it stands at the gate, since the process forks; and its progress at the last fork, whether it has stood
        # still since.
        self._stands = False
        self._progress_at_fork = -1
        self._hangs = False
        #: Set by the supervisor when a busy reporter is due for a flush; that spares a look at the clock per event.
        self.interrupted = False
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
        return self._in_flight.done + self._steps

    @property
    def due_at(self) -> float | None:
        """The monotonic time at which something is due whether events come or not; ``None`` if nothing is.

        That is a flush, if events came since the last, a tick, or what a hook asked to try again.
        """
        return self._timetable.due_at(self._in_flight.handled)

    def forking(self) -> None:
        """Before a fork: come to the gate."""
        self._hangs = self.progress == self._progress_at_fork
        self._progress_at_fork = self.progress
        self.interrupted = True
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
                    self._flush_once_more(session)
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
                self._in_flight.keeps = self.session.flushes
                self._timetable.session_began(ticks=self.session.ticks)
                return self.session
        return None

    def _serve(self, session: Session) -> Crash | None:
        """Hand events to the reporter until it crashes, or until the lane closes and nothing is left."""
        lane, in_flight = self._lane, self._in_flight
        while True:
            self._stand()
            crash = self._do_what_is_due(session) or self._background(session)
            # Given up, this thread must not touch the lane any more: all of it is the next thread's.
            if crash is not None or in_flight.given_up:
                return crash
            lane.log_untold()
            if self.interrupted:
                self.interrupted = False
            elif self._is_put_off():
                if self._ends_before_it_may_go_on():
                    return self._give_up_waiting(session)
                crash = self._rest()
            elif self._take(session):
                self._busy()
            elif lane.closing:
                crash = self._finish(session)
                if not self._is_put_off():
                    return crash
            else:
                crash = self._rest()
            if crash is not None:
                return crash

    def _take(self, session: Session) -> bool:
        """Take the next events. They may come from another process than the ones before."""
        taken = self._in_flight.take()
        if taken and self._in_flight.origin is not None:
            session.whence.origin = self._in_flight.origin
        return taken

    def _do_what_is_due(self, session: Session) -> Crash | None:
        """Hand over the events in flight, flush, and tick, as far as each is due and nothing is put off."""
        in_flight, timetable, crash = self._in_flight, self._timetable, None
        if not timetable.waits:
            if self._flush_is_put_off():
                crash = self._flush(session)
            # Once it has gone well, events may still be in flight: it was due in the middle of them.
            if crash is None and not in_flight.given_up and not self._flush_is_put_off():
                crash = self._handle(session)
            if crash is None and not in_flight.given_up and not self._is_put_off() and self._flush_wanted():
                crash = self._flush(session)
        if crash is None and not in_flight.given_up and timetable.tick_due:
            crash = self._tick(session)
        return crash

    def _is_put_off(self) -> bool:
        return self._timetable.retry is not None

    def _flush_is_put_off(self) -> bool:
        retry = self._timetable.retry
        return retry is not None and retry.hook == FLUSH

    def _ends_before_it_may_go_on(self) -> bool:
        retry = self._timetable.retry
        return self._lane.closing and retry is not None and retry.at > self._lane.close_by

    def _finish(self, session: Session) -> Crash | None:
        """Nothing waits any more, and the lane closes: tick and flush a last time."""
        if not self._last_tick_done:
            self._last_tick_done = True
            crash = self._tick(session)
            if crash is not None or self._in_flight.given_up:
                return crash
        return self._flush(session)

    def _give_up_waiting(self, session: Session) -> Crash | None:
        """The lane has to end before the hook that asked for it can be tried again."""
        return None if self._flush_is_put_off() else self._flush(session)

    def _handle(self, session: Session) -> Crash | None:
        """Hand over the events in flight, until the reporter crashes or is due for a flush."""
        run, in_flight = session.run, self._in_flight
        on_trial = self._lane.breaker.open or self._given_back is not None
        if run is None or on_trial or self._lane.passes is not None:
            return self._handle_each(session)
        while raised := run(in_flight, self):
            event, error = raised
            crash = self._not_taken(event, HANDLERS[type(event)], error)
            if crash is not None or in_flight.given_up or self._is_put_off():
                return crash
        return None

    def _handle_each(self, session: Session) -> Crash | None:
        """Likewise, where after an event there is more to see to than that it was handled.

        Every event of such a reporter goes through this loop: what can be looked up once, is.
        """
        in_flight, passes, calls = self._in_flight, self._lane.passes, session.calls
        given_back, unproven = self._given_back, self._lane.breaker.open
        on_trial = unproven or given_back is not None
        for event in in_flight.events:
            wanted = calls[type(event)]
            if wanted is None or (passes is not None and event is not given_back and not passes(event)):
                in_flight.filtered += 1
                continue
            call, returns = wanted
            try:
                result = call(event, session.state)
                if returns:
                    session.take(call, result)
            except BaseException as error:
                crash = self._not_taken(event, call.hook, error)
                if crash is not None or in_flight.given_up or self._is_put_off():
                    return crash
                continue
            if in_flight.given_up:
                return None
            in_flight.handled += 1
            if on_trial:
                on_trial = False
                self._resume()
                if unproven:
                    return self._prove(session)
            if self.interrupted:
                return None
        return None

    def _not_taken(self, event: Event, hook: str, error: BaseException) -> Crash | None:
        """A handler raised: that is a crash, unless it asks for the event again, or gives up on it."""
        if self._in_flight.given_up:
            return None
        if issubclass(type(error), TryAgain):
            self._given_back = event
            self._in_flight.give_back(event)
            self._put_off(hook, error)
            return None
        self._in_flight.failed += 1
        if issubclass(type(error), Undeliverable):
            self._resume()
            self._lane.undeliverable(hook, error)
            return None
        return Crash(hook, error)

    def _prove(self, session: Session) -> Crash | None:
        """The first event after a backoff went well: so must a flush, before the reporter counts as recovered."""
        self.interrupted = True  # more events may be in flight: go on with them
        crash = self._flush(session)
        if crash is None and not self._in_flight.given_up and not self._is_put_off():
            self._lane.recovered()
        return crash

    def _put_off(self, hook: str, error: BaseException) -> None:
        """A hook asked to be tried again: nothing else is handed out before."""
        retry = self._timetable.put_off(hook, error)
        self._lane.put_off(hook, error, retry.at)

    def _resume(self) -> None:
        """What was put off, if anything, went well, or is no more."""
        self._given_back = None
        if self._timetable.retry is not None:
            self._timetable.resumed()
            self._lane.resumed()

    def _flush_wanted(self) -> bool:
        in_flight = self._in_flight
        return self._lane.flush_requested() or in_flight.flush_due or self._timetable.flush_due(in_flight.handled)

    def _tick(self, session: Session) -> Crash | None:
        self._busy()
        self._timetable.ticked()
        try:
            session.tick()
        except TryAgain:
            self._lane.retries += 1  # the next tick comes by itself
        except BaseException as error:
            return Crash("reporter_tick", error)
        return None

    def _flush(self, session: Session) -> Crash | None:
        self._busy()
        crash = None
        try:
            session.flush()
        except BaseException as error:
            if self._in_flight.given_up:
                return None
            if issubclass(type(error), TryAgain):
                self._put_off(FLUSH, error)
                return None
            crash = Crash(FLUSH, error)
        if self._in_flight.given_up:
            return None
        self._timetable.flushed(self._in_flight.handled)
        if crash is None:
            self._in_flight.flushed()
            if self._flush_is_put_off():
                self._resume()
        self._lane.flushed(ok=crash is None)
        return crash

    def _flush_once_more(self, session: Session) -> None:
        """The reporter has crashed, and its state goes: what it took before should leave first."""
        if not self._in_flight.counts.unflushed:
            return
        self._busy()
        try:
            session.flush()
        except BaseException as error:
            if not self._in_flight.given_up:
                self._lane.operator_log.did_not_flush(error)
        else:
            if not self._in_flight.given_up:
                self._in_flight.flushed()

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
