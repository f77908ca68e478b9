"""From the ingress into the lanes: each event once, whatever interrupts the pump.

What is taken goes through three states: items that were pulled, one batch that was made of them, and what was settled.
Each is one assignment, and every step can be done again: an exception at any instruction, even one that is thrown into the
thread, costs nothing but the time to repeat the step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from types import MappingProxyType
from typing import Any, NamedTuple

from jobreporter._dispatch.hiding import Hiding
from jobreporter._dispatch.usual import NOTHING, take_usual
from jobreporter._dispatch.weight import Scales
from jobreporter._foreign.classes import short_name
from jobreporter._lane.buffer import PIECE, Batch
from jobreporter._lane.lane import Lane
from jobreporter._publish.ending import Ending, UnfinishedFailure, events_in, kinds_in
from jobreporter._publish.ingress import Ingress
from jobreporter.events import Aborted, Event, Failure, Started, Stopped, Success

#: How many events no reporter gets, by reason and kind.
Refused = Mapping[str, Mapping[str, int]]


class Repeated(Exception):  # noqa: N818 - nobody's error: it is counted
    """An execution has ended before."""


class Settled(NamedTuple):
    """What is done with: how many items, the events in them, and what of these no reporter gets, by reason and kind."""

    items: int = 0
    events: int = 0
    refused: Refused = MappingProxyType({})


class State(NamedTuple):
    """What is settled, and the items that were pulled after it."""

    settled: Settled
    pulled: deque[Any]


class Opened(NamedTuple):
    """A batch, and the items that it was made of: the first one's place in the stream, how many, and what they held.

    refused: items that no reporter gets, each with the reason. errors: why some are invalid.
    """

    place: int
    items: int
    taken: int
    batch: Batch
    refused: list[tuple[str, object]]
    errors: list[BaseException]


class Intake:
    """The pump's hands. complain: told why an item is invalid. hiding: what must not be seen of events."""

    def __init__(
        self,
        ingress: Ingress,
        lanes: Sequence[Lane],
        complain: Callable[[BaseException], None],
        hiding: Hiding | None = None,
    ) -> None:
        self._ingress = ingress
        self._lanes = lanes
        self._complain = complain
        self._scales = Scales(hiding)
        # With patterns of the user's own, each event is looked at closely.
        self._take_usual = take_usual if hiding is None else _take_none
        self._state = State(Settled(), deque())
        self._opened: Opened | None = None
        # The executions that the batch that is being opened ends, and where that begins.
        self._sealed: list[list[None]] = []
        self._sealed_from = -1
        # So many items are opened one by one, since the pump stumbled over one of them.
        self._careful = 0

    @property
    def settled(self) -> Settled:
        """What was taken and is done with."""
        return self._state.settled

    @property
    def accepted(self) -> int:
        """How many events were taken."""
        settled, pulled = self._state
        return settled.events + sum(map(events_in, list(pulled)))

    @property
    def has_come(self) -> int:
        """How many items have come so far."""
        settled, pulled = self._state
        return settled.items + len(pulled) + len(self._ingress.items)

    @property
    def holds(self) -> bool:
        """Whether items were taken, and are in no lane yet."""
        return bool(self._state.pulled)

    @property
    def waits(self) -> bool:
        """Whether items wait."""
        return self.holds or bool(self._ingress.items)

    def move(self) -> bool:
        """Hand the next items to the lanes. Returns whether there were any."""
        if not self._state.pulled:
            self._pull()
        return self.move_pulled()

    def move_pulled(self) -> bool:
        """Hand out the items that are not in the ingress any more. Returns whether there were any."""
        (place, _, _), pulled = self._state
        if not pulled:
            return False
        opened = self._opened
        if opened is None or opened.place != place:
            opened = self._opened = self._open_some()
        if opened.batch.events:
            for lane in self._lanes:
                lane.offer(opened.batch)
        self._settle(opened)
        for error in opened.errors:
            self._complain(error)
        return True

    def be_careful(self) -> None:
        """The pump stumbled: take the items one by one, so that one that it stumbles over again costs no other."""
        self._careful = len(self._state.pulled)

    def give_up(self) -> None:
        """There will be no pump any more: what was pulled, and went to no lane, came too late."""
        if (opened := self._opened) is not None and opened.place == self.settled.items:
            self.move_pulled()  # some lanes may have got it: the others are closed, and count it
        settled, pulled = self._state
        refused = _with(settled.refused, [("closed", item) for item in pulled])
        then = Settled(settled.items + len(pulled), settled.events + sum(map(events_in, pulled)), refused)
        self._state = State(then, deque())

    def _pull(self) -> None:
        items = self._ingress.items
        try:
            # In one go of the interpreter's own: nothing can come between taking an item and having it.
            self._state.pulled.extend(map(deque.popleft, repeat(items, min(len(items), PIECE))))
        except IndexError:
            pass  # a close that was too late for these has swept the ingress

    def _open_some(self) -> Opened:
        """The next events, and what they take in bytes."""
        (place, _, _), pulled = self._state
        count = taken = 1 if self._careful else len(pulled)
        self._forget_seals(place)
        events: list[Event] = []
        refused: list[tuple[str, object]] = []
        errors: list[BaseException] = []
        items, size = islice(pulled, count), 0
        while True:
            weight, item = self._take_usual(items, self._scales, events)
            size += weight
            if item is NOTHING:
                break
            try:
                if type(item) is Ending:
                    taken += 1
                    size += self._end(item, events)
                else:
                    _check(type(item))
                    size += self._scales.weigh(item)
                    events.append(item)
            except Repeated:
                refused.append(("repeated", item))
            except BaseException as error:
                # What has nothing to do with the item may have come just now: it gets another chance.
                if not self._careful and not _is_about_the_item(type(error)):
                    raise
                refused.append(("invalid", item))
                errors.append(error)
        # A tuple takes just what it holds, where a list keeps room to grow.
        return Opened(place, count, taken, Batch(place + 1, tuple(events), size), refused, errors)

    def _end(self, ending: Ending, events: list[Event]) -> int:
        """Add the two events of an ending, its failure complete. Returns what they weigh.

        Raises `Repeated` if the execution has ended before.
        """
        if ending.seal:
            raise Repeated
        self._sealed.append(ending.seal)
        ending.seal.append(None)
        outcome = ending.outcome
        if isinstance(outcome, UnfinishedFailure):
            outcome = _completed(outcome)
        weight = self._scales.weigh_own(outcome) + self._scales.weight  # both are of the same job
        self._scales.over = True
        events += (outcome, ending.stopped)
        return weight

    def _forget_seals(self, place: int) -> None:
        """Undo what an attempt to open the same items has noted: they have not ended anything yet."""
        if self._sealed_from == place:
            for seal in self._sealed:
                seal.clear()
        self._sealed = []
        self._sealed_from = place

    def _settle(self, opened: Opened) -> None:
        settled, pulled = self._state
        refused = _with(settled.refused, opened.refused) if opened.refused else settled.refused
        then = Settled(settled.items + opened.items, settled.events + opened.taken, refused)
        rest = deque(islice(pulled, opened.items, None)) if len(pulled) > opened.items else deque[Any]()
        self._state = State(then, rest)
        self._opened = None
        self._careful = max(self._careful - opened.items, 0)


def _with(refused: Refused, more: Iterable[tuple[str, object]]) -> Refused:
    """The counts with those of more items, in new dicts: whoever reads the ledger may be in the middle of the old ones."""
    by_reason = {reason: dict(by_kind) for reason, by_kind in refused.items()}
    for reason, item in more:
        by_kind = by_reason.setdefault(reason, {})
        for kind in kinds_in(item):
            by_kind[kind] = by_kind.get(kind, 0) + 1
    return by_reason


def _check(kind: type) -> None:
    """Raises TypeError for what is no event."""
    if not (kind is Started or kind is Success or kind is Stopped or kind is Aborted or kind is Failure):
        raise TypeError(f"publish() takes one of jobreporter's five events, not {short_name(kind)}")


def _take_none(items: Iterator[Any], _scales: Scales, _events: list[Event]) -> tuple[int, Any]:
    """Stop at the next item."""
    return 0, next(items, NOTHING)


def _is_about_the_item(error: type[BaseException]) -> bool:
    """Whether an error that was raised while an item was opened is the item's, and would be raised again."""
    return issubclass(error, Exception) and not issubclass(error, MemoryError)


def _completed(failure: UnfinishedFailure) -> Failure:
    """The failure, its error with names and lines of source, which takes too long for the job's thread.

    What the error says to be secret is in no tag either.
    """
    fields = failure.fields
    error, eraser = fields["error"].finish(fields["job"].name)
    return Failure(**{**fields, "error": error, "tags": eraser.data(fields["tags"])})
