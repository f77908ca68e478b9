"""What the page promises whatever happens: hostile data, slow searches, a store that is away, writers that write meanwhile."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from jobreporter_history._web import live
from jobreporter_history._web.live import Changes
from jobreporter_history.store import Page, open_store
from jobreporter_history.web import create_app
from tests.plugins.history.conftest import Read, Run
from tests.plugins.history.executions import NOW, failed, succeeded, write
from tests.plugins.history.postgresql_server import PostgresqlServer
from tests.plugins.history.test_reporter import dispatcher_of
from tests.ports import free_port

from .test_pages import links

_PAGES = ("/", "/incidents?state=all", "/executions", "/jobs?range=30d", "/schedules", "/reporters")
#: What ends texts in C, what no encoding has, and what no page should have as a whole.
ODD = "nul \0 half \ud800 other half \udfff"
LONG = "megabyte " * 116_509


@pytest.mark.parametrize("where", ["name", "queue", "id", "worker", "args", "kwargs", "tags", "message"])
def test_what_no_database_holds_is_inert(url: str, read: Read, where: str) -> None:
    """A zero byte, half of a surrogate pair and a megabyte, wherever a job may have them: in HTML, CSV and JSON."""
    given: dict[str, Any] = {"name": "odd.job"}
    if where in {"name", "queue", "id", "worker"}:
        given[where] = f"=1+1 {ODD}"
    elif where == "args":
        given["args"] = (ODD, LONG)
    elif where == "kwargs":
        given["kwargs"] = {"plain": LONG, ODD: ODD}
    with dispatcher_of(url) as dispatcher:
        with pytest.raises(RuntimeError), dispatcher.begin(**given) as execution:  # noqa: PT012 - a job that fails
            if where == "tags":
                execution.tag(**{"note": ODD, ODD: LONG})
            raise RuntimeError(f"{ODD} {LONG}" if where == "message" else "=cmd()")
        assert dispatcher.flush(20)
    now = time.time()
    store = read(url, clock=lambda: now + 1)
    [found] = store.executions().rows
    with TestClient(create_app(store)) as client:
        [link] = {each for each in links(client.get("/executions").text) if each.startswith("/x/")}
        for path in (*_PAGES, link, "/incidents/1", "/executions?q=half"):
            answer = client.get(path)
            assert answer.status_code in {200, 404} if path == "/incidents/1" else answer.status_code == 200, path
            assert "\0" not in answer.text
            assert len(answer.content) < 400_000, path
        [record] = client.get("/executions.json").json()
        assert record["execution_id"] == found.execution_id
        text = client.get("/executions.csv").content.decode()
    [row] = csv.DictReader(io.StringIO(text))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    assert "\0" not in text
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize(
    "path", ["/executions?q=%00", "/x/%00", "/x/%ED%A0%80", "/incidents?find=%00%ED%A0%80", "/job?name=%00"]
)
def test_what_no_database_holds_can_be_asked_for(url: str, read: Read, path: str) -> None:
    """The same in a URL is answered with a sentence."""
    write(url, failed(NOW))
    with TestClient(create_app(read(url, clock=lambda: NOW))) as client:
        assert client.get(path).status_code in {200, 400, 404}


@pytest.mark.parametrize("path", ["/executions?q=slow", "/executions.csv?q=slow", "/executions.json?q=-late"])
def test_slow_searches_hold_up_nobody(sqlite_url: str, read: Read, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """While more searches run than there are threads, every other page answers within 200 ms, and they do in the end.

    What is late is slow only after a first page: an export has begun by then.
    """
    write(sqlite_url, [event for number in range(600) for event in succeeded(NOW - number, 0.1)])
    store = read(sqlite_url, clock=lambda: NOW + 1)
    begun, go_on = threading.Semaphore(0), threading.Event()
    search = store.executions

    def slow(terms: Any = (), **more: Any) -> Page:
        words = {term.value for term in terms}
        if "slow" in words or ("late" in words and more["before"] is not None):
            begun.release()
            assert go_on.wait(60)
        return search(terms, **more)

    monkeypatch.setattr(store, "executions", slow)
    with TestClient(create_app(store)) as client, ThreadPoolExecutor(60) as pool:
        searches = [pool.submit(client.get, path) for _ in range(60)]
        try:
            assert begun.acquire(timeout=60)
            for other in ("/", "/jobs", "/incidents", "/x/none", "/reporters"):
                assert min(_seconds(client, other) for _ in range(3)) < 0.2, other
        finally:
            go_on.set()
        assert {each.result().status_code for each in searches} == {200}
        if "-late" in path:
            assert {len(each.result().json()) for each in searches} == {600}


def _seconds(client: TestClient, path: str) -> float:
    began = time.monotonic()
    assert client.get(path).status_code in {200, 404}
    return time.monotonic() - began


def test_a_store_that_is_locked(sqlite_url: str, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds the whole file: each page says so with 503, and answers as soon as it is let go."""
    monkeypatch.setattr("jobreporter_history._engines.sqlite.PATIENCE", 0.05)
    write(sqlite_url, succeeded(NOW))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite://"), isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("CREATE TABLE held (x)")
    with TestClient(create_app(read(sqlite_url, clock=lambda: NOW))) as client:
        for path in (*_PAGES, "/x/a", "/executions.csv"):
            answer = client.get(path)
            assert answer.status_code == 503, path
            assert "<section" in answer.text
        other.close()
        assert client.get("/executions").status_code == 200


def test_a_server_that_is_away(postgresql: PostgresqlServer, read: Read) -> None:
    """A PostgreSQL that is stopped is a sentence with 503, and once it is back each page is there again."""
    url = postgresql.new_database()
    write(url, succeeded(NOW, name="was.kept"))
    with TestClient(create_app(read(url, clock=lambda: NOW + 1))) as client:
        assert "was.kept" in client.get("/executions").text
        postgresql.stop()
        try:
            for path in (*_PAGES, "/x/a", "/executions.csv"):
                answer = client.get(path)
                assert answer.status_code == 503, path
                assert "<section" in answer.text
        finally:
            postgresql.start()
        assert "was.kept" in client.get("/executions").text


def test_a_server_that_never_was() -> None:
    """Neither is there one, nor is its password shown."""
    opened = open_store(f"postgresql://me:hunter2@127.0.0.1:{free_port()}/history")
    with TestClient(create_app(opened)) as client:
        answer = client.get("/")
    opened.close()
    assert answer.status_code == 503
    assert "hunter2" not in answer.text


def test_paging_while_a_writer_writes(url: str, read: Read) -> None:
    """Whatever ends between two pages, or is written late, each execution that was there is seen once and only once."""
    write(url, [event for number in range(170) for event in succeeded(NOW - number, 0.1)])
    store = read(url, clock=lambda: NOW + 1000)
    there = {each.execution_id for each in store.executions(limit=500).rows}
    seen: list[str] = []
    with TestClient(create_app(store)) as client:
        path, pages = "/executions", 0
        while True:
            text, pages = client.get(path).text, pages + 1
            seen += [each for each in links(text) if each.startswith("/x/")]
            # New ones, ones that end at the very moment of others, and ones that are late in the middle of what was seen.
            write(url, [event for number in range(0, 170, 13) for event in succeeded(NOW - number, 0.1)])
            write(url, [event for number in range(7) for event in failed(NOW + pages * 10 + number)])
            older = re.search(r'rel="next" href="([^"]*)"', text)
            if older is None:
                break
            path = unescape(older[1])
    assert pages >= 4
    assert len(seen) == len(set(seen))
    assert {each.removeprefix("/x/").replace("%2F", "/") for each in seen} >= there


def test_silence_is_told_to_open_pages(sqlite_url: str, read: Read, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written when an execution is lost: those who listen are told by time, and the page says it."""
    session = run(sqlite_url)
    session.write(succeeded(session.now, 1.0, name="media.silent")[:1])
    session.tick(15)
    now = session.now
    store = read(sqlite_url, clock=lambda: now)
    monkeypatch.setattr(live, "_LOOK", 0.0)
    with TestClient(create_app(store)) as client:
        assert 'class="state lost"' not in client.get("/").text
        changes = Changes(store)

        async def told() -> str:
            nonlocal now
            listening = aiter(changes.listen().body_iterator)
            assert "retry" in str(await anext(listening))
            now += 70
            return str(await anext(listening))

        assert "event: changed" in asyncio.run(told())
        assert 'class="state lost"' in client.get("/").text
