"""What a screen is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from jobreporter_history._top.lines import Line
from jobreporter_history.store import Store


class Room(NamedTuple):
    """How much room there is, in cells, and when it is drawn (Unix seconds)."""

    width: int
    height: int
    now: float


class Subject(Protocol):
    """Something that a screen shows: what to ask the store, and the lines that come of it."""

    @property
    def title(self) -> str:
        """What stands at the top of the screen."""
        ...

    def ask(self, store: Store) -> Any:
        """What the store says. Runs on a thread, and may raise `StoreError`."""
        ...

    def lines(self, found: Any, room: Room) -> Sequence[Line]:
        """What is shown of it."""
        ...
