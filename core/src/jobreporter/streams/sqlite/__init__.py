"""Streams in an SQLite database: durable, on one machine, without a server.

Only agents open the database. Workers write to a spool beside it, ``PATH.d``: a connection that a forked child inherits
would undo SQLite's locks, many writers wait for each other, and on a full disk not even trimming works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from jobreporter.options import Options
from jobreporter.streams import StreamSettings

if TYPE_CHECKING:
    from jobreporter.streams.sqlite._stream import SqliteStream


class SqliteOptions(Options):
    """It has no keys of its own."""


class _Engine:
    """Opens ``sqlite:///PATH``."""

    options: type[Options] = SqliteOptions
    direct = False

    def spool_folder(self, url: str) -> str | None:
        return f"{_path(url)}.d"

    def faults(self, url: str) -> Sequence[str]:
        if "?" in url:
            return ["a sqlite:// URL has nothing after a question mark; one in a path is written %3F"]
        path = _path(url)
        if not path.startswith("/"):
            return [
                f"expected an absolute path after sqlite://, as in sqlite:///var/lib/shop/stream.db, found {path!r}"
            ]
        if path.endswith("/"):
            return [f"expected the path of a file, found that of a folder, {path!r}"]
        return []

    def open(self, url: str, settings: StreamSettings) -> SqliteStream:
        # A worker asks where the spool is, and never needs sqlite3.
        from jobreporter.streams.sqlite._stream import SqliteStream

        return SqliteStream(_path(url), settings)


def _path(url: str) -> str:
    path = unquote(url.removeprefix("sqlite://"))
    # SQLAlchemy's way to write an absolute path has one slash more.
    return path[1:] if path.startswith("//") else path


engine = _Engine()
