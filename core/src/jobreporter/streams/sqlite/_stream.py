"""The stream, put together from its parts."""

from __future__ import annotations

from collections.abc import Sequence

from jobreporter.streams import StreamSettings
from jobreporter.streams.sqlite._appending import Appending
from jobreporter.streams.sqlite._database import Database
from jobreporter.streams.sqlite._reading import Reading
from jobreporter.streams.sqlite._settling import Settling
from jobreporter.streams.sqlite._trimming import Trimming


class SqliteStream(Appending, Reading, Settling, Trimming):
    """A stream in the database at ``path``."""

    def __init__(self, path: str, settings: StreamSettings) -> None:
        self._database = Database(path, settings)

    @property
    def partitions(self) -> int:
        return self._database.partitions

    @property
    def identity(self) -> bytes:
        return self._database.identity

    def close(self) -> None:
        self._database.close()

    def findings(self) -> Sequence[str]:
        return ()
