"""Events that wait to be written, what tells of the same execution merged."""

from __future__ import annotations

from collections.abc import Iterator

from jobreporter_history._rows.columns import OWN
from jobreporter_history._rows.events import Begun, Ended, order
from jobreporter_history._rows.text import storable_key


class Told:
    """What a batch tells of one execution."""

    __slots__ = ("begun", "ended", "events", "size")

    def __init__(self) -> None:
        self.begun: Begun | None = None
        self.ended: Ended | None = None
        #: How many events told of it, and about how many bytes they take.
        self.events = 0
        self.size = 0

    @property
    def since(self) -> float:
        """When the execution began, as far as this tells: nobody can have told of its end before."""
        starts = []
        if self.begun is not None:
            starts.append(self.begun.at)
        if self.ended is not None:
            starts.append(self.ended.at - max(self.ended.duration or 0.0, 0.0))
        return min(starts)


class Batch:
    """Executions by their ids, in the order of the ids."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}
        #: How many events are in it.
        self.events = 0
        #: About how many bytes it will take.
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._told)

    def __len__(self) -> int:
        return len(self._told)

    def __iter__(self) -> Iterator[tuple[str, Told]]:
        return iter(sorted(self._told.items()))

    def add_begun(self, begun: Begun) -> None:
        """Add that an execution has started."""
        told = self._about(begun.execution_id)
        if told.begun is None or begun.order < told.begun.order:
            told.begun = begun
        self._grow(told, begun.facts[-1])

    def add_ended(self, ended: Ended) -> None:
        """Add that an execution has ended."""
        told = self._about(ended.execution_id)
        if told.ended is None or order(ended.facts, ended.at) < order(told.ended.facts, told.ended.at):
            told.ended = ended
        self._grow(told, ended.facts[-1])

    def knows_better(self, execution_id: str) -> bool:
        """Whether it has the execution's own outcome, so that the bare word that it stopped adds nothing."""
        told = self._told.get(storable_key(execution_id))
        return told is not None and told.ended is not None and told.ended.rank == OWN

    def parts(self, most: int) -> list[Batch]:
        """The same as batches of so many executions at most."""
        if len(self) <= most:
            return [self]
        found = []
        ids = sorted(self._told)
        for first in range(0, len(ids), most):
            part = Batch()
            for execution_id in ids[first : first + most]:
                told = part._told[execution_id] = self._told[execution_id]
                part._count(told, 1)
            found.append(part)
        return found

    def remove(self, part: Batch) -> None:
        """Leave out what is in another one."""
        for execution_id in part._told.keys() & self._told.keys():
            self._count(self._told.pop(execution_id), -1)

    def _about(self, execution_id: str) -> Told:
        told = self._told.get(execution_id)
        if told is None:
            told = self._told[execution_id] = Told()
        return told

    def _grow(self, told: Told, data: str) -> None:
        self._count(told, -1)
        told.events += 1
        told.size += 500 + len(data)
        self._count(told, 1)

    def _count(self, told: Told, by: int) -> None:
        self.events += by * told.events
        self.size += by * told.size
