"""How little room an execution takes in PostgreSQL."""

from __future__ import annotations

from jobreporter_history._open import open_database

from .executions import NOW, succeeded, write
from .postgresql_server import PostgresqlServer


def test_no_room_is_left_empty_between_columns(postgresql: PostgresqlServer) -> None:
    """In each table, columns of a fixed width come first, the widest before the others, and texts last."""
    write(url := postgresql.new_database(), succeeded(NOW))
    database = open_database(url)
    with database.reading() as connection:
        rows = connection.rows(
            "SELECT c.relname, a.attlen FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE c.relname IN ('exec_ok', 'exec_bad', 'ok_20231114') AND a.attnum > 0 ORDER BY c.relname, a.attnum"
        )
    database.close()
    widths: dict[str, list[int]] = {}
    for name, width in rows:
        widths.setdefault(name, []).append(width)
    assert len(widths) == 3
    for found in widths.values():
        assert found == sorted(found, reverse=True)
        assert {8, 2, -1} == set(found)
