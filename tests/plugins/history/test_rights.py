"""Roles of PostgreSQL that may do little, and databases that aren't made for it."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from jobreporter_history._engines.postgresql import PostgresqlDatabase
from jobreporter_history._open import open_database
from jobreporter_history.store import Refused, open_store

from .conftest import Run
from .executions import failed, succeeded
from .postgresql_server import PostgresqlServer

README = (Path(__file__).parents[3] / "plugins/history/README.md").read_text()
DAY = 86_400.0


def administer(url: str, *statements: str) -> None:
    """Run statements as the owner of the server."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def as_role(url: str, role: str) -> str:
    """The URL for another role, which is made if there is none yet."""
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchall():
            connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    return url.replace("tests@", f"{role}@")


def test_the_grants_of_the_readme_are_enough(postgresql: PostgresqlServer, run: Run) -> None:
    """Somebody else makes the schema for a role that may make none, and a page reads each day's new table."""
    url = postgresql.new_database()
    writer, page = as_role(url, "shop"), as_role(url, "page")
    [statements] = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    granted = [each for each in statements.split(";\n") if each]
    assert [each.split()[0] for each in granted] == ["CREATE", "GRANT", "GRANT", "ALTER"]
    administer(url, *granted)
    running = run(writer)
    store = open_store(page)
    for _ in range(2):
        assert running.write([*failed(running.now), *succeeded(running.now)])
        assert len(store.executions().rows) >= 2
        running.now += DAY
    store.close()


def test_a_role_that_may_not_look_is_told_so(postgresql: PostgresqlServer, run: Run) -> None:
    """And not that nothing is kept there. A role that may make no schema is told that too."""
    url = postgresql.new_database()
    stranger = as_role(url, "stranger")
    store = open_store(stranger)
    with pytest.raises(Refused, match="no history is kept there yet"):
        store.health()
    database = open_database(stranger)
    with pytest.raises(Refused, match="permission denied for database"), database.writing():
        pass
    database.close()
    run(url)
    with pytest.raises(Refused, match="stranger may not use the schema jobreporter_history: it needs a GRANT USAGE"):
        store.health()
    store.close()


def test_a_role_that_the_url_asks_for_owns_the_tables(postgresql: PostgresqlServer, run: Run) -> None:
    """As where each program logs in as itself, and what it makes belongs to a group."""
    url = postgresql.new_database()
    member = as_role(url, "member_of_owners")
    administer(
        url,
        "CREATE ROLE owners NOLOGIN",
        "GRANT owners TO member_of_owners",
        "CREATE SCHEMA jobreporter_history AUTHORIZATION owners",
    )
    run(f"{member}?options=-c%20role%3Downers%20-c%20search_path%3Dpublic")
    with psycopg.connect(url) as connection:
        owners = connection.execute("SELECT DISTINCT schemaname, tableowner FROM pg_tables WHERE tablename = 'live'")
        assert owners.fetchall() == [("jobreporter_history", "owners")]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_without_most_characters_is_refused(encoding: str, postgresql: PostgresqlServer) -> None:
    """In a sentence, and before a job whose name it lacks is lost."""
    administer(
        postgresql.url("postgres"), f"CREATE DATABASE {encoding.lower()} ENCODING '{encoding}' TEMPLATE template0"
    )
    database = PostgresqlDatabase(postgresql.url(encoding.lower()))
    with pytest.raises(Refused, match=f"has the encoding {encoding}, .* make a database with ENCODING 'UTF8'"):
        database.now()
    database.close()
