"""Finds the executions of workers that died, and ends them.

A worker that is killed as a whole can't tell. Its signs of life stop: when its counter has stood still for 45 seconds of
this sweeper's own time, in which it looked and was answered, each of its executions that is open gets a failure. Time in
which the stream could not be asked doesn't count, since the worker could not give a sign either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jobreporter._stream.decode import Decoded, decode
from jobreporter._stream.encode import Header, encode
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.process import decode_process
from jobreporter._system.clock import Clock
from jobreporter.error_info import ErrorInfo
from jobreporter.events import Event, Failure, Started, Stopped
from jobreporter.streams import Beat, OpenExecution, Stream

#: Seconds of silence after which a worker is taken for dead.
PATIENCE = 45.0
#: The same for a relay, which stands for all workers of a machine: an agent that is replaced may be away for a while.
PATIENCE_WITH_RELAYS = 900.0
#: Seconds between two looks.
EVERY = 5.0

WORKER_LOST = "jobreporter.WorkerLost"


class _Silence(NamedTuple):
    """A process's counter, ``None`` without a sign of life, and for how many seconds it has stood still."""

    counter: int | None
    seconds: float


class Sweeper:
    """For one thread. lost: told of each execution that it has ended."""

    def __init__(self, stream: Stream, clock: Clock, lost: Callable[[Started], None]) -> None:
        self._stream = stream
        self._clock = clock
        self._lost = lost
        self._silent: dict[bytes, _Silence] = {}
        self._answered_at: float | None = None

    def interrupted(self) -> None:
        """The stream could not be asked: the time since the last look counts for nobody."""
        self._answered_at = None

    def turn(self) -> int:
        """Look, and end what is to be ended. Returns how many executions that were."""
        open_executions = self._stream.open_executions()
        beats = self._stream.beats()
        now = self._clock.monotonic()
        # Held up itself, it could not look, and gives everybody no more than one turn's time.
        passed = 0.0 if self._answered_at is None else min(now - self._answered_at, 2 * EVERY)
        self._answered_at = now
        producers = {execution.producer for execution in open_executions}
        self._silent = {producer: self._silence(producer, beats.get(producer), passed) for producer in producers}
        dead = {name for name in producers if self._silent[name].seconds >= _patience(beats.get(name))}
        return sum(self._end(each, beats.get(each.producer)) for each in open_executions if each.producer in dead)

    def _silence(self, producer: bytes, beat: Beat | None, passed: float) -> _Silence:
        counter = None if beat is None else beat.counter
        before = self._silent.get(producer)
        if before is None or before.counter != counter:
            return _Silence(counter, 0.0)
        return _Silence(counter, before.seconds + passed)

    def _end(self, execution: OpenExecution, beat: Beat | None) -> bool:
        try:
            beginning = decode(execution.data)
        except Unreadable:
            return False
        started = next((event for event in beginning.events if isinstance(event, Started)), None)
        if started is None:
            return False  # of a later version, whose own agents end it
        encoded = encode(Header(execution.producer, 0, beginning.origin), _ending(started, beginning, beat))
        ended = self._stream.lose(execution, encoded.data, encoded.events)
        if ended:
            self._lost(started)
        return ended


def _patience(beat: Beat | None) -> float:
    said = None if beat is None else decode_process(beat.data)
    return PATIENCE_WITH_RELAYS if said is not None and said.role == "relay" else PATIENCE


def _ending(started: Started, beginning: Decoded, beat: Beat | None) -> list[Event]:
    at = max(started.at, started.at if beat is None else beat.at)
    duration = at - started.at
    origin = beginning.origin
    where = f"{origin.host}:{origin.pid}" if origin.host else "unknown"
    error = ErrorInfo(
        type=WORKER_LOST,
        message=f"the worker {where} gave no sign of life any more",
        mro=(WORKER_LOST, "builtins.Exception", "builtins.BaseException", "builtins.object"),
    )
    # The queue gives it out again, if its source said so; otherwise nobody knows.
    will_retry = True if started.job.extra.get("redelivered") else None
    failure = Failure(job=started.job, at=at, error=error, kind="worker_lost", will_retry=will_retry, duration=duration)
    return [failure, Stopped(job=started.job, at=at, outcome="failure", duration=duration)]
