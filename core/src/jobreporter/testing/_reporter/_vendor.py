"""What a vendor does to a reporter. One that sends nothing has nothing to fear."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

from jobreporter import Dispatcher, Job
from jobreporter.testing._answers import Answer, break_off, endless, garbage, hang, hang_up, redirect, too_many
from jobreporter.testing._make import make_event, make_job
from jobreporter.testing._reporter._base import ReporterCases
from jobreporter.testing._stand_in import StandIn
from jobreporter.testing._waiting import PATIENCE, wait_for

#: Seconds in which what a reporter sends after its flush has to show itself.
_LATE = 1.0


class VendorCases(ReporterCases):
    """Down, slow, rude, or elsewhere."""

    # How many requests came before the trouble.
    _usual = 0

    def test_it_keeps_its_deadlines_while_its_server_hangs(self) -> None:
        """``flush`` and ``close`` return in time."""
        self._keeps_deadlines(self.stand_in.always(hang))

    def test_it_keeps_its_deadlines_while_its_server_talks_on(self) -> None:
        """An answer that never ends is not read to its end."""
        self._keeps_deadlines(self.stand_in.always(endless))

    def _keeps_deadlines(self, trouble: AbstractContextManager[None]) -> None:
        with trouble:
            dispatcher = self.dispatch(timeout=1.0)
            dispatcher.publish(make_event("failure", will_retry=False))
            start = time.monotonic()
            dispatcher.flush(0.5)
            dispatcher.close(0.5)
            took = time.monotonic() - start - 2.0  # for a busy machine
            assert took < 0.5 + 0.5, f"a flush and a close of 0.5 s each took {took:.1f} s"

    def test_it_sends_again_what_was_answered_503(self) -> None:
        """The batch is kept, also if that happens in a flush, and is sent again: nothing is lost, and nothing doubled."""
        self._survives(Answer(503), Answer(500))

    def test_it_sends_again_only_what_was_not_taken(self) -> None:
        """Where each event is a request of its own, those that were answered well don't come again with one that wasn't."""
        usual = self._told("conformance.first", "conformance.next")
        self.stand_in.next(Answer(200), Answer(503))
        told = self._told("conformance.once", "conformance.again")
        self.stand_in.script.clear()
        assert told == usual, (
            f"of two events, the vendor has taken one {told[0]} times and one {told[1]} times, where the second was answered "
            f"503; without trouble {usual[0]} and {usual[1]}: take out of the batch what was sent, before the next is sent"
        )

    def test_it_waits_when_it_is_asked_to(self) -> None:
        """429 with a Retry-After is no loss, and nothing comes before that is over."""
        self._survives(too_many(retry_after=1))
        if self.stand_in.requests:
            first, second, *_ = self.stand_in.requests[self._usual :]
            assert second.at - first.at >= 1.0, "asked to come back after 1 s, it came earlier: TryAgain(after=seconds)"

    def test_it_sends_again_after_a_connection_broke(self) -> None:
        """Without an answer, nobody knows whether it came: it is sent again."""
        self._survives(hang_up, break_off, garbage, once=False)

    def test_it_outlives_an_outage(self) -> None:
        """While nobody listens, events wait; afterwards they are sent."""
        with self.stand_in.gone():
            dispatcher = self.dispatch()
            dispatcher.publish(make_event("failure", will_retry=False))
            dispatcher.flush(0.2)
        self._arrives(dispatcher)

    def test_it_has_sent_what_it_has_flushed(self) -> None:
        """When a flush has gone well, the vendor has it: what waits on a thread of its own is lost with its process."""
        dispatcher = self.dispatch()
        dispatcher.publish(make_event("failure", job=_known_by("conformance.flushed"), will_retry=False))
        self.assert_flushed(dispatcher)
        if self.sent("conformance.flushed") or not self.sends:
            return
        dispatcher.close(PATIENCE)
        deadline = time.monotonic() + _LATE
        while time.monotonic() < deadline:
            assert not self.sent("conformance.flushed"), (
                "it was sent only after the flush: have reporter_flush wait for it"
            )
            time.sleep(0.01)  # between two looks, not in place of one

    def _survives(self, *trouble: object, once: bool = True) -> None:
        """Nothing is lost to the trouble. once: and the vendor gets it as often as without."""
        [usual] = self._told("conformance.usual")
        self._usual = len(self.stand_in.requests)
        self.stand_in.next(*trouble)  # type: ignore[arg-type]  # answers and misbehaviours
        [told] = self._told("conformance.again")
        assert not (self._usual and self.stand_in.script), "it was not sent again: raise TryAgain, and keep the batch"
        if once:
            assert told == usual, f"the vendor has taken it {told} times, and {usual} times where there was no trouble"

    def _told(self, *names: str) -> list[int]:
        """How often the vendor has taken the name of each of some jobs that failed, in the end."""
        dispatcher = self.dispatch()
        for name in names:
            dispatcher.publish(make_event("failure", job=_known_by(name), will_retry=False))
        self._arrives(dispatcher)
        return [self.sent(name) for name in names]

    def _arrives(self, dispatcher: Dispatcher) -> None:
        wait_for(lambda: dispatcher.flush(1), "it sends what it kept")
        dispatcher.close(PATIENCE)
        self.assert_unhurt(dispatcher, "What can't be sent now is no crash: raise TryAgain, and keep the batch.")
        assert self.stand_in.taken or not self.stand_in.requests, "nothing has arrived: it keeps no batch that failed"

    def test_it_follows_no_redirect(self) -> None:
        """What it knows of jobs, and the key to its vendor, go nowhere but where the config says."""
        with StandIn() as elsewhere, self.stand_in.always(redirect(f"{elsewhere.url}/")):
            dispatcher = self.dispatch(timeout=2.0)
            dispatcher.publish(make_event("failure", will_retry=False))
            dispatcher.flush(1)
            dispatcher.close(1)
            followed = [f"{each.method} {each.path}" for each in elsewhere.requests]
            assert not followed, f"it was led to another host, with {followed[0]}: have its client follow no redirects"


def _known_by(name: str) -> Job:
    """A job that bears the name wherever a reporter may look for one."""
    return make_job(name=name, id=name, execution_id=name)
