"""Where a stream can be: in a cluster, behind sentinels; and what is said of a server's configuration."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter.streams import Stream, StreamSettings
from jobreporter.testing import StreamConformance
from jobreporter_redis import RedisOptions, engine
from tests.ports import free_port
from tests.redis_servers import PATIENCE, Server, until_joined


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Three primaries, with all slots among them."""
    folder = tmp_path_factory.mktemp("cluster")
    nodes = [
        Server("redis", folder / str(number), cluster_enabled="yes", cluster_node_timeout=2000) for number in range(3)
    ]
    slots = [range(5461), range(5461, 10_923), range(10_923, 16_384)]
    for number, (node, mine) in enumerate(zip(nodes, slots, strict=True)):
        with node.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTS", *mine)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    with nodes[0].client() as client:
        for node in nodes[1:]:
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)
    for node in nodes:
        with node.client() as client:
            until_joined(client)
    yield nodes
    for node in nodes:
        node.close()


class TestCluster(StreamConformance):
    """All keys of a stream are in one slot, whichever node was named."""

    @pytest.fixture(autouse=True)
    def new_stream(self, cluster: list[Server]) -> None:
        for node in cluster:
            with node.client() as client:
                client.flushall()
        self.url = cluster[1].url

    def open(self, **settings: Any) -> Stream:
        return engine.open(self.url, StreamSettings(namespace="shop", options=RedisOptions(cluster=True), **settings))


def test_behind_sentinels_the_primary_is_asked_for(tmp_path: Path) -> None:
    """By its name; after a fail-over that is another server."""
    primary = Server("redis", tmp_path / "primary", repl_diskless_sync_delay=0)
    replica = Server("redis", tmp_path / "replica", replicaof=f"127.0.0.1 {primary.port}")
    config = tmp_path / "sentinel.conf"
    port = free_port()
    config.write_text(
        f"port {port}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {primary.port} 1\n"
        "sentinel down-after-milliseconds mymaster 300\nsentinel failover-timeout mymaster 2000\n"
    )
    import subprocess

    from tests.redis_servers import program

    with (tmp_path / "sentinel.log").open("wb") as log:
        sentinel = subprocess.Popen([program("redis"), str(config), "--sentinel"], stdout=log, stderr=log)
    try:
        options = RedisOptions(sentinels=(f"127.0.0.1:{port}",))
        settings = StreamSettings(namespace="shop", partitions=1, options=options)
        stream = engine.open("redis://mymaster/0", settings)
        until(lambda: stream.partitions == 1)
        stream.beat(b"process", b"one")
        with primary.client() as client:
            assert client.wait(1, 20_000) == 1
        until(lambda: b"slave0" in sentinel_says(port))
        primary.kill()

        def beats() -> bool:
            stream.beat(b"process", b"two")
            return True

        until(beats)
        with replica.client() as client:
            assert client.hexists("{jr:shop}:b", b"process")
        assert stream.beats()[b"process"].data == b"two"
        stream.close()
    finally:
        sentinel.kill()
        sentinel.wait()
        primary.close()
        replica.close()


def sentinel_says(port: int) -> bytes:
    import redis

    with redis.Redis(port=port) as client:
        found = client.execute_command("SENTINEL", "REPLICAS", "mymaster")
    return b"slave0" if found else b""


def until(condition: Any) -> None:
    from jobreporter.streams import StreamError

    end = time.monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
        except StreamError:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)  # between two tries, not in place of one


def test_what_endangers_events_is_said(tmp_path: Path) -> None:
    """Each in a sentence with the remedy; a sound server gets none."""
    server = Server("redis", tmp_path / "bad", maxmemory="100mb", maxmemory_policy="allkeys-lru")
    sound = Server("redis", tmp_path / "good", appendonly="yes")
    try:
        found = engine.open(server.url, StreamSettings(namespace="shop")).findings()
        assert [each.partition(" is ")[0] for each in found] == ["maxmemory-policy", "maxmemory", "appendonly"]
        assert engine.open(sound.url, StreamSettings(namespace="shop")).findings() == []
    finally:
        server.close()
        sound.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://", "expected a host"),
        ("redis://host:port/0", "it is no URL"),
        ("redis://host/zero", "expected the number of a database after the host, found 'zero'"),
    ],
)
def test_a_url_that_is_wrong_is_told(url: str, problem: str) -> None:
    """Before anything is connected to."""
    assert any(problem in fault for fault in engine.faults(url))
    assert engine.faults("rediss://user:pw@host:6380/3") == []


def test_a_cluster_has_no_sentinels() -> None:
    """The options say so together."""
    with pytest.raises(ValueError, match="in a cluster or behind sentinels"):
        RedisOptions(cluster=True, sentinels=("a:1",))


def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Redis 6.0 can't trim by offset."""
    from jobreporter.streams import StreamRefused

    server = Server("redis", tmp_path)
    try:
        stream = engine.open(server.url, StreamSettings(namespace="shop"))
        monkeypatch.setattr("jobreporter_redis._findings._info", lambda *_: {"redis_version": "6.0.16"})
        with pytest.raises(StreamRefused, match=r"Redis 6\.0\.16 can't hold a stream: Redis 6\.2 or newer is needed"):
            assert stream.partitions
    finally:
        server.close()


def test_39_two_services_share_a_server(tmp_path: Path) -> None:
    """Neither sees anything of the other."""
    server = Server("redis", tmp_path)
    try:
        shop, bank = (engine.open(server.url, StreamSettings(namespace=name)) for name in ("shop", "bank"))
        shop.register({"log": "oldest"})
        shop.beat(b"process", b"")
        assert (list(bank.beats()), list(bank.ledgers())) == ([], [])
        with server.client() as client:
            keys = {key.decode().partition("}")[0] for key in client.scan_iter()}
        assert keys <= {"{jr:shop", "{jr:bank"}
    finally:
        server.close()
