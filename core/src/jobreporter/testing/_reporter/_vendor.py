"""What a vendor does to a reporter. One that sends nothing has nothing to fear."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

from jobreporter import Dispatcher
from jobreporter.testing._answers import Answer, break_off, endless, garbage, hang, hang_up, redirect, too_many
from jobreporter.testing._make import make_event
from jobreporter.testing._reporter._base import ReporterCases
from jobreporter.testing._stand_in import StandIn
from jobreporter.testing._waiting import PATIENCE, wait_for


class VendorCases(ReporterCases):
    """Down, slow, rude, or elsewhere."""

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
            assert time.monotonic() - start < 0.5 + 0.5 + 2.0, "two seconds for a busy machine"

    def test_it_sends_again_what_was_answered_503(self) -> None:
        """The batch is kept, also if that happens in a flush, and is sent again: nothing is lost."""
        self._survives(Answer(503), Answer(500))

    def test_it_waits_when_it_is_asked_to(self) -> None:
        """429 with a Retry-After is no loss, and nothing comes before that is over."""
        self._survives(too_many(retry_after=1))
        if self.stand_in.requests:
            first, second, *_ = self.stand_in.requests
            assert second.at - first.at >= 1.0

    def test_it_sends_again_after_a_connection_broke(self) -> None:
        """Without an answer, nobody knows whether it came: it is sent again."""
        self._survives(hang_up, break_off, garbage)

    def test_it_outlives_an_outage(self) -> None:
        """While nobody listens, events wait; afterwards they are sent."""
        with self.stand_in.gone():
            dispatcher = self.dispatch()
            dispatcher.publish(make_event("failure", will_retry=False))
            dispatcher.flush(0.2)
        self._arrives(dispatcher)

    def _survives(self, *trouble: object) -> None:
        self.stand_in.next(*trouble)  # type: ignore[arg-type]  # answers and misbehaviours
        dispatcher = self.dispatch()
        dispatcher.publish(make_event("failure", will_retry=False))
        self._arrives(dispatcher)
        assert not (self.stand_in.requests and self.stand_in.script), "it was not sent again"

    def _arrives(self, dispatcher: Dispatcher) -> None:
        wait_for(lambda: dispatcher.flush(1), "it sends what it kept")
        dispatcher.close(PATIENCE)
        stats = self.stats(dispatcher)
        assert (stats.lost, stats.lost_by_reporter, stats.restarts) == (0, {}, 0), stats.reason
        assert self.stand_in.taken or not self.stand_in.requests, "nothing has arrived"

    def test_it_follows_no_redirect(self) -> None:
        """What it knows of jobs, and the key to its vendor, go nowhere but where the config says."""
        with StandIn() as elsewhere, self.stand_in.always(redirect(f"{elsewhere.url}/")):
            dispatcher = self.dispatch(timeout=2.0)
            dispatcher.publish(make_event("failure", will_retry=False))
            dispatcher.flush(1)
            dispatcher.close(1)
            assert elsewhere.requests == []
