"""The page of a history with something of everything, in each of the databases in turn."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from jobreporter_history.store import Store, open_store
from jobreporter_history.web import create_app
from tests.plugins.history.filled import fill
from tests.plugins.history.postgresql_server import PostgresqlServer


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """That history, to be read."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("full")
    else:
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        url = server.new_database()
        fill(url, time.time())
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def page(store: Store) -> Iterator[TestClient]:
    """Its page."""
    with TestClient(create_app(store), follow_redirects=False) as client:
        yield client
