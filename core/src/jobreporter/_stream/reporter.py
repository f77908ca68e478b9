"""The worker's lane ``stream``: a reporter that hands every event on.

The lane keeps what it offers until it was taken, and this reporter keeps what it took until it is stored: where the
stream is down, nothing is handed out and the lane's buffer fills.
"""

from __future__ import annotations

import os

import msgspec

from jobreporter._config.records import Config, ReporterConfig
from jobreporter._config.settings import LaneSettings
from jobreporter._stream.encode import MOST
from jobreporter._stream.outlets import DirectOutlet, Numbers, Outlet, SpoolOutlet
from jobreporter._stream.process import ProcessBeat
from jobreporter._stream.reopenable import REFUSED_FOR, Reopenable
from jobreporter._stream.settings import resolve_stream
from jobreporter._stream.spool_writer import SpoolWriter
from jobreporter.context import Context
from jobreporter.errors import TryAgain
from jobreporter.events import Aborted, Event, Failure, Started, Stopped, Success
from jobreporter.hookspecs import hookimpl
from jobreporter.streams import Stream, StreamError, StreamRefused

# Seconds between two appends while events come: what is not appended when a worker is killed is lost.
_APPEND_EVERY = 0.1
# Ticks between two signs of life. A tick comes every five seconds.
_TICKS_PER_BEAT = 2


def lane_config(config: Config) -> ReporterConfig:
    """The lane's own settings."""
    assert config.stream is not None  # noqa: S101 - nobody asks where there is no stream
    return msgspec.structs.replace(
        config.stream, lane=LaneSettings(flush_interval=_APPEND_EVERY), options=type(config.stream.options)()
    )


def reporter_for(config: Config) -> type[StreamReporter]:
    """The class of a reporter that hands events on to the stream of this config."""
    return type("StreamReporter", (StreamReporter,), {"config": config, "lives": []})


class _Life:
    """What a process is as a producer, however often its lane is started.

    Were it another producer after a crash of the lane, the executions that it began before would seem to be nobody's, and
    be taken for lost.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.producer = os.urandom(8)
        self.numbers: Numbers = {}
        self.writer: SpoolWriter | None = None


class StreamReporter:
    """Made anew at each start of the lane. A forked child is another producer."""

    config: Config
    lives: list[_Life]

    @hookimpl
    def reporter_start(self, context: Context) -> None:
        stream = resolve_stream(self.config)
        life = self._life()
        producer = life.producer
        self._context = context
        self._ticks = 0
        self._events: list[Event] = []
        self._outlet: Outlet
        if stream.spool is not None:
            options = stream.options
            after = 0 if life.writer is None else life.writer.number
            life.writer = SpoolWriter(
                stream.spool, producer, max_bytes=options.spool_max_bytes, sync=options.sync, after=after
            )
            self._outlet = SpoolOutlet(life.writer, producer, context.origin, context.lost, life.numbers)
        else:
            reopenable = Reopenable(self._opened)
            opened = reopenable.as_stream()
            self._outlet = DirectOutlet(
                opened, producer, context.origin, context.lost, life.numbers, open_again=reopenable.open_again
            )

    def _opened(self) -> Stream:
        """Secrets are read afresh: they may have changed since."""
        return resolve_stream(self.config).open()

    def _life(self) -> _Life:
        if not self.lives or self.lives[-1].pid != os.getpid():
            self.lives.append(_Life())  # an inherited one stays, so that nothing in it is finalized
        return self.lives[-1]

    def _take(self, event: Event) -> None:
        if len(self._events) >= MOST:
            self._hand_on()
        self._events.append(event)

    @hookimpl
    def handle_started(self, meta: Started) -> None:
        self._take(meta)

    @hookimpl
    def handle_success(self, meta: Success) -> None:
        self._take(meta)

    @hookimpl
    def handle_aborted(self, meta: Aborted) -> None:
        self._take(meta)

    @hookimpl
    def handle_failure(self, meta: Failure) -> None:
        self._take(meta)

    @hookimpl
    def handle_stopped(self, meta: Stopped) -> None:
        self._take(meta)

    @hookimpl
    def reporter_flush(self) -> None:
        self._hand_on()

    @hookimpl
    def reporter_tick(self) -> None:
        if self._ticks % _TICKS_PER_BEAT == 0:
            ledger = self._context.stats()
            beat = ProcessBeat(role="worker", origin=self._context.origin, ledger=ledger)
            try:
                self._outlet.beat(beat.encoded())
            except StreamError:
                return  # whoever flushes tells of it; the next tick tries again
        self._ticks += 1

    @hookimpl
    def reporter_stop(self) -> None:
        self._outlet.close()

    def _hand_on(self) -> None:
        events, self._events = self._events, []
        self._outlet.add(events)
        try:
            self._outlet.flush()
        except StreamError as error:
            # The cause is the reason that the operator reads.
            raise TryAgain(REFUSED_FOR if isinstance(error, StreamRefused) else None) from error
