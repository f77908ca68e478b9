"""``sync = true``: only by a server that writes to its disk before it answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter.streams import Stream, StreamDown, StreamRefused, StreamSettings
from jobreporter_redis import RedisOptions, engine
from tests.plugins.redis.streams import append
from tests.redis_servers import Server, until_it_answers, until_joined

NEEDS = r"sync = true needs a server that writes to its disk before it answers, and {}: set appendonly yes and appendfsync always, or leave sync out$"


@pytest.fixture(params=["redis", "valkey"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    servers: list[Server] = []

    def started(**options: object) -> Server:
        servers.append(Server(request.param, tmp_path / f"server{len(servers)}", **options))
        return servers[-1]

    yield started
    for server in servers:
        server.close()


def opened(url: str, *, sync: bool = True, **options: Any) -> Stream:
    return engine.open(url, StreamSettings(namespace="shop", sync=sync, options=RedisOptions(**options)))


def test_a_server_that_answers_before_it_writes_is_refused(start: Any) -> None:
    """Each lack in the sentence, with the remedy. Without ``sync`` the same servers will do."""
    for options, lacking in [
        ({}, "appendonly is no and appendfsync is everysec"),
        ({"appendonly": "yes"}, "appendfsync is everysec"),
        ({"appendfsync": "always"}, "appendonly is no"),
    ]:
        server = start(**options)
        with pytest.raises(StreamRefused, match=NEEDS.format(lacking)):
            append(opened(server.url), 1)
        assert append(opened(server.url, sync=False), 1) == "stored"


def test_what_is_acknowledged_with_it_is_there_after_a_kill(start: Any) -> None:
    """Of the server, at once."""
    server = start(appendonly="yes", appendfsync="always")
    stream = opened(server.url)
    for number in range(1, 4):
        assert append(stream, number) == "stored"
        server.kill()
        with pytest.raises(StreamDown):
            append(stream, number)
        server.start()
        until_it_answers(stream)
        assert stream.read(0, 0, 10**6).head == number


def test_a_server_that_comes_back_otherwise_is_asked_again(start: Any) -> None:
    """It may be another one, after a fail-over, or have another configuration."""
    server = start(appendonly="yes", appendfsync="always")
    stream = opened(server.url)
    assert append(stream, 1) == "stored"
    server.kill()
    with pytest.raises(StreamDown):
        append(stream, 2)
    server.options["appendfsync"] = "everysec"
    server.start()
    until_it_answers(stream)
    with pytest.raises(StreamRefused, match=NEEDS.format("appendfsync is everysec")):
        append(stream, 2)


def test_a_user_who_may_not_ask_is_told_which_right_is_missing(start: Any) -> None:
    """With it, everything works."""
    server = start(appendonly="yes", appendfsync="always")
    rights = "+@read +@write +@scripting +@connection -@dangerous +info +time".split()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "shop", "on", ">pw", "~{jr:shop}:*", *rights)
        url = f"redis://shop:pw@127.0.0.1:{server.port}/0"
        with pytest.raises(StreamRefused, match=r"allow \+config\|get, or leave sync out"):
            append(opened(url), 1)
        client.execute_command("ACL", "SETUSER", "shop", "+config|get")
    assert append(opened(url), 1) == "stored"


def test_in_a_cluster_the_node_that_holds_the_stream_counts(tmp_path: Path) -> None:
    """Whatever the node that the URL names has."""
    holder = Server("redis", tmp_path / "holder", cluster_enabled="yes", appendonly="yes", appendfsync="always")
    named = Server("redis", tmp_path / "named", cluster_enabled="yes")
    try:
        with holder.client() as client, named.client() as other:
            slot = client.execute_command("CLUSTER", "KEYSLOT", "{jr:shop}:m")
            client.execute_command("CLUSTER", "ADDSLOTS", *(range(slot, slot + 1)))
            others = [each for each in range(16_384) if each != slot]
            other.execute_command("CLUSTER", "ADDSLOTS", *others)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", 1)
            other.execute_command("CLUSTER", "SET-CONFIG-EPOCH", 2)
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", named.port)
            for each in (client, other):
                until_joined(each)
        assert append(opened(named.url, cluster=True), 1) == "stored"
        findings = opened(named.url, sync=False, cluster=True).findings()
        assert findings == [], "they are the holder's too"
    finally:
        holder.close()
        named.close()
