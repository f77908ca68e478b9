"""One failure of each incident outlives its table."""

from __future__ import annotations

import msgspec

from jobreporter_history._calendar import Table
from jobreporter_history._engines.database import Connection
from jobreporter_history._read.names import Names
from jobreporter_history._read.rows import SELECTED, detail
from jobreporter_history._schema import executions as schema


def keep_samples(connection: Connection, table: Table) -> None:
    """Keep the newest failure of each incident that has none in a newer table than this one, which is about to go."""
    names = Names()
    newer = [each for each in schema.existing(connection) if each.kind == table.kind and each.begins > table.begins]
    sql = f"SELECT incident, max(id) FROM {table.name} WHERE incident IS NOT NULL GROUP BY incident ORDER BY incident"
    for incident, newest in connection.rows(sql):
        if any(connection.row(f"SELECT 1 FROM {each.name} WHERE incident = ? LIMIT 1", (incident,)) for each in newer):
            continue
        if connection.row("SELECT 1 FROM incident WHERE id = ?", (incident,)) is None:
            continue
        [row] = connection.rows(f"SELECT {SELECTED} FROM {table.name} x WHERE x.id = ?", (newest,))
        stored = msgspec.json.encode(detail(row, connection, names)).decode()
        connection.run(
            "INSERT INTO sample (incident, execution) VALUES (?, ?)"
            " ON CONFLICT (incident) DO UPDATE SET execution = excluded.execution",
            (incident, stored),
        )
