"""What the soak does to the queues, and what it does about what the kills leave in them."""

from __future__ import annotations

from pathlib import Path

from rq import Queue

from tests.redis_servers import Server

from .feed import RQ_QUEUES, Feed
from .plan import Plan


def test_a_worker_that_was_killed_while_it_looked_holds_nobody_up(tmp_path: Path) -> None:
    """RQ has one worker at a time look for abandoned jobs. What it locks for that would outlive it by a quarter of an hour."""
    broker = Server("redis", tmp_path)
    feed = Feed(Plan(seed=1, engine="sqlite", seconds=1), broker.url)
    try:
        feed.stop()
        with broker.client() as client:
            queues = [Queue(name, connection=client) for name in RQ_QUEUES]
            assert all(queue.acquire_maintenance_lock() for queue in queues)
            assert not any(queue.acquire_maintenance_lock() for queue in queues)
            feed.let_workers_look()
            assert all(queue.acquire_maintenance_lock() for queue in queues)
    finally:
        feed.close()
        broker.close()
