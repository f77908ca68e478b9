"""Each fault is made to happen on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter.streams.sqlite import engine as sqlite
from tests.redis_servers import Server
from tests.stream_faults.fleet import Fleet


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server("redis", tmp_path_factory.mktemp("redis"), appendonly="yes")
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "redis"])
def engine_and_url(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, str]:
    if request.param == "sqlite":
        return sqlite, f"sqlite://{tmp_path}/stream.db"
    pytest.importorskip("jobreporter_redis")
    from jobreporter_redis import engine as redis

    server: Server = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    return redis, server.url


@pytest.fixture
def fleet(engine_and_url: tuple[Any, str]) -> Iterator[Fleet]:
    fleet = Fleet(*engine_and_url)
    yield fleet
    fleet.close()
