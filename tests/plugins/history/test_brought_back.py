"""A store that lacks its latest, under workers that know of it: a backup was brought back, or a server took over that was behind."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from jobreporter.testing import make_error
from jobreporter_history.store import open_store

from .conftest import Run
from .contents import rows_equal_rollups
from .executions import NOW, failed
from .pgbouncer import pgbouncer
from .postgresql_server import PostgresqlServer
from .sessions import Running

BringBack = Callable[[], None]


@contextmanager
def in_sqlite(folder: Path) -> Iterator[tuple[str, Callable[[], BringBack]]]:
    """A URL, and what makes a copy that can be brought back."""
    path = folder / "history.db"

    def copy() -> BringBack:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(folder / "copy")) as target:
            source.backup(target)

        def bring_back() -> None:
            for ending in ("-wal", "-shm", ""):
                path.with_name(f"history.db{ending}").unlink(missing_ok=True)
            (folder / "copy").rename(path)

        return bring_back

    yield f"sqlite://{path}", copy


@contextmanager
def in_postgresql(*, pooled: bool) -> Iterator[tuple[str, Callable[[], BringBack]]]:
    """The same, of a server of its own."""
    server = PostgresqlServer()
    data, aside = server.folder / "data", server.folder / "aside"

    def copy() -> BringBack:
        server.stop()
        subprocess.run(["cp", "-a", data, aside], check=True)  # it has an owner
        server.start()

        def bring_back() -> None:
            server.stop()
            shutil.rmtree(data)
            aside.rename(data)
            server.start()

        return bring_back

    try:
        url = server.new_database()
        if pooled:
            with pgbouncer(server, pool_mode="transaction") as port:
                yield url.replace(f":{server.port}/", f":{port}/"), copy
        else:
            yield url, copy
    finally:
        server.close()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "pooled"])
def test_what_was_learnt_since_is_looked_up_again(engine: str, tmp_path: Path, run: Run) -> None:
    """A job, a release or an incident that the store has forgotten is noted again, under its own name: its number may be another's
    by now."""

    def fail(running: Running, *names: str) -> None:
        for name in names:
            error = make_error(f"shop.errors.{name.title()}", "no funds")
            running.take(failed(NOW, name=f"shop.{name}", event={"error": error}))
        for _ in range(20):  # the server may be starting
            if running.write():
                return
        raise AssertionError(running.said)

    store = in_sqlite(tmp_path) if engine == "sqlite" else in_postgresql(pooled=engine == "pooled")
    with store as (url, copy):
        knows, other = run(url, pid=7), run(url, pid=8)
        fail(knows, "early")
        bring_back = copy()
        fail(knows, "late", "later")
        page = open_store(url)
        assert {each.name for each in page.executions().rows} == {"shop.early", "shop.late", "shop.later"}
        bring_back()
        fail(other, "other", "third")
        fail(knows, "late", "later", "early")
        expected = ["shop.early", "shop.early", "shop.late", "shop.later", "shop.other", "shop.third"]
        with closing(open_store(url)) as found:
            ids = {each.execution_id: each.name for each in found.executions().rows}
            assert sorted(ids.values()) == expected
            incidents = {each.job: each.type for each in found.incidents()}
            assert incidents == {
                f"shop.{each}": f"shop.errors.{each.title()}" for each in ("early", "late", "later", "other", "third")
            }
            for each in found.executions().rows:
                detail = found.incident(each.incident or 0)
                assert detail is not None
                assert detail.incident.job == each.name
        with closing(page):
            named = {each: page.execution(each) for each in ids}
            assert {each: detail and detail.execution.name for each, detail in named.items()} == ids
        assert rows_equal_rollups(url) == 6
        for each in (knows, other):
            each.close()
