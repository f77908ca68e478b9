"""What servers and what stands before them do to those that work with them for long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter import Secret
from jobreporter.streams import Batch, DeadLetter, Settlement, Stream, StreamDown, StreamRefused, StreamSettings
from jobreporter_redis import RedisOptions, engine
from tests.redis_servers import Server
from tests.waiting import until


def opened(server: Server, *, timeout: float = 2.0, **options: object) -> Stream:
    settings = StreamSettings(namespace="x", partitions=1, timeout=timeout, options=RedisOptions(**options))  # type: ignore[arg-type]  # as given
    return engine.open(server.url, settings)


def batch(number: int, data: bytes = b"x") -> Batch:
    return Batch(partition=0, first=number, last=number, events=1, data=data)


@pytest.fixture
def stream(server: Server) -> Iterator[Stream]:
    stream = opened(server, timeout=0.5)
    stream.register({"log": "oldest"})
    yield stream
    stream.close()


@pytest.fixture(params=["redis", "valkey"])
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """One that a test may spoil."""
    server = Server(request.param, tmp_path / "server")
    yield server
    server.close()


def test_a_server_without_hello_is_used(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Nor has every proxy before a server that command, with which newer clients begin."""
    server = Server("redis", tmp_path / "server", rename_command=("HELLO", "nothing"))
    request.addfinalizer(server.close)
    stream = opened(server)
    assert stream.append(b"producer", [batch(1)])[0].status == "stored"
    stream.close()


def test_writes_that_are_paused_are_stored_once(server: Server, stream: Stream) -> None:
    """A fail-over that is planned pauses them until the replica has everything: meanwhile the stream is down."""
    with server.client() as client:
        client.client_pause(30_000, all=False)
        for _ in range(2):
            with pytest.raises(StreamDown):
                stream.append(b"producer", [batch(1)])
        client.execute_command("CLIENT", "UNPAUSE")
        assert stream.append(b"producer", [batch(1)])[0].last == 1
        assert stream.append(b"producer", [batch(2)])[0].status == "stored"
        assert client.xlen("{jr:x}:s:0") == 2


def test_a_connection_that_was_closed_meanwhile_costs_no_append(server: Server, stream: Stream) -> None:
    """As the server's ``timeout`` does it, or a balancer, to those that say nothing for a while."""
    for number in range(1, 4):
        assert stream.append(b"producer", [batch(number)])[0].status == "stored"
        with server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def test_a_server_that_can_not_write_to_its_disk_is_down_and_told(own_server: Server) -> None:
    """Nothing of an append, or of a settlement, is there; it goes on by itself, and a check says what is the matter."""
    stream = opened(own_server)
    stream.append(b"producer", [batch(1)])
    with own_server.client() as client:
        client.config_set("save", "3600 1")
        (own_server.folder / "dump.rdb").mkdir()
        client.bgsave()
        until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "a save that fails")
        with pytest.raises(StreamDown, match=r"MISCONF|persist"):
            stream.append(b"producer", [batch(2)])
        assert any("could not write" in finding for finding in stream.findings())
        client.config_set("save", "")
        assert stream.append(b"producer", [batch(2)])[0].status == "stored"
        assert client.xlen("{jr:x}:s:0") == 2
    stream.close()


def test_a_primary_without_its_replicas_is_down(own_server: Server) -> None:
    """Where it is to have some (``min-replicas-to-write``): nothing is there in part, and it goes on by itself."""
    stream = opened(own_server)
    stream.register({"log": "oldest"})
    stream.append(b"producer", [batch(1)])
    with own_server.client() as client:
        client.config_set("min-replicas-to-write", 1)
        before = {key: client.dump(key) for key in client.scan_iter()}
        with pytest.raises(StreamDown, match="replicas"):
            stream.append(b"producer", [batch(2)])
        with pytest.raises(StreamDown, match="replicas"):
            stream.register({"log": "oldest", "mail": "now"})
        with pytest.raises(StreamDown, match="replicas"):
            stream.acquire("log", 0, b"agent", 10)
        assert {key: client.dump(key) for key in client.scan_iter()} == before
        client.config_set("min-replicas-to-write", 0)
    assert stream.append(b"producer", [batch(2)])[0].status == "stored"
    stream.close()


def test_what_is_wrong_with_the_way_in_says_what_to_do(own_server: Server) -> None:
    """Nobody tries such a thing again soon."""
    with own_server.client() as client:
        url = own_server.url.removesuffix("/0") + "/99"
        with pytest.raises(StreamRefused, match="more than the server has databases"):
            engine.open(url, StreamSettings(namespace="x")).beats()
        client.config_set("requirepass", "secret")
        with pytest.raises(StreamRefused, match=r"say password in \[stream\]"):
            opened(own_server).beats()
        stream = opened(own_server, password=Secret("secret"))
        assert stream.beats() == {}
        stream.close()


def test_a_server_that_bounds_its_answers_is_read_in_smaller_pieces(own_server: Server) -> None:
    """It closes the connection of who asks for more (``client-output-buffer-limit``), and so does a line that is too slow."""
    from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, execution

    fleet = Fleet(engine, own_server.url, partitions=1)
    job = [f"{number}-{os.urandom(1500).hex()}" for number in range(150)]  # such ids can't be compressed by much
    sent = [event for name in job for event in execution(name)]
    fleet.producer().send(sent, each=3)
    with own_server.client() as client:
        client.config_set("client-output-buffer-limit", "normal 100kb 0 0")
    vendor = Vendor()
    agent = fleet.agent(vendor=vendor)
    agent.until_settled()
    assert_complete(vendor.got, sent)
    fleet.close()


def test_a_server_that_bounds_its_answers_tells_of_hundreds_of_workers(own_server: Server) -> None:
    """Of signs of life, open executions and dead letters alike, some at a time."""
    stream = opened(own_server)
    told = {b"worker%03d" % number: os.urandom(600) for number in range(400)}
    for process, said in told.items():
        stream.beat(process, said)
    running = {f"job-{number}": os.urandom(600) for number in range(400)}
    stream.append(b"producer", [Batch(partition=0, first=1, last=400, events=400, data=b"-", open=running)])
    stream.register({"log": "oldest"})
    lease = stream.acquire("log", 0, b"agent", 60)
    assert lease is not None
    (entry,) = stream.read(0, 0, 1000).entries
    letters = [
        DeadLetter(
            reporter="log", partition=0, offset=number, at=float(number // 2), reason="", data=os.urandom(600), events=1
        )
        for number in range(400)
    ]
    settlement = Settlement(begin=0, end=400, last_key=entry.key, handled=0, dead=tuple(letters))
    assert stream.settle(lease, settlement) == "settled"
    with own_server.client() as client:
        client.config_set("client-output-buffer-limit", "normal 100kb 0 0")
    assert {process: beat.data for process, beat in stream.beats().items()} == told
    assert {each.id: each.data for each in stream.open_executions()} == running
    assert stream.dead_letters() == letters
