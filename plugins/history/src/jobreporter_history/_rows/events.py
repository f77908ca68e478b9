"""From events to what a batch is made of: that an execution started, and how it ended."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import replace

from jobreporter import Aborted, Event, Failure, Job, Origin, Started, Stopped, Success
from jobreporter.schedules import MISSED
from jobreporter_history._calendar import DAY, Kind, milliseconds
from jobreporter_history._incidents.fingerprint import Fingerprint, of_failure, of_missed
from jobreporter_history._rows.bounds import cut, cut_to_bytes, fitted, size
from jobreporter_history._rows.columns import FACTS, LOST, OWN, STOPPED
from jobreporter_history._rows.data import Data, Texts, encode
from jobreporter_history._rows.error_body import Body, split
from jobreporter_history._rows.series import Release, Series
from jobreporter_history._rows.text import storable, storable_key
from jobreporter_history._rows.words import Words, words_in, words_of

# Characters of texts; those of a series or a release fit into one key of an index together.
_TEXT, _SHORT, _LONG = 500, 80, 250
_LARGEST = (1 << 63) - 1


class Shape(NamedTuple):
    """How much of an event is kept."""

    store_args: bool = True
    max_row_bytes: int = 16_000
    own_modules: tuple[str, ...] = ()


class Begun(NamedTuple):
    """An execution has started."""

    execution_id: str
    at: float
    series: Series
    release: Release | None
    #: As in `columns.LIVE_FACTS`.
    facts: tuple[Any, ...]

    @property
    def order(self) -> tuple[Any, ...]:
        """Of two that tell of the same execution, the lower one counts."""
        return (self.at, repr(self.facts))


class Ended(NamedTuple):
    """An execution has ended."""

    execution_id: str
    #: To the millisecond.
    at: float
    series: Series
    release: Release | None
    #: As in `columns.FACTS`.
    facts: tuple[Any, ...]
    #: As it was before it became the last of the facts.
    data: Data
    body: Body | None = None
    incident: Fingerprint | None = None

    @property
    def kind(self) -> Kind:
        """The kind of table that it belongs into."""
        return kind_of(self.facts)

    @property
    def rank(self) -> int:
        """How good it is."""
        rank: int = self.facts[_RANK]
        return rank

    @property
    def words(self) -> Words:
        """The words that it is found by."""
        return words(self.series.name, self.data, self.facts[_MESSAGE])

    @property
    def duration(self) -> float | None:
        """Seconds, if known."""
        duration: float | None = self.facts[_DURATION]
        return duration


def kind_of(facts: tuple[Any, ...]) -> Kind:
    """The kind of table that an outcome with these facts belongs into."""
    return "bad" if facts[_OUTCOME] == "failure" else "ok"


def order(facts: tuple[Any, ...], at: float) -> tuple[Any, ...]:
    """Of two outcomes of one execution, the lower one counts: the better source, then the earlier, then any, but always
    the same."""
    return (-facts[_RANK], milliseconds(at), repr(facts))


_OUTCOME, _RANK, _DURATION, _MESSAGE = (FACTS.index(name) for name in ("outcome", "rank", "duration", "message"))


def begun(event: Started, origin: Origin, shape: Shape) -> Begun:
    """What is kept of a start."""
    job = event.job
    _, stored = fitted(_data(job, {}, shape), shape.max_row_bytes)
    facts = (*_ids(job), *_attempts(job), _text(job.worker), _process(origin), stored)
    return Begun(storable_key(job.execution_id), float(event.at), _series(job, origin), _release(origin), facts)


def ended(event: Event, origin: Origin, shape: Shape, now: float) -> Ended:
    """What is kept of an outcome, or of the bare word that an execution stopped.

    now: what says that it ended more than a day later than this has a wrong clock, and ended now.
    """
    job = event.job
    at = event.at if event.at <= now + DAY else now
    body: Body | None = None
    texts: tuple[Texts, ...] = ()
    incident: Fingerprint | None = None
    kind: str | None = None
    message: str | None = None
    if isinstance(event, Failure):
        body, texts = split(event.error)
        longest = shape.max_row_bytes // 4
        message = cut_to_bytes(storable(cut(event.error.message, longest)), longest)
        # The message has a column.
        texts = (Texts(notes=texts[0].notes, locals=texts[0].locals), *texts[1:])
        incident = of_failure(event, origin, shape.own_modules)
        kind = event.kind
    elif isinstance(event, Aborted):
        kind = _text(event.reason)
        if event.reason == MISSED:
            incident = of_missed(event, origin)
    tags: dict[str, str] = getattr(event, "tags", {})
    data = _data(job, tags, shape, event.error.type if isinstance(event, Failure) else None, texts)
    data, stored = fitted(data, shape.max_row_bytes - (size(message) if message else 0))
    facts = (
        *_ids(job),
        *_outcome(event),
        kind,
        int(isinstance(event, Failure) and event.final),
        _flag(getattr(event, "will_retry", None)),
        _seconds(getattr(event, "retry_delay", None)),
        *_attempts(job),
        _seconds(getattr(event, "duration", None)),
        _seconds(getattr(event, "queue_wait", None)),
        _text(job.worker),
        _process(origin),
        body.hash if body else None,
        message,
        stored,
    )
    return Ended(
        storable_key(job.execution_id),
        milliseconds(at) / 1000,
        _series(job, origin),
        _release(origin),
        facts,
        data,
        body,
        incident,
    )


def words(name: str, data: Data, message: str | None) -> Words:
    """The words that an execution is found by: a function of what is stored."""
    told = " ".join([data.type or "", message or "", *(text.message for text in data.texts)])
    return Words(
        name=words_of(name),
        args=words_in([data.args, data.kwargs]),
        error=words_of(told),
        tags=words_in(data.tags),
    )


def in_other(stored: Data, series: Series) -> str:
    """The data of a row that is counted in the series for all that are too many."""
    return encode(replace(stored, job=series._asdict()))


def _data(job: Job, tags: dict[str, str], shape: Shape, type: str | None = None, texts: tuple[Texts, ...] = ()) -> Data:
    return Data(
        args=job.args if shape.store_args else (),
        kwargs=job.kwargs if shape.store_args else {},
        tags=tags,
        extra=job.extra,
        correlation=job.correlation_id,
        priority=job.priority,
        type=type,
        texts=texts if any(texts) else (),
    )


def _series(job: Job, origin: Origin) -> Series:
    return _named(origin.service, origin.environment, job.source, job.queue, job.name)


@lru_cache(maxsize=4096)
def _named(service: str | None, environment: str | None, source: str, queue: str | None, name: str) -> Series:
    program = storable(cut(service or "", _SHORT)), storable(cut(environment or "", _SHORT))
    place = storable(cut(source, _SHORT)), storable(cut(queue or "", _SHORT))
    return Series(*program, *place, storable(cut(name, _LONG)))


@lru_cache(maxsize=1024)
def _release(origin: Origin) -> Release | None:
    if origin.release is None:
        return None
    service, environment = (storable(cut(each or "", _SHORT)) for each in (origin.service, origin.environment))
    return Release(service, environment, storable(cut(origin.release, _LONG)))


def _ids(job: Job) -> tuple[Any, ...]:
    return (storable_key(job.id), _key(job.root_id), _key(job.parent_id))


def _attempts(job: Job) -> tuple[Any, ...]:
    return (_number(job.attempt), _number(job.max_attempts), _seconds(job.enqueued_at), _seconds(job.scheduled_at))


def _outcome(event: Event) -> tuple[str, int]:
    if isinstance(event, Success):
        return "success", OWN
    if isinstance(event, Aborted):
        return "aborted", OWN
    if isinstance(event, Failure):
        return "failure", LOST if event.kind == "worker_lost" else OWN
    assert isinstance(event, Stopped)  # noqa: S101 - there is no other kind
    return event.outcome, STOPPED


@lru_cache(maxsize=1024)
def _process(origin: Origin) -> str:
    return storable(f"{origin.host}:{origin.pid}")


def _text(text: str | None) -> str | None:
    return None if text is None else storable(cut(text, _TEXT))


def _key(text: str | None) -> str | None:
    return None if text is None else storable_key(text)


def _seconds(number: float | None) -> float | None:
    return None if number is None else float(number)


def _number(number: int | None) -> int | None:
    return None if number is None else max(-_LARGEST, min(number, _LARGEST))


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)
