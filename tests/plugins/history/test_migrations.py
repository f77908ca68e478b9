"""Old stores and new code, new stores and old code."""

from __future__ import annotations

from contextlib import closing

import pytest

from jobreporter import BrokenReporter
from jobreporter_history._engines.database import Connection
from jobreporter_history._open import open_database
from jobreporter_history._schema import migrations
from jobreporter_history._schema.executions import existing
from jobreporter_history.store import Refused

from .conftest import Read, Run
from .contents import rows_equal_rollups
from .executions import NOW, failed, succeeded, write


def further_step(connection: Connection) -> None:
    """What a later version may do: another table, and another column in every table of executions."""
    connection.run("CREATE TABLE more (id BIGINT)")
    connection.run("ALTER TABLE live ADD COLUMN more TEXT")
    if connection.words.clustered:  # in SQLite, tables stand for themselves
        for table in existing(connection):
            connection.run(f"ALTER TABLE {table.name} ADD COLUMN more TEXT")
    else:
        for parent in ("exec_ok", "exec_bad"):
            connection.run(f"ALTER TABLE {parent} ADD COLUMN more TEXT")


def version_of(url: str) -> int:
    """The version of a store's tables."""
    with closing(open_database(url)) as database, database.reading() as connection:
        return migrations.version(connection)


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code is of the next version."""
    later = (*migrations.STEPS, further_step)
    monkeypatch.setattr(migrations, "STEPS", later)
    monkeypatch.setattr(migrations.migrate, "__defaults__", (later,))
    monkeypatch.setattr(migrations.check_version, "__defaults__", (len(later),))


def test_an_old_store_is_brought_up_to_date(url: str, read: Read, run: Run, request: pytest.FixtureRequest) -> None:
    """New code writes an old store on: whoever comes first brings it up to date, with all that it has."""
    write(url, [*succeeded(NOW), *failed(NOW + 1)])
    assert version_of(url) == 1
    request.getfixturevalue("newer")
    with pytest.raises(
        Refused, match=r"has version 1 .* reads version 2: it is brought up to date by the first worker"
    ):
        read(url).count()
    running = run(url)
    assert running.write(succeeded(NOW + 2))
    assert version_of(url) == 2
    assert rows_equal_rollups(url) == 3
    store = read(url)
    assert store.count().value == 3
    assert store.health().schema == 2


def test_a_newer_store_is_refused_in_a_sentence(
    url: str, run: Run, read: Read, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old code neither writes nor reads a store of newer tables, and says to upgrade it."""
    with monkeypatch.context() as patched:
        later = (*migrations.STEPS, further_step)
        patched.setattr(migrations.migrate, "__defaults__", (later,))
        write(url, succeeded(NOW))
    sentence = r"version 2 of the history's tables, and this jobreporter-history knows only those up to 1: upgrade it"
    with pytest.raises(BrokenReporter, match=sentence):
        run(url)
    with pytest.raises(Refused, match=sentence):
        read(url).count()
    assert version_of(url) == 2


def test_a_step_that_fails_leaves_the_old_store(url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps are one transaction: what goes wrong in the last leaves the store as it was."""

    def broken(connection: Connection) -> None:
        connection.run("CREATE TABLE half (id BIGINT)")
        raise ZeroDivisionError

    write(url, succeeded(NOW))
    monkeypatch.setattr(migrations.migrate, "__defaults__", ((*migrations.STEPS, broken),))
    with pytest.raises(ZeroDivisionError):
        run(url)
    monkeypatch.undo()
    assert version_of(url) == 1
    with closing(open_database(url)) as database, database.writing() as connection:
        connection.run("CREATE TABLE half (id BIGINT)")
    assert rows_equal_rollups(url) == 1
