"""What the page says of the store itself."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from jobreporter_history._open import open_database
from jobreporter_history.store import open_store
from jobreporter_history.web import create_app
from tests.plugins.history.executions import NOW, succeeded, write
from tests.plugins.history.postgresql_server import unprivileged

from .test_contents import page_of, told


def test_a_file_that_was_put_aside_is_named(sqlite_url: str, run: Any, read: Any) -> None:
    """With what was wrong with it, and what reads what is left."""
    path = Path(sqlite_url.removeprefix("sqlite://"))
    write(sqlite_url, succeeded(NOW))
    with path.open("r+b") as file:
        file.write(b"\xde\xad\xbe\xef" * 2048)
    assert run(sqlite_url).write(succeeded(NOW))
    [aside] = path.parent.glob(f"{path.name}.damaged-*")
    text = told(page_of(read(sqlite_url), "/reporters"))
    assert f"{aside} ( {path} is damaged" in text.replace("(", "( ")
    assert "jobreporter history recover reads it" in text.replace("recover  reads", "recover reads")


def test_another_user_serves_the_page(shared_url: str, request: Any, run: Any) -> None:
    """Beside a writer what is written is shown; without one the file is read as it is, and the page says so."""
    running = run(shared_url)
    assert running.write(succeeded(NOW + 2))
    request.getfixturevalue("as_another_user")
    sentence = "It is read without a writer's help: changes are not seen."
    with closing(open_store(shared_url)) as store:
        assert "3 executions" in told(page_of(store, "/executions"))
        assert sentence not in told(page_of(store, "/reporters"))
    os.seteuid(0)
    running.close()
    os.seteuid(unprivileged()["user"])
    with closing(open_store(shared_url)) as store:
        assert "3 executions" in told(page_of(store, "/executions"))
        assert sentence in told(page_of(store, "/reporters"))
    os.seteuid(0)


def test_more_than_can_be_counted_is_at_least_so_many(store: Any, page: TestClient, monkeypatch: Any) -> None:
    """What no rollup knows is counted as far as that goes quickly."""
    monkeypatch.setattr("jobreporter_history._read.counting.MOST", 50)
    assert "At least 50 executions match" in told(page.get("/executions?q=attempt:1").text)
    assert "At least" not in told(page.get("/executions?q=outcome:failure").text)


def test_a_store_of_a_later_version_is_a_sentence(url: str) -> None:
    """On every page."""
    write(url, succeeded(NOW))
    with closing(open_database(url)) as database, database.writing() as connection:
        connection.run("PRAGMA user_version = 99" if url.startswith("sqlite") else "UPDATE meta SET version = 99")
    with closing(open_store(url)) as opened, TestClient(create_app(opened)) as client:
        for path in ("/", "/executions", "/incidents", "/jobs", "/schedules", "/reporters"):
            answer = client.get(path)
            assert answer.status_code == 503, path
            assert "knows only those up to 1: upgrade it" in told(answer.text), path
