"""Incidents that a text stands in: in a job's name, the error's type, the newest message, or what the fingerprint is made of."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from jobreporter_history._engines.database import Connection, Words
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._records.executions import ExecutionDetail
from jobreporter_history._rows.text import storable
from jobreporter_history._schema import executions as schema


def containing(connection: Connection, find: str) -> tuple[str, list[Any]]:
    """The condition on an incident that is called ``i``, with its parameters. Capitals are as good as small letters."""
    words = connection.words
    find = storable(find)
    like = _like(find)
    conditions = [
        _stands_in(words, "i.job"),
        _stands_in(words, "i.kind"),
        _stands_in(words, "i.type"),
        _stands_in(words, "i.parts"),
        f"i.id IN (SELECT s.incident FROM incident_series s JOIN series j ON j.id = s.series WHERE {_stands_in(words, 'j.name')})",
    ]
    ids = ", ".join(map(str, sorted(_by_message(connection, find)))) or "NULL"
    conditions.append(f"i.id IN ({ids})")
    return f"({' OR '.join(conditions)})", [like, like, like, _like(_in_json(find)), like]


def _by_message(connection: Connection, find: str) -> set[int]:
    """By the newest message of each table, and of the failure that is kept when no table has any more."""
    words = connection.words
    found: set[int] = set()
    for table in schema.existing(connection):
        if table.kind == "bad":
            # Of each incident, along the index to its newest: there are many failures, and few incidents.
            newest = f"SELECT x.message FROM {table.name} x WHERE x.incident = i.id ORDER BY x.id DESC LIMIT 1"
            sql = f"SELECT i.id FROM incident i WHERE {_stands_in(words, f'({newest})')}"
            try:
                found.update(number for (number,) in connection.rows(sql, (_like(find),)))
            except Gone:
                continue
    kept = f"SELECT incident, execution FROM sample WHERE {_stands_in(words, 'execution')}"
    for number, execution in connection.rows(kept, (_like(_in_json(find, ascii=False)),)):
        message = msgspec.json.decode(execution, type=ExecutionDetail).execution.message or ""
        if find.lower() in message.lower():
            found.add(number)
    return found


def _stands_in(words: Words, column: str) -> str:
    """The condition that the next parameter stands in it, by the database's small letters or by those of English."""
    alike = " OR ".join(
        f"lower({column}{language}) LIKE lower(wanted.pattern{language}) ESCAPE '!'"
        for language in dict.fromkeys(("", words.english))
    )
    return f"(SELECT {alike} FROM (SELECT CAST(? AS TEXT) AS pattern) AS wanted)"


def _like(text: str) -> str:
    for each in "!%_":
        text = text.replace(each, f"!{each}")
    return f"%{text}%"


def _in_json(text: str, *, ascii: bool = True) -> str:
    """As it stands within a text of JSON."""
    return json.dumps(text, ensure_ascii=ascii)[1:-1]
