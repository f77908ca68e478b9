"""One server of each kind for all tests; each test flushes it first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugins.redis.script_calls import Scripts
from tests.redis_servers import Server


@pytest.fixture(scope="session", params=["redis", "valkey"])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(request.param, tmp_path_factory.mktemp(request.param), appendonly="yes")
    yield server
    server.close()


@pytest.fixture
def server(shared_server: Server) -> Server:
    with shared_server.client() as client:
        client.flushall()
    return shared_server


@pytest.fixture
def scripts(server: Server) -> Iterator[Scripts]:
    with server.client() as client:
        yield Scripts(client)
