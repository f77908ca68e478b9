"""Series and releases by their numbers: few, and read once."""

from __future__ import annotations

from jobreporter_history._engines.database import Connection
from jobreporter_history._rows.series import OTHERS, Series


class Names:
    """What is known so far. It is read again where a number is met that isn't known."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Read them anew: they may be others by now."""
        self._series: dict[int, Series] = {}
        self._releases: dict[int, str] = {}

    def all_series(self, connection: Connection) -> dict[int, Series]:
        """Every series, as of now."""
        found = connection.rows("SELECT id, service, environment, source, queue, name FROM series")
        series = self._series = {number: Series(*rest) for number, *rest in found}
        return series

    def series(self, connection: Connection, id: int) -> Series:
        """The series with that number."""
        # Another thread may have them forgotten meanwhile.
        known = self._series
        if id not in known:
            known = self.all_series(connection)
        return known.get(id, OTHERS)

    def first_seen(self, connection: Connection, release: str) -> float | None:
        """When a release of this name was seen first; ``None``: never."""
        [(seen,)] = connection.rows("SELECT min(first_seen) FROM release WHERE name = ?", (release,))
        return None if seen is None else float(seen)

    def release(self, connection: Connection, id: int | None) -> str | None:
        """The name of the release with that number."""
        if id is None:
            return None
        known = self._releases
        if id not in known:
            known = self._releases = dict(connection.rows("SELECT id, name FROM release"))
        return known.get(id)
