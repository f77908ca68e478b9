"""The thread that serves a lane: it starts the reporter, hands it events, and starts it again when it crashes.

It ends when the lane closes, or when it is given up because a hook hangs. Then the next thread begins where this one
stood, and whatever this one still does is thrown away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from jobreporter import _greenlets, _ingress
from jobreporter._hand import Hand
from jobreporter._lane import Lane
from jobreporter._session import Session


class Crash(NamedTuple):
    """A hook raised. hook: which one, or what else it was that the reporter ran."""

    hook: str
    error: BaseException


class Runner:
    """One thread of a lane.

    hand: where it counts and takes events. inherited: the session of a thread that was given up, to be stopped first.
    ended: called last.
    """

    def __init__(self, lane: Lane, hand: Hand, inherited: Session | None, ended: Callable[[], None]) -> None:
        self._lane = lane
        self._hand = hand
        self._inherited = inherited
        self._on_end = ended
        self._steps = 0
        self._flushed_at = lane.clock.monotonic()
        self._handled_at_flush = 0
        self.session: Session | None = None
        #: Whether the thread waits for something to do: then it can't be hanging.
        self.idle = False
        #: Set by the supervisor when a busy reporter is due for a flush; that spares a look at the clock per event.
        self.interrupted = False
        self.ended = False
        #: What the thread is where gevent or eventlet has patched threads.
        self.greenlet: Any = None
        self.thread = threading.Thread(target=self._run, name=f"jobreporter-{lane.name}", daemon=True)

    @property
    def progress(self) -> int:
        """Grows with everything that the thread gets done."""
        hand = self._hand
        return hand.handled + hand.failed + hand.filtered + self._steps

    @property
    def flush_at(self) -> float | None:
        """The monotonic time at which the reporter is due for a flush; ``None`` if no event came since the last."""
        if self._hand.handled == self._handled_at_flush:
            return None
        return self._flushed_at + self._lane.settings.flush_interval

    def _run(self) -> None:
        _ingress.keep_out()
        self.greenlet = _greenlets.current()
        try:
            self._lane.speak()
            if self._inherited is not None:
                self._busy()
                self._inherited.stop_from_outside()
            while session := self._start():
                crash = self._serve(session)
                if self._hand.given_up:
                    return
                self._stop(session)
                if crash is None:
                    return
                self._lane.crashed(crash.hook, crash.error)
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
        if self._hand.given_up:
            self.session.stop()
        else:
            self._stop(self.session)

    def _start(self) -> Session | None:
        """Start the reporter once the breaker allows it, or at once for a last try when the lane closes.

        Returns ``None`` where there is no more to try.
        """
        lane = self._lane
        while not self._hand.given_up:
            last_try = lane.closing
            wait = 0.0 if lane.breaker.retry_at is None else lane.breaker.retry_at - lane.clock.monotonic()
            if wait > 0 and not last_try:
                lane.speak()
                self._wait(wait)
                continue
            self._busy()
            try:
                prepared = lane.recipe.prepare()
                self.session = Session(prepared, lane.context(), lane.settings.timeout, lane.voice)
            except BaseException as error:
                if self._hand.given_up:
                    return None
                lane.did_not_start(error)
                if last_try:
                    return None
            else:
                if self._hand.given_up:
                    self.session.stop()  # it started too late, and nobody else knows what it opened
                    return None
                lane.started(self.session)
                return self.session
        return None

    def _serve(self, session: Session) -> Crash | None:
        """Hand events to the reporter until it crashes, or until the lane closes and nothing is left."""
        lane, hand = self._lane, self._hand
        while True:
            crash = self._handle(session)
            if crash is None and not hand.given_up and self._flush_wanted():
                crash = self._flush(session)
            # Given up, this thread must not touch the lane any more: all of it is the next thread's.
            if crash is not None or hand.given_up:
                return crash
            lane.speak()
            if self.interrupted:
                self.interrupted = False
            elif hand.take():
                self._busy()
            elif lane.closing:
                return self._flush(session)
            elif (crash := self._rest()) is not None:
                return crash

    def _handle(self, session: Session) -> Crash | None:
        """Hand over what is in hand, until the reporter crashes or is due for a flush.

        This is the loop that every event of every reporter goes through: what can be looked up once, is.
        """
        hand, passes, calls = self._hand, self._lane.passes, session.calls
        unproven = self._lane.breaker.open
        for event in hand.events:
            wanted = calls[type(event)]
            if wanted is None or (passes is not None and not passes(event)):
                hand.filtered += 1
                continue
            call, returns = wanted
            try:
                result = call(event, session.state)
                if returns:
                    session.take(call, result)
            except BaseException as error:
                if hand.given_up:
                    return None
                hand.failed += 1
                return Crash(call.hook, error)
            if hand.given_up:
                return None
            hand.handled += 1
            if unproven:
                return self._prove(session)
            if self.interrupted:
                return None
        return None

    def _prove(self, session: Session) -> Crash | None:
        """The first event after a backoff went well: so must a flush, before the reporter counts as recovered."""
        self.interrupted = True  # the hand may hold more: go on with it
        crash = self._flush(session)
        if crash is None and not self._hand.given_up:
            self._lane.recovered()
        return crash

    def _flush_wanted(self) -> bool:
        due = self.flush_at
        return self._lane.flush_requested() or (due is not None and self._lane.clock.monotonic() >= due)

    def _flush(self, session: Session) -> Crash | None:
        self._busy()
        crash = None
        try:
            session.flush()
        except BaseException as error:
            crash = Crash("reporter_flush", error)
        if self._hand.given_up:
            return None
        self._flushed_at = self._lane.clock.monotonic()
        self._handled_at_flush = self._hand.handled
        self._lane.flushed(ok=crash is None)
        return crash

    def _rest(self) -> Crash | None:
        """Wait for something to do. An async reporter's own loop runs meanwhile, and what it runs may raise."""
        due = self.flush_at
        try:
            self._wait(None if due is None else due - self._lane.clock.monotonic())
        except BaseException as error:
            return Crash("the background of its event loop", error)
        return None

    def _stop(self, session: Session) -> None:
        self._busy()
        if session.loop is not None:
            self._lane.loses_loop()
        session.stop()

    def _busy(self) -> None:
        self._steps += 1

    def _wait(self, timeout: float | None) -> None:
        bell = self._lane.bell  # before the look at the hand: whoever gives this thread up rings it afterwards
        self.idle = True
        try:
            if not self._hand.given_up:
                bell.wait(timeout)
        finally:
            self.idle = False
            self._busy()
