"""A store on a hot standby: it is read like any other, and what would have to be written says where that goes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from click.testing import CliRunner

from jobreporter._cli import main
from jobreporter_history._open import open_database

from .conftest import Read, Run
from .contents import rows_equal_rollups
from .executions import failed, succeeded, write
from .postgresql_server import PostgresqlServer
from .standby import Standby

#: What is said of it, behind its address.
ONLY_READS = (
    "can only be read, as a standby can (session is read-only): what is written goes to the server that it follows"
)


@pytest.fixture
def standby(postgresql: PostgresqlServer) -> Iterator[Standby]:
    """One that follows the tests' server, from now on."""
    found = Standby(postgresql)
    yield found
    found.close()


def command(*words: str, store: str, expected: int = 0) -> str:
    """What a command says."""
    result = CliRunner().invoke(main, [*words, "--store", store])
    assert result.exit_code == expected, result.output
    return result.output


def test_a_standby_is_read(postgresql: PostgresqlServer, standby: Standby, read: Read) -> None:
    """What is kept is counted, exported and checked there, and what is wrong is found."""
    url = postgresql.new_database()
    now = time.time()
    write(url, [*succeeded(now - 90), *failed(now - 80)])
    standby.catch_up()
    there = standby.url_of(url)
    assert read(there).count().value == 2
    assert "executions         2" in command("history", "stats", store=there)
    assert len(command("history", "export", store=there).splitlines()) == 2
    assert command("history", "check", store=there) == "the history is in order\n"
    with closing(open_database(url)) as database, database.writing() as connection:
        connection.run("UPDATE rollup SET ok = ok + 1 WHERE res = 3600")
    standby.catch_up()
    [problem] = json.loads(command("history", "check", "--json", store=there, expected=1))["problems"]
    assert "of 3600 s differ" in problem


def test_what_writes_says_that_it_is_a_standby(postgresql: PostgresqlServer, standby: Standby) -> None:
    """In a sentence that names it, and what to do."""
    url = postgresql.new_database()
    write(url, failed(time.time()))
    standby.catch_up()
    there = standby.url_of(url)
    for words in (("history", "repair"), ("incidents", "resolve", "1")):
        assert f"Error: {there} {ONLY_READS}\n" == command(*words, store=there, expected=1)


def test_a_standby_that_is_promoted_is_written(postgresql: PostgresqlServer, standby: Standby, run: Run) -> None:
    """A reporter that writes to it keeps its batch, and says why; once it is promoted, all is there."""
    url = postgresql.new_database()
    now = time.time()
    write(url, succeeded(now))
    standby.catch_up()
    there = standby.url_of(url)
    running = run(there)
    assert not running.write(failed(now + 1))
    assert running.said == [f"{there} {ONLY_READS}"]
    standby.promote()
    assert running.write()
    assert running.lost == {}
    assert rows_equal_rollups(there) == 2
    assert rows_equal_rollups(url) == 1
