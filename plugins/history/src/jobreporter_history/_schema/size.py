"""How much room the history takes."""

from __future__ import annotations

from jobreporter_history._engines.database import Connection
from jobreporter_history._engines.sqlite import SqliteConnection


def free_inside(connection: Connection) -> int:
    """Bytes of an SQLite file that are free for new rows."""
    return int(connection.rows("PRAGMA freelist_count")[0][0] * connection.rows("PRAGMA page_size")[0][0])


def used(connection: Connection) -> int:
    """Bytes on the disk, without what is free inside: a dropped table leaves its room to the next."""
    if isinstance(connection, SqliteConnection):
        pages, free, size = (
            connection.rows(f"PRAGMA {name}")[0][0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)
    found = connection.row(
        "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'm')"
    )
    return int(found[0]) if found else 0
