"""The benches that the tests of RQ work at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import rq_app
from conftest import NewQueue
from redis import Redis
from reported import recording, use_config
from rq_bench import (
    Bench,
    recorded,
)
from workers import CONFIG

from jobreporter.sources.rq import SimpleWorker, Worker


@pytest.fixture
def connection(tmp_path: Path, new_queue: NewQueue) -> Iterator[Redis]:
    with Redis.from_url(new_queue(rq_app.Source(), tmp_path)) as connection:
        yield connection


@pytest.fixture
def bench(connection: Redis) -> Iterator[Bench]:
    """Jobs run in this process."""
    with recording() as (dispatcher, events):
        yield Bench(connection, SimpleWorker(["desk"], connection=connection, dispatcher=dispatcher), events)


@pytest.fixture
def stable(connection: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Jobs run in horses, forked from this process."""
    use_config(tmp_path, monkeypatch, CONFIG)
    return Bench(connection, Worker(["desk"], connection=connection), lambda: recorded(tmp_path))
