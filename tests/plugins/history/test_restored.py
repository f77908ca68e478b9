"""A file that people move, copy and bring back while workers and a page are at it."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from jobreporter_history._engines.sqlite_errors import meaning
from jobreporter_history.store import Unavailable

from .conftest import Read, Run
from .executions import failed, succeeded

README = (Path(__file__).parents[3] / "plugins/history/README.md").read_text()


def test_a_backup_is_brought_back_beside_workers_and_a_page(tmp_path: Path, run: Run, read: Read) -> None:
    """As the README has it: the copy is made while a worker writes, and takes the file's place, with nobody restarted."""
    assert ".backup" in README
    assert re.search(r"away together with its `-wal` and its `-shm`", README)
    path, copy = tmp_path / "history.db", tmp_path / "copy.db"
    running = run(f"sqlite://{path}")
    page = read(f"sqlite://{path}", clock=lambda: running.now)
    for _ in range(20):
        assert running.write(succeeded(running.now))
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    for _ in range(30):
        assert running.write(failed(running.now, event={"will_retry": False}))
    assert page.count().value == 50
    for ending in ("", "-wal", "-shm"):
        path.with_name(f"history.db{ending}").rename(tmp_path / f"old{ending}")
    copy.rename(path)
    assert running.write(succeeded(running.now))
    running.tick(5)
    assert page.count().value == 21
    assert page.incidents() == ()
    assert page.health().damaged == ()
    assert not running.lost
    old = read(f"sqlite://{tmp_path}/old")
    assert old.count().value == 50


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_IOERR | 15 << 8])
def test_a_lock_that_fails_is_no_crash(code: int, tmp_path: Path) -> None:
    """Whatever SQLite calls it: it is tried again."""
    error = sqlite3.OperationalError("locking protocol")
    error.sqlite_errorcode = code
    assert isinstance(meaning(error, tmp_path / "history.db"), Unavailable)
