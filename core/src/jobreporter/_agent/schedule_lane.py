"""The agent's lane ``schedules``: a reporter that watches whether runs come, and tells the stream of those that don't.

What it knows is kept beside the signs of life, under a name of its own, before what it has read is settled: another agent
that takes over goes on with just that, and no run is forgotten or awaited twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import msgspec

from jobreporter._agent.progress import ReadUpTo
from jobreporter._agent.schedule_watch import Notes, ScheduleWatch
from jobreporter._config.agreement import SCHEDULES
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._plugins.factory import ReporterFactory
from jobreporter._plugins.plugin import load
from jobreporter._stream.outlets import DirectOutlet
from jobreporter._stream.reopenable import REFUSED_FOR, Reopenable
from jobreporter.context import Context
from jobreporter.errors import TryAgain
from jobreporter.events import Aborted, Event, Failure, Started, Success
from jobreporter.hookspecs import hookimpl
from jobreporter.schedules import Schedule
from jobreporter.streams import Stream, StreamError, StreamRefused

#: Where the notes are kept: the name of a process that there is not.
NOTES = b"schedule"


#: How far the lane has read; ``None`` where it does not have every partition, or nobody knows.
Reading = Callable[[], ReadUpTo | None]
#: Opens the stream, with what the config says by then.
Opener = Callable[[], Stream]


def factory_for(config: Config, schedules: Sequence[Schedule], opener: Opener, reading: Reading) -> ReporterFactory:
    """What makes the lane's reporter."""
    made = ReporterConfig(name=SCHEDULES, use=SCHEDULES, place=config.place.below(SCHEDULES))
    return ReporterFactory(made, partial(load, SCHEDULES, reporter_for(schedules, opener, reading)))


def reporter_for(schedules: Sequence[Schedule], opener: Opener, reading: Reading) -> type[ScheduleReporter]:
    """The class of a reporter that watches these schedules."""
    attributes = {"schedules": tuple(schedules), "opener": staticmethod(opener), "reading": staticmethod(reading)}
    return type("ScheduleReporter", (ScheduleReporter,), attributes)


class ScheduleReporter:
    """Made anew at each start of the lane."""

    schedules: tuple[Schedule, ...]
    opener: Opener
    reading: Reading

    @hookimpl
    def reporter_start(self, context: Context) -> None:
        producer = os.urandom(8)
        self._reopenable = Reopenable(type(self).opener)
        self._opened = self._reopenable.as_stream()
        self._outlet = DirectOutlet(self._opened, producer, context.origin, context.lost, {})
        self._watch: ScheduleWatch | None = None
        self._read_before: list[Event] = []

    @hookimpl
    def handle_started(self, meta: Started) -> None:
        self._saw(meta)

    @hookimpl
    def handle_success(self, meta: Success) -> None:
        self._saw(meta)

    @hookimpl
    def handle_aborted(self, meta: Aborted) -> None:
        self._saw(meta)

    @hookimpl
    def handle_failure(self, meta: Failure) -> None:
        self._saw(meta)

    def _saw(self, event: Event) -> None:
        if self._watch is None:
            self._read_before.append(event)
        else:
            self._watch.saw(event)

    @hookimpl
    def reporter_flush(self) -> None:
        """What was read is settled after this, so that what is known of it has to be kept."""
        try:
            with self._asking():
                self._keep()
        except StreamError as error:
            raise TryAgain(REFUSED_FOR if isinstance(error, StreamRefused) else None) from error

    @hookimpl
    def reporter_tick(self) -> None:
        try:
            with self._asking():
                self._look()
        except StreamError:
            return  # whoever flushes tells of it; the next tick tries again

    @hookimpl
    def reporter_stop(self) -> None:
        self._outlet.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except StreamRefused:
            self._reopenable.open_again()
            raise

    def _look(self) -> None:
        reading = type(self).reading()
        if reading is None:
            return
        watch = self._begun(reading.now)
        self._outlet.add([event for told in watch.judge(reading) for event in told])
        self._keep()

    def _begun(self, now: float) -> ScheduleWatch:
        """The watch, once the stream has said what was known before."""
        if self._watch is None:
            self._watch = ScheduleWatch(self.schedules, _notes(self._opened), now)
            for event in self._read_before:
                self._watch.saw(event)
            self._read_before = []
        return self._watch

    def _keep(self) -> None:
        if self._watch is None:
            if not self._read_before:
                return
            reading = type(self).reading()
            if reading is None:
                raise TryAgain
            self._begun(reading.now)
        assert self._watch is not None  # noqa: S101 - it has begun
        self._outlet.flush()
        self._opened.beat(NOTES, msgspec.msgpack.encode(self._watch.notes()))


def _notes(stream: Stream) -> Notes | None:
    """What was known; ``None`` where nobody watched, or a later version wrote it."""
    beat = stream.beats().get(NOTES)
    try:
        return None if beat is None else msgspec.msgpack.decode(beat.data, type=Notes)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
