"""Dead letters, as people see them, and another try for them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from jobreporter._stream.decode import Unknown, decode
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.partition import partition_of
from jobreporter._stream.raw_batch import RawBatch
from jobreporter.events import kind_of
from jobreporter.streams import Batch, DeadLetter, Stream


class LetterShown(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter, as ``jobreporter stream dead list --json`` shows it. Fields are only added."""

    reporter: str
    id: str
    #: In UTC.
    when: str
    reason: str
    #: The kind of event, or how many events it stands for that nobody can read.
    event: str
    #: Name and id.
    job: str
    #: The event itself; ``None`` where it can't be read.
    content: Any = None


class Unretried(Exception):  # noqa: N818 - it says what has become of the letter
    """A letter that can't be tried again. The message says why."""


def shown(letter: DeadLetter) -> LetterShown:
    """As a person reads it."""
    event, job, content = f"{letter.events} unreadable", "-", None
    try:
        (found,) = decode(letter.data).events
    except (Unreadable, ValueError):
        pass
    else:
        if not isinstance(found, Unknown):
            event, job, content = kind_of(found), f"{found.job.name} {found.job.id}", msgspec.to_builtins(found)
    when = datetime.fromtimestamp(letter.at, UTC).isoformat(timespec="seconds")
    return LetterShown(
        reporter=letter.reporter, id=letter.id, when=when, reason=letter.reason, event=event, job=job, content=content
    )


def retry(stream: Stream, letter: DeadLetter) -> bool:
    """Put the event into the stream once more, for its reporter alone, and remove the letter.

    Returns whether the letter was still there. Wherever it is interrupted, the letter is there or its event in the stream;
    tried once more, the event is not there twice. Raises a stream's errors, and Unretried for a letter that nobody can read.
    """
    try:
        raw = RawBatch(letter.data)
    except Unreadable as error:
        raise Unretried(f"the dead letter {letter.id} can't be tried again: {error}") from None
    producer = _producer_of(letter)
    encoded = raw.pick(range(len(raw.ids)), first=1, producer=producer, only=letter.reporter)
    batch = Batch(
        partition=partition_of(raw.ids[0][0], stream.partitions),
        first=1,
        last=encoded.events,
        events=encoded.events,
        # It is about an execution that began and ended long ago: nothing is open, and nothing ends.
        data=encoded.data,
    )
    stream.append(producer, [batch])
    was_there = stream.drop_letter(letter)
    stream.leave(producer)
    return was_there


def _producer_of(letter: DeadLetter) -> bytes:
    """Who appends it: the same at each try, so that the stream knows the event again, and nobody else."""
    named = f"{letter.reporter}\0{letter.id}\0{letter.at!r}"
    return hashlib.blake2b(named.encode(), digest_size=8).digest()
