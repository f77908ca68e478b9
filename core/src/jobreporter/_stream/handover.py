"""Handing batches over to a stream: whatever it answers, each event is in it in the end, or counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from jobreporter._stream.encode import Encoded
from jobreporter._stream.partition import partition_of
from jobreporter._stream.raw_batch import RawBatch
from jobreporter.streams import Batch, Stream, StreamRefused


class Part(NamedTuple):
    """What goes to one partition of the numbers from ``first`` to ``last``."""

    partition: int
    first: int
    last: int
    #: The number of each event in the batch.
    numbers: Sequence[int]
    encoded: Encoded

    def batch(self) -> Batch:
        """As a stream takes it."""
        _data, _events, begun, still_open, ended = self.encoded
        return Batch(
            partition=self.partition,
            first=self.first,
            last=self.last,
            events=self.encoded.events,
            data=self.encoded.data,
            begun=begun,
            open=still_open,
            ended=ended,
        )

    def after(self, number: int) -> Part:
        """What comes after a number."""
        rest = self._replace(first=number + 1)
        if not self.numbers:
            return rest  # it only moves the number on, and may hold nothing at all
        remaining = [index for index, each in enumerate(self.numbers) if each > number]
        return rest._with(RawBatch(self.encoded.data), remaining)

    def without(self, executions: Sequence[str]) -> Part:
        """What remains without the events of some executions."""
        raw = RawBatch(self.encoded.data)
        return self._with(raw, raw.without(executions))

    def _with(self, raw: RawBatch, remaining: Sequence[int]) -> Part:
        numbers = [self.numbers[index] for index in remaining]
        return self._replace(numbers=numbers, encoded=raw.pick(remaining, first=self.first))


class Outcome(NamedTuple):
    """What became of the events that were handed over."""

    #: Events of executions that had been declared lost, which were left out.
    repeated: int = 0
    #: Earlier events that the stream doesn't have any more.
    rolled_back: int = 0

    def plus(self, other: Outcome) -> Outcome:
        return Outcome(self.repeated + other.repeated, self.rolled_back + other.rolled_back)


def hand_over(
    stream: Stream, producer: bytes, parts: Sequence[Part], beat: bytes | None = None, *, noted: Callable[[Part], None]
) -> Outcome:
    """Append the parts, at most one for each partition, until the stream has each of them.

    noted: told of each part that the stream has, as soon as it has it: where a later call raises, as a stream does, the
    others can be handed over again.
    """
    outcome = Outcome()
    waiting = list(parts)
    while waiting or beat is not None:
        answers = stream.append(producer, [part.batch() for part in waiting], beat)
        beat, again = None, []
        for part, answer in zip(waiting, answers, strict=True):
            if answer.status == "partly_known":
                again.append(_smaller(part, part.after(answer.last)))
            elif answer.status == "lost":
                again.append(_smaller(part, part.without(answer.lost)))
                outcome = outcome.plus(Outcome(repeated=part.encoded.events - again[-1].encoded.events))
            else:
                outcome = outcome.plus(Outcome(rolled_back=answer.rolled_back))
                noted(part)
        waiting = again
    return outcome


def _smaller(part: Part, remaining: Part) -> Part:
    if remaining.first == part.first and remaining.encoded.events == part.encoded.events:
        raise StreamRefused("the stream refuses a batch for what isn't in it")
    return remaining


def spread(raw: RawBatch, partitions: int) -> list[Part]:
    """A part for each partition, with the batch's own numbers. Some may be without events."""
    numbers = range(raw.first, raw.first + len(raw.ids))
    if partitions == 1:
        return [Part(0, numbers.start, numbers.stop - 1, numbers, raw.pick(range(len(numbers))))]
    chosen: list[list[int]] = [[] for _ in range(partitions)]
    for index, (job, _execution) in enumerate(raw.ids):
        chosen[partition_of(job, partitions)].append(index)
    return [
        Part(partition, numbers.start, numbers.stop - 1, [numbers[index] for index in which], raw.pick(which))
        for partition, which in enumerate(chosen)
    ]
