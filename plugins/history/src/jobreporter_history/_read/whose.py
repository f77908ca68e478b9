"""Whose jobs are meant: those of one queue system, program and environment, for ids that are unique only there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

from jobreporter_history._engines.database import Connection
from jobreporter_history._read.names import Names
from jobreporter_history._records.executions import Execution, Running

Run = TypeVar("Run", Execution, Running)


class Whose(NamedTuple):
    """What is given has to be so; what is ``None`` may be anything."""

    source: str | None = None
    service: str | None = None
    environment: str | None = None

    def condition(self, connection: Connection, names: Names) -> str:
        """The same in SQL, on a row called ``x``, to be added to other conditions.

        What stands in the series for all that are too many has it as well, whosever it is: `among` is to follow.
        """
        if self == _ANYBODY:
            return ""
        series = names.all_series(connection)
        ids = [number for number, each in series.items() if each.is_other or self._has(each)]
        # The sign keeps the index of series out: the few rows with an id are found by that.
        return f" AND +x.series IN ({', '.join(map(str, ids)) or 'NULL'})"

    def among(self, runs: Iterable[Run]) -> list[Run]:
        """Those of them that are meant."""
        return [each for each in runs if self._has(each)]

    def _has(self, of: Any) -> bool:
        return all(
            value is None or getattr(of, field) == value for field, value in zip(self._fields, self, strict=True)
        )


_ANYBODY = Whose()
