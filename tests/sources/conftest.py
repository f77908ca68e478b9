"""What the tests of all sources share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The workers import the modules beside this file by their bare names, and so do the tests.
sys.path.insert(0, str(Path(__file__).parent))

from tests.redis_servers import Server
from workers import CONFIG, Bench, Source

MakeBench = Callable[..., Bench]


NewQueue = Callable[[Source, Path], str]


@pytest.fixture(scope="session")
def new_queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewQueue]:
    """Tells where an empty queue is, for a source and a folder. A Redis is started for the first that needs it."""
    servers: list[Server] = []

    def new(source: Source, folder: Path) -> str:
        if source.broker == "file":
            return str(folder / "queue.db")
        if not servers:
            servers.append(Server("redis", tmp_path_factory.mktemp("redis"), databases=10_000))
        return servers[0].new_database()

    yield new
    for server in servers:
        server.close()


@pytest.fixture
def make_bench(tmp_path: Path, new_queue: NewQueue) -> Iterator[MakeBench]:
    """Makes the bench of a test, and ends its worker with the test."""
    benches: list[Bench] = []

    def make(source: Source, kind: str, config: str = CONFIG) -> Bench:
        benches.append(Bench(source, kind, tmp_path, new_queue(source, tmp_path), config))
        return benches[-1]

    yield make
    for bench in benches:
        bench.kill()
