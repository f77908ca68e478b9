"""The slot of a stream moves from one node of its cluster to another one, while it is used."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from jobreporter.streams import Settlement, StreamDown, StreamSettings
from jobreporter_redis import RedisOptions, engine
from tests.plugins.redis.streams import append
from tests.redis_servers import PATIENCE, Server, until_joined


class Pair:
    """Two nodes with all slots at the first one, except those of no interest."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [Server("redis", folder / str(n), cluster_enabled="yes") for n in range(2)]
        self.clients = [node.client() for node in self.nodes]
        first, second = self.clients
        self.slot: int = self.ask(0, "KEYSLOT", "{jr:shop}:m")
        far = (self.slot + 8000) % 16_384
        self.ask(0, "ADDSLOTS", *(each for each in range(16_384) if each != far))
        self.ask(1, "ADDSLOTS", far)
        for number in range(2):
            self.ask(number, "SET-CONFIG-EPOCH", number + 1)
        self.ask(0, "MEET", "127.0.0.1", self.nodes[1].port)
        for each in (first, second):
            until_joined(each)
        self.ids = [client.execute_command("CLUSTER", "MYID").decode() for client in self.clients]

    def ask(self, number: int, *words: Any) -> Any:
        return self.clients[number].execute_command("CLUSTER", *words)

    def begin_move(self) -> None:
        self.ask(1, "SETSLOT", self.slot, "IMPORTING", self.ids[0])
        self.ask(0, "SETSLOT", self.slot, "MIGRATING", self.ids[1])

    def move(self, keys: list[bytes]) -> None:
        self.clients[0].execute_command("MIGRATE", "127.0.0.1", self.nodes[1].port, "", 0, 5000, "KEYS", *keys)

    def keys(self) -> list[bytes]:
        found: list[bytes] = self.ask(0, "GETKEYSINSLOT", self.slot, 1000)
        return sorted(found)

    def end_move(self) -> None:
        for number in (1, 0):
            self.ask(number, "SETSLOT", self.slot, "NODE", self.ids[1])

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for node in self.nodes:
            node.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    pair.close()


def again(call: Any) -> Any:
    """As whoever uses a stream does it: what is down is tried once more."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except StreamDown:
            assert time.monotonic() < end
            time.sleep(0.02)  # between two tries, not in place of one


def test_nothing_is_lost_and_nothing_is_there_twice(pair: Pair) -> None:
    """While the slot moves, the stream is down; afterwards everything is where it was, at the other node."""
    settings = StreamSettings(namespace="shop", partitions=1, options=RedisOptions(cluster=True))
    stream = engine.open(pair.nodes[0].url, settings)
    stream.register({"log": "oldest"})
    lease = stream.acquire("log", 0, b"agent", 100)
    assert lease is not None
    assert append(stream, 1) == "stored"
    assert append(stream, 2) == "stored"
    pair.begin_move()
    keys = pair.keys()
    pair.move(keys[: len(keys) // 2])
    with pytest.raises(StreamDown):
        append(stream, 3)
    pair.move(keys[len(keys) // 2 :])
    pair.end_move()
    assert again(lambda: append(stream, 3)) in ("stored", "known")
    window = again(lambda: stream.read(0, 0, 10**6))
    assert (window.head, len(window.entries)) == (3, 3)
    settlement = Settlement(begin=0, end=3, last_key=window.entries[-1].key, handled=3)
    assert again(lambda: stream.settle(lease, settlement)) == "settled"
    assert pair.clients[1].dbsize() > 0
    with pytest.raises(redis.exceptions.MovedError):
        pair.clients[0].get("{jr:shop}:m")
    stream.close()
    # The client drops its connection to a node that has moved slots away, and leaves it to the collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
