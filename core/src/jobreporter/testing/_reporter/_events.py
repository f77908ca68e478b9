"""Whatever a source may report, a reporter takes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jobreporter import Event
from jobreporter.recording import read_recording
from jobreporter.testing._corpus import corpus
from jobreporter.testing._every_event import every_event
from jobreporter.testing._make import make_event, make_job
from jobreporter.testing._reporter._base import ReporterCases


class EventCases(ReporterCases):
    """Every kind of event, in any order."""

    def test_it_takes_every_event_and_changes_none(self) -> None:
        """Nothing that a source may report crashes it, hostile data and missing fields included; it changes no event."""
        events = every_event()
        before = msgspec.msgpack.encode(events)
        assert self._take(events), "it reacts to none of them: has it a hook that begins with handle_?"
        assert msgspec.msgpack.encode(events) == before, (
            "it changes events, which other reporters get as well: change copies"
        )

    def test_it_takes_what_real_workers_reported(self) -> None:
        """What workers of every source have told of all that their job queue lets happen to a job."""
        self._take([recorded.event for path in corpus() for recorded in read_recording(path)])

    def test_it_bears_repeats(self) -> None:
        """The same execution told twice, as by both sides of a fork."""
        job = make_job(attempt=2, max_attempts=2)
        told = [make_event(kind, job=job) for kind in ("started", "failure", "stopped")]
        self._take([*told, *told, told[1], told[0], told[0], told[2], told[2]])

    def test_it_bears_what_is_missing(self) -> None:
        """A killed worker tells no end; a job dropped before it began, no start; and some tell things late."""
        lost = make_event("started", job=make_job(id="lost"))
        dropped = [make_event(kind, job=make_job(id="dropped")) for kind in ("aborted", "stopped")]
        late = [make_event(kind, job=make_job(id="late")) for kind in ("stopped", "success", "started")]
        bare = [make_event("stopped", job=make_job(id="bare"), outcome="failure", duration=None)]
        self._take([lost, *dropped, *late, *bare])

    def test_it_bears_an_idle_life(self) -> None:
        """A process in which nothing happens starts it, flushes it and stops it."""
        dispatcher = self.dispatch()
        dispatcher.start()
        self.assert_closed(dispatcher)
        self.assert_unhurt(dispatcher)

    def _take(self, events: Sequence[Event]) -> int:
        """Publish them, and see that it took all that it wants. Returns how many those were."""
        dispatcher = self.dispatch()
        for event in events:
            dispatcher.publish(event)
        self.assert_flushed(dispatcher)
        self.assert_unhurt(dispatcher)
        stats = self.stats(dispatcher)
        assert stats.handled + stats.filtered == len(events)
        return stats.handled
