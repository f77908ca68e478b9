"""Events as lines for Honeybadger Insights, collected until they are sent together."""

from __future__ import annotations

from typing import Any

from jobreporter import Aborted, Event, Failure, Stopped, Success, kind_of
from jobreporter_honeybadger._data import known, short, texts, timestamp, to_json
from jobreporter_honeybadger._server import Server

#: Honeybadger's limit, in bytes of a body.
MOST_BYTES = 102_400
#: A line is never longer than this.
LONGEST_LINE = 20_000

# Characters of each text, and where that makes a line too long.
_LONGEST_TEXT = 500
_SHORTER_TEXT = 100
_MOST_TAGS = 20


class Batch:
    """Lines that wait to be sent together. A full one is sent before the next line comes, so it never is too long."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def full(self) -> bool:
        """Whether there is no room for another line of any length."""
        return self._bytes + LONGEST_LINE > MOST_BYTES

    def add(self, line: bytes) -> None:
        """Have another line wait."""
        self._lines.append(line)
        self._bytes += len(line)

    @property
    def body(self) -> bytes:
        """All lines, as newline-delimited JSON."""
        return b"".join(self._lines)

    def clear(self) -> None:
        """They have been sent: none waits any more."""
        self._lines, self._bytes = [], 0


def line_of(event: Event, server: Server) -> bytes:
    """The event as one line: flat, with durations in milliseconds, as Insights' functions like them."""
    kind = kind_of(event)
    facts = known(
        ts=timestamp(event.at),
        event_type=f"job.{kind}",
        job=event.job.name,
        job_id=event.job.id,
        execution_id=event.job.execution_id,
        source=event.job.source,
        queue=event.job.queue,
        attempt=event.job.attempt,
        max_attempts=event.job.max_attempts,
        worker=event.job.worker,
        correlation_id=event.job.correlation_id,
        service=server.service,
        environment=server.environment,
        revision=server.revision,
        hostname=server.hostname,
    )
    facts |= outcome_of(event)
    line = to_json(texts(facts, _LONGEST_TEXT))
    if len(line) >= LONGEST_LINE:
        line = to_json(texts(facts | {"tags": {}}, _SHORTER_TEXT))
    return line + b"\n"


def outcome_of(event: Event) -> dict[str, Any]:
    """What an event of this kind has beside its job."""
    match event:
        case Success():
            facts = known(queue_wait_ms=_milliseconds(event.queue_wait))
        case Aborted():
            facts = known(reason=event.reason, will_retry=event.will_retry)
        case Failure():
            facts = known(
                kind=event.kind,
                final=event.final,
                will_retry=event.will_retry,
                error_class=event.error.type.removeprefix("builtins."),
                error_message=event.error.message,
                queue_wait_ms=_milliseconds(event.queue_wait),
            )
        case Stopped():
            facts = known(outcome=event.outcome)
        case _:
            facts = {}
    tags = short(getattr(event, "tags", {}), _MOST_TAGS, 1)
    return facts | known(duration_ms=_milliseconds(getattr(event, "duration", None)), tags=tags)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
