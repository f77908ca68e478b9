"""What the history asks of a database. Statements have ``?`` for parameters, whatever the database's own mark is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

Row = tuple[Any, ...]
#: It is run once for each row of parameters.
Statement = tuple[str, Sequence[Sequence[Any]]]


class Words(NamedTuple):
    """Where the dialects have different words for the same."""

    #: A key that the database makes up.
    identity: str
    #: An integer that is a table's key.
    key: str
    integer: str
    #: An integer that is one of a few.
    small: str
    real: str
    blob: str
    #: Text that is compared byte by byte, so that what begins alike lies side by side.
    key_text: str
    #: Behind text of which only letters from A to Z are to be made small, and each as in English: elsewhere I is another letter.
    english: str
    #: What makes a table lie in the order of its key, where that is to be said.
    clustered: str
    #: Selects the key that this connection made up last.
    last_identity: str
    #: After a SELECT whose rows are to be changed.
    for_update: str


class Connection(Protocol):
    """A connection, within a transaction or not."""

    words: Words

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """What a SELECT finds."""
        ...

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of it."""
        ...

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement. Returns how many rows it changed."""
        ...

    def run_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of parameters."""
        ...

    def run_all(self, statements: Sequence[Statement]) -> None:
        """Run several statements, one after the other, and wait once for all of them."""
        ...

    def any_of(self, column: str) -> str:
        """The condition that a column has one of the values of the next parameter, which is `array`'s."""
        ...

    def array(self, values: Sequence[Any]) -> Any:
        """Values as one parameter."""
        ...

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """The statements of the block have so long, together. Raises `OutOfTime` where that isn't enough."""
        ...


class Database(Protocol):
    """Where the history is kept."""

    #: ``sqlite`` or ``postgresql``.
    name: str
    #: Where it is, without a password.
    shown: str
    #: The monotonic time until which those who use it have to be through: then nobody waits for it any more.
    deadline: float
    #: Another number whenever it may be another history from now on: it was opened for writing anew, and may have been brought
    #: back from a backup, or be another server's that lacks the latest.
    opened: int
    #: The same of reading.
    opened_to_read: int

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction. It is committed, unless the block raises."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that changes nothing. No transaction stays open between two statements."""
        ...

    def now(self) -> float:
        """The time by which those who share the database agree."""
        ...

    def close(self) -> None:
        """Let go of it. It is opened again by whoever uses it next."""
        ...
