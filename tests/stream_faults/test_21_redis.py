"""Faults 21 to 25, of Redis: out of memory, restarted, failed over, its scripts forgotten, and what it refuses."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from jobreporter.streams import (
    Batch,
    DeadLetter,
    Retention,
    Settlement,
    Stream,
    StreamDown,
    StreamFull,
    StreamRefused,
    StreamSettings,
)
from tests.ports import free_port
from tests.redis_servers import Server, until_it_answers
from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, executions

redis_plugin = pytest.importorskip("jobreporter_redis")
FOREVER = Retention(max_age=1e6, max_bytes=10**9, forget_after=1e6)


@pytest.fixture(params=["redis", "valkey"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    servers: list[Server] = []

    def started(**options: object) -> Server:
        server = Server(request.param, tmp_path / f"server{len(servers)}", **options)
        servers.append(server)
        return server

    yield started
    for server in servers:
        server.close()


def opened(server: Server, url: str | None = None, **options: Any) -> Stream:
    settings = StreamSettings(namespace="shop", partitions=1, timeout=2.0, options=redis_plugin.RedisOptions(**options))
    stream: Stream = redis_plugin.engine.open(url or server.url, settings)
    return stream


def batch(number: int, size: int = 10, **more: Any) -> Batch:
    return Batch(partition=0, first=number, last=number, events=1, data=os.urandom(size), **more)


def pair(start: Any) -> tuple[Server, Server]:
    """A primary and its replica, for which it doesn't wait until others come."""
    primary = start(repl_diskless_sync_delay=0)
    return primary, start(replicaof=f"127.0.0.1 {primary.port}")


def until_replicated(client: redis.Redis) -> None:
    """Return once a replica has all that was written before this."""
    client.set("here", "")  # what is waited for is what this connection has written
    assert client.wait(1, 20_000) == 1


def test_21_out_of_memory(start: Any) -> None:
    """An append is refused as a whole; settling, leases, signs of life and trimming go on, and make room."""
    server = start(maxmemory="6mb", maxmemory_policy="noeviction")
    stream = opened(server)
    stream.register({"log": "oldest"})
    lease = stream.acquire("log", 0, b"agent", 100)
    assert lease is not None
    stored = 0

    def append_one() -> None:
        stream.append(b"producer", [batch(stored + 1, 100_000, begun=("a",), open={"a": b"x"})], beat=b"here")

    while stored < 1000:
        try:
            append_one()
        except StreamFull:
            break
        stored += 1
    with pytest.raises(StreamFull, match="maxmemory"):
        append_one()
    assert 5 < stored < 1000
    window = stream.read(0, 0, 10**9)
    assert (window.head, len(window.entries)) == (stored, stored), "nothing of the refused one is there"
    stream.beat(b"producer", b"alive")
    stream.register({"second": "now"})
    assert stream.acquire(".task", 0, b"agent", 10) is not None
    assert stream.renew([lease], 100) == (True,)
    letters = tuple(
        DeadLetter(reporter="log", partition=0, offset=offset, at=1.0, reason="poison", data=b"x" * 1000)
        for offset in range(3)
    )
    settlement = Settlement(begin=0, end=stored, last_key=window.entries[-1].key, handled=stored - 3, dead=letters)
    assert stream.settle(lease, settlement) == "settled"
    assert stream.forget("second")
    assert stream.trim(FOREVER).entries == stored
    assert stream.append(b"producer", [batch(stored + 1, 100_000)])[0].status == "stored"
    stream.close()


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_22_a_restart_loses_nothing_that_was_written(start: Any, fsync: str) -> None:
    """With an append-only file: the worker waits, tries again, and goes on; each event arrives once."""
    server = start(appendonly="yes", appendfsync=fsync)
    fleet = Fleet(redis_plugin.engine, server.url, timeout=2.0)
    vendor = Vendor()
    producer = fleet.producer()
    sent = executions(30)
    producer.send(sent[:60])
    agent = fleet.agent(vendor=vendor)
    agent.until(lambda: vendor.got, "the first")
    time.sleep(1.1 if fsync == "everysec" else 0)  # what everysec promises
    server.kill()
    with pytest.raises(StreamDown):
        producer.stream.append(producer.name, [batch(1)])
    for _ in range(3):
        agent.turn()
    assert agent.feeder.trouble is not None
    server.start()
    until_it_answers(producer.stream)
    producer.send(sent[60:])
    agent.until_settled()
    assert_complete(vendor.got, sent, duplicates=60)
    assert producer.outcome.rolled_back == 0
    fleet.close()


def test_22_while_it_loads_it_is_down() -> None:
    """It answers that it is busy loading, which passes."""
    from redis.exceptions import BusyLoadingError

    from jobreporter_redis._client import stream_error

    assert isinstance(stream_error(BusyLoadingError("Redis is loading the dataset in memory"), "redis://x"), StreamDown)


def test_23_a_replica_that_lacks_the_tail_is_promoted(start: Any) -> None:
    """What was read from the old primary and isn't there is not settled; another entry may have its offset."""
    primary, replica = pair(start)
    stream = opened(primary)
    stream.register({"log": "oldest"})
    lease = stream.acquire("log", 0, b"agent", 100)
    assert lease is not None
    stream.append(b"producer", [batch(1)])
    with primary.client() as client, replica.client() as follower:
        until_replicated(client)
        follower.replicaof("NO", "ONE")
    stream.append(b"producer", [batch(2)])
    window = stream.read(0, 0, 10**6)
    assert window.head == 2
    primary.kill()
    promoted = opened(replica)
    settlement = Settlement(begin=0, end=2, last_key=window.entries[-1].key, handled=2)
    assert promoted.settle(lease, settlement) == "gone"
    promoted.append(b"another-", [batch(1)])
    assert promoted.settle(lease, settlement) == "gone", "another entry is at that offset"
    (answer,) = promoted.append(b"producer", [batch(3)])
    assert (answer.status, answer.rolled_back) == ("stored", 1)
    assert promoted.ledgers()[0].position == 0
    for each in (stream, promoted):
        each.close()


def test_23_a_replica_takes_no_append(start: Any) -> None:
    """It is down, for as long as it is a replica: the client goes on when it has been promoted."""
    primary, replica = pair(start)
    opened(primary).append(b"producer", [batch(1)])
    with primary.client() as client:
        until_replicated(client)
    stream = opened(replica)
    with pytest.raises(StreamDown, match=r"read only|replica"):
        stream.append(b"producer", [batch(2)])
    with replica.client() as follower:
        follower.replicaof("NO", "ONE")
    assert stream.append(b"producer", [batch(2)])[0].status == "stored"
    stream.close()


def test_23_the_name_of_the_primary_is_looked_up_anew(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A primary that has become a replica keeps its connections, and refuses every write: the next one is to a server that the
    name leads to by then."""
    primary, replica = pair(start)
    leads_to, look_up = primary, socket.getaddrinfo

    def looked_up(host: str, port: int, *more: Any) -> Any:
        return look_up("127.0.0.1", leads_to.port if host == "primary.test" else port, *more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    stream = opened(primary, "redis://primary.test/0")
    assert stream.append(b"producer", [batch(1)])[0].status == "stored"
    with primary.client() as before, replica.client() as after:
        until_replicated(before)
        after.replicaof("NO", "ONE")
        before.replicaof("127.0.0.1", replica.port)
    leads_to = replica
    with pytest.raises(StreamDown, match="read only"):
        stream.append(b"producer", [batch(2)])
    assert stream.append(b"producer", [batch(2)])[0].status == "stored"
    stream.close()


def test_24_scripts_that_were_forgotten_are_given_again(start: Any) -> None:
    """By a SCRIPT FLUSH, or by a restart: the call is made once, and goes well."""
    server = start()
    stream = opened(server)
    for number in range(1, 4):
        with server.client() as client:
            client.script_flush()
        assert stream.append(b"producer", [batch(number)])[0].status == "stored"
    assert stream.read(0, 0, 10**6).head == 3
    stream.close()


def test_25_a_wrong_password_is_refused(start: Any) -> None:
    """Missing, wrong, or right; no error quotes one."""
    server = start(requirepass="s3cret")
    for url, password in [
        (server.url, None),
        (server.url, "wr0ng"),
        (f"redis://:wr0ng@127.0.0.1:{server.port}/0", None),
    ]:
        from jobreporter import Secret

        options = {} if password is None else {"password": Secret(password)}
        with pytest.raises(StreamRefused) as raised:
            opened(server, url, **options).append(b"producer", [batch(1)])
        assert "wr0ng" not in str(raised.value)
    url = f"redis://:s3cret@127.0.0.1:{server.port}/0"
    assert opened(server, url).append(b"producer", [batch(1)])[0].status == "stored"


def test_25_a_user_without_the_right_is_refused(start: Any) -> None:
    """To these keys, or to these commands; with no more than the rights that the manual names, everything works."""
    server = start()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "narrow", "on", ">pw", "~other:*", "+@all")
        client.execute_command("ACL", "SETUSER", "weak", "on", ">pw", "~{jr:shop}:*", "+@read")
        rights = "+@read +@write +@scripting +@connection -@dangerous +info +time".split()
        client.execute_command("ACL", "SETUSER", "right", "on", ">pw", "~{jr:shop}:*", *rights)
    for user in ("narrow", "weak"):
        stream = opened(server, f"redis://{user}:pw@127.0.0.1:{server.port}/0")
        with pytest.raises(StreamRefused):
            stream.append(b"producer", [batch(1)])
    stream = opened(server, f"redis://right:pw@127.0.0.1:{server.port}/0")
    assert stream.append(b"producer", [batch(1)], beat=b"x")[0].status == "stored"
    stream.register({"log": "oldest"})
    assert stream.acquire("log", 0, b"agent", 10) is not None
    stream.trim(FOREVER)
    stream.ledgers()
    stream.findings()


def test_25_a_user_who_may_not_wait_has_the_events_all_the_same(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Some leave out what blocks. The agent looks for what is new, and says which right is lacking."""
    server = start()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "hasty", "on", ">pw", "~{jr:shop}:*", "+@all", "-@blocking")
    fleet = Fleet(redis_plugin.engine, f"redis://hasty:pw@127.0.0.1:{server.port}/0")
    vendor = Vendor()
    producer = fleet.producer()
    agent = fleet.agent(vendor=vendor)
    sent = executions(20)
    for start_at in range(0, len(sent), 3):
        producer.send(sent[start_at : start_at + 3])
        agent.until(lambda: len(vendor.got) == start_at + 3, "what is new")  # noqa: B023 - called within the turn
    assert_complete(vendor.got, sent)
    agent.until(lambda: "xread" in caplog.text, "a word about it")
    fleet.close()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    folder = tmp_path / "tls"
    folder.mkdir()
    for name in ("server", "other"):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
                *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / f"{name}.key"),
                *("-out", folder / f"{name}.crt"),
            ],
            check=True,
            capture_output=True,
        )
    return folder


def test_25_a_certificate_that_is_not_trusted_is_refused(tmp_path: Path, certificates: Path) -> None:
    """One of the config's own is trusted, and nothing else is believed."""
    port = free_port()
    server = Server(
        "redis",
        tmp_path / "server",
        port=port,
        tls_port=(tls := free_port()),
        tls_cert_file=certificates / "server.crt",
        tls_key_file=certificates / "server.key",
        tls_ca_cert_file=certificates / "server.crt",
        tls_auth_clients="no",
    )
    try:
        url = f"rediss://127.0.0.1:{tls}/0"
        for options in ({}, {"ca_file": str(certificates / "other.crt")}):
            with pytest.raises(StreamRefused, match=r"(?i)certificate"):
                opened(server, url, **options).append(b"producer", [batch(1)])
        trusting = opened(server, url, ca_file=str(certificates / "server.crt"))
        assert trusting.append(b"producer", [batch(1)])[0].status == "stored"
        trusting.close()
    finally:
        server.close()
