"""What the tests of the history share: both databases, empty for each test, and one that is full."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jobreporter_history.store import Store, open_store

from .executions import NOW, failed, succeeded, write
from .filled import fill
from .postgresql_server import PostgresqlServer, unprivileged
from .sessions import Running

MakeUrl = Callable[[], str]
Run = Callable[..., Running]
Read = Callable[..., Store]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """The server, started when it is first asked for."""
    server = PostgresqlServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with something of everything."""
    url = f"sqlite://{tmp_path_factory.mktemp('full')}/history.db"
    fill(url, time.time())
    return url


@pytest.fixture(scope="session")
def store(full: str) -> Iterator[Store]:
    """That store, to be read."""
    opened = open_store(full)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> MakeUrl:
    """Makes URLs of stores that nobody has used, of each kind in turn."""
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        return server.new_database
    numbers = iter(range(10_000))
    return lambda: f"sqlite://{tmp_path}/history-{next(numbers)}.db"


@pytest.fixture
def url(make_url: MakeUrl) -> str:
    """A store that nobody has used, of each kind in turn."""
    return make_url()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A store in SQLite that nobody has used."""
    return f"sqlite://{tmp_path}/history.db"


@pytest.fixture
def run() -> Iterator[Run]:
    """Starts sessions of the reporter, which end with the test."""
    with ExitStack() as stack:

        def start(url: str, **options: Any) -> Running:
            running = Running(url, **options)
            stack.callback(running.close)
            return running

        yield start


@pytest.fixture
def read() -> Iterator[Read]:
    """Opens stores to be read, which are closed with the test."""
    with ExitStack() as stack:

        def start(url: str, **options: Any) -> Store:
            store = open_store(url, **options)
            stack.callback(store.close)
            return store

        yield start


@pytest.fixture
def as_another_user() -> Iterator[None]:
    """The effective user is one who may read and not write."""
    other = unprivileged()
    if not other:
        pytest.skip("only root can become another user")
    os.seteuid(other["user"])
    yield
    os.seteuid(0)


@pytest.fixture
def shared_url(tmp_path: Path) -> Iterator[str]:
    """A store in a folder that everybody may read."""
    folder = Path("/tmp") / f"jobreporter-history-{os.getpid()}"  # noqa: S108 - pytest's own folders are closed to others
    folder.mkdir(mode=0o755)
    url = f"sqlite://{folder}/history.db"
    write(url, [*succeeded(NOW), *failed(NOW + 1)])
    yield url
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
