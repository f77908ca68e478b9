"""Hands a started reporter what is due: the events in flight, flushes and ticks, and what it asked to have again."""

from __future__ import annotations

from typing import NamedTuple

from jobreporter._lane.in_flight import InFlight
from jobreporter._lane.lane import Lane
from jobreporter._lane.session import Session
from jobreporter._lane.timetable import FLUSH, Timetable
from jobreporter.errors import TryAgain, Undeliverable
from jobreporter.events import Event
from jobreporter.hookspecs import HANDLERS


class Crash(NamedTuple):
    """A hook raised. hook: which one, or what else it was that the reporter ran."""

    hook: str
    error: BaseException


class Delivery:
    """Of one thread of a lane, through all lives of its reporter. in_flight: where it counts and takes events."""

    def __init__(self, lane: Lane, in_flight: InFlight) -> None:
        self._lane = lane
        self._in_flight = in_flight
        self._timetable = Timetable(lane.clock, lane.settings)
        # The event that a handler asked to have again: it has passed the filter already.
        self._given_back: Event | None = None
        self._last_tick_done = False
        self._in_a_hurry = False
        #: Grows with each call of a hook that is no event's.
        self.steps = 0
        #: Set from outside when a busy reporter is due for something; that spares a look at the clock per event.
        self.interrupted = False

    def session_began(self, session: Session) -> None:
        """The reporter has started."""
        self._in_flight.keeps = session.flushes
        self._timetable.session_began(ticks=session.ticks)

    @property
    def due_at(self) -> float | None:
        """The monotonic time at which something is due whether events come or not; ``None`` if nothing is.

        That is a flush, if events came since the last, a tick, or what a hook asked to try again.
        """
        return self._timetable.due_at(self._in_flight.handled)

    def take(self, session: Session) -> bool:
        """Take the next events. They may come from another process than the ones before."""
        taken = self._in_flight.take()
        if taken and self._in_flight.origin is not None:
            session.whence.origin = self._in_flight.origin
        return taken

    def do_what_is_due(self, session: Session) -> Crash | None:
        """Hand over the events in flight, flush, and tick, as far as each is due and nothing is put off."""
        in_flight, timetable, crash = self._in_flight, self._timetable, None
        if self._lane.closing and not self._in_a_hurry:
            self._in_a_hurry = True
            timetable.hurry()
        if not timetable.waits:
            if self._flush_is_put_off:
                crash = self._flush(session)
            # Once it has gone well, events may still be in flight: it was due in the middle of them.
            if crash is None and not in_flight.given_up and not self._flush_is_put_off:
                crash = self._handle(session)
            if crash is None and not in_flight.given_up and not self.is_put_off and self._flush_wanted():
                crash = self._flush(session)
        if crash is None and not in_flight.given_up and timetable.tick_due:
            crash = self._tick(session)
        return crash

    @property
    def is_put_off(self) -> bool:
        """Whether a hook asked to be tried again: nothing else is handed out before."""
        return self._timetable.retry is not None

    @property
    def _flush_is_put_off(self) -> bool:
        retry = self._timetable.retry
        return retry is not None and retry.hook == FLUSH

    @property
    def ends_before_it_may_go_on(self) -> bool:
        """Whether the lane has to end before that."""
        retry = self._timetable.retry
        return self._lane.closing and retry is not None and retry.at > self._lane.close_by

    def finish(self, session: Session) -> Crash | None:
        """Nothing waits any more, and the lane closes: tick and flush a last time."""
        if not self._last_tick_done:
            self._last_tick_done = True
            crash = self._tick(session)
            if crash is not None or self._in_flight.given_up:
                return crash
        return self._flush(session)

    def give_up_waiting(self, session: Session) -> Crash | None:
        """What was put off is given up, since the lane ends: a flush a last time, unless that is it."""
        return None if self._flush_is_put_off else self._flush(session)

    def _handle(self, session: Session) -> Crash | None:
        """Hand over the events in flight, until the reporter crashes or is due for a flush."""
        run, in_flight = session.run, self._in_flight
        on_trial = self._lane.breaker.open or self._given_back is not None
        if run is None or on_trial or self._lane.passes is not None:
            return self._handle_each(session)
        while raised := run(in_flight, self):
            event, error = raised
            crash = self._not_taken(event, HANDLERS[type(event)], error)
            if crash is not None or in_flight.given_up or self.is_put_off:
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
                if crash is not None or in_flight.given_up or self.is_put_off:
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
        if crash is None and not self._in_flight.given_up and not self.is_put_off:
            self._lane.recovered()
        return crash

    def _put_off(self, hook: str, error: BaseException) -> None:
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
        self.steps += 1
        self._timetable.ticked()
        try:
            session.tick()
        except TryAgain:
            self._lane.retries += 1  # the next tick comes by itself
        except BaseException as error:
            return Crash("reporter_tick", error)
        return None

    def _flush(self, session: Session) -> Crash | None:
        self.steps += 1
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
            if self._flush_is_put_off:
                self._resume()
        self._lane.flushed(ok=crash is None)
        return crash

    def flush_once_more(self, session: Session) -> None:
        """The reporter has crashed, and its state goes: what it took before should leave first."""
        if not self._in_flight.counts.unflushed:
            return
        self.steps += 1
        try:
            session.flush()
        except BaseException as error:
            if not self._in_flight.given_up:
                self._lane.operator_log.did_not_flush(error)
        else:
            if not self._in_flight.given_up:
                self._in_flight.flushed()
