"""What a URL of a stream may say, and how it is read: the same with and without sentinels, and in a cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Secret
from jobreporter.streams import Stream, StreamDown, StreamRefused, StreamSettings
from jobreporter_redis import RedisOptions, engine
from jobreporter_redis._client import connect
from tests.plugins.redis.sentinels import Sentinels
from tests.ports import free_port
from tests.redis_servers import Server

# The password of a user, and how it stands in a URL.
WORDS = "p@ss/w:rd %41"
QUOTED = "p%40ss%2Fw%3Ard%20%2541"


def opened(url: str, timeout: float = 2.0, **options: Any) -> Stream:
    return engine.open(url, StreamSettings(namespace="shop", timeout=timeout, options=RedisOptions(**options)))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    """A primary that has a user whose name and password need quoting, behind a sentinel; the primary's name has capitals."""
    with Sentinels(tmp_path_factory.mktemp("guarded"), "My-Primary") as sentinels:
        with sentinels.primary.client() as client:
            client.execute_command("ACL", "SETUSER", "us@r", "on", f">{WORDS}", "~{jr:shop}:*", "+@all", "-@admin")
            client.execute_command("ACL", "SETUSER", "default", "off")
        yield sentinels


def test_user_and_password_are_read_alike_with_and_without_sentinels(guarded: Sentinels) -> None:
    """What is quoted in the URL is what the server gets."""
    direct = opened(f"redis://us%40r:{QUOTED}@127.0.0.1:{guarded.primary.port}/0")
    direct.beat(b"one", b"x")
    behind = opened(f"redis://us%40r:{QUOTED}@My-Primary/0", sentinels=(guarded.address,))
    assert list(behind.beats()) == [b"one"]
    for each in (direct, behind):
        each.close()


def test_a_wrong_password_is_refused_behind_sentinels_too(guarded: Sentinels) -> None:
    """With no word of it in the sentence."""
    with pytest.raises(StreamRefused) as raised:
        opened("redis://us%40r:wr0ng@My-Primary/0", sentinels=(guarded.address,)).beat(b"one", b"x")
    assert "wr0ng" not in str(raised.value)


def test_the_url_wins_over_the_option(guarded: Sentinels) -> None:
    """With and without sentinels."""
    wrong = Secret("another")
    opened(f"redis://us%40r:{QUOTED}@127.0.0.1:{guarded.primary.port}/0", password=wrong).beat(b"one", b"x")
    url = f"redis://us%40r:{QUOTED}@My-Primary/0"
    opened(url, password=wrong, sentinels=(guarded.address,)).beat(b"one", b"x")


def test_the_name_of_a_primary_keeps_its_case() -> None:
    """The name of a host has none, and is made small by what reads URLs."""
    client = connect("rediss://a:b@My-Primary:1/%33?ssl_cert_reqs=none", RedisOptions(sentinels=("h:1",)), 1.0)
    pool = client.connection_pool
    assert pool.service_name == "My-Primary"
    assert pool.connection_kwargs["db"] == 3
    assert pool.connection_kwargs["ssl_cert_reqs"] == "none"
    assert {"host", "port"}.isdisjoint(pool.connection_kwargs)
    assert pool.connection_class.__name__ == "SentinelManagedSSLConnection"


def test_each_sentinel_has_the_bounds_of_a_call() -> None:
    """It isn't asked again and again by the client, with pauses of its own."""
    client = connect("redis://primary/0", RedisOptions(sentinels=("h:1",)), 1.5)
    (sentinel,) = client.connection_pool.sentinel_manager.sentinels
    said = sentinel.connection_pool.connection_kwargs
    assert (said["socket_timeout"], said["socket_connect_timeout"]) == (1.5, 1.5)
    assert said["retry"].get_retries() == 0


def test_sentinels_that_do_not_answer_are_down(guarded: Sentinels) -> None:
    """And one that does is asked after those."""
    with pytest.raises(StreamDown, match="No master found"):
        opened("redis://My-Primary/0", sentinels=(f"127.0.0.1:{free_port()}",)).beats()
    with pytest.raises(StreamDown, match="No master found for 'another'"):
        opened("redis://another/0", sentinels=(guarded.address,)).beats()
    sentinels = (f"127.0.0.1:{free_port()}", guarded.address)
    opened(f"redis://us%40r:{QUOTED}@My-Primary/0", sentinels=sentinels).beats()


def test_a_sentinel_that_wants_a_password_is_refused_without(tmp_path: Path) -> None:
    """It is somebody's to mend; with the right one it tells where the primary is."""
    with Sentinels(tmp_path, "primary", "requirepass s3cret") as sentinels:
        for more in ({}, {"sentinel_password": Secret("wr0ng")}):
            with pytest.raises(StreamRefused) as raised:
                opened("redis://primary/0", sentinels=(sentinels.address,), **more).beats()
            assert "wr0ng" not in str(raised.value)
        opened("redis://primary/0", sentinels=(sentinels.address,), sentinel_password=Secret("s3cret")).beats()


def test_a_cluster_of_which_no_node_answers_is_down() -> None:
    """What the client raises then is none of its other errors."""
    with pytest.raises(StreamDown, match="Cluster cannot be connected"):
        opened(f"redis://127.0.0.1:{free_port()}/0", cluster=True).beats()


def test_a_cluster_with_a_wrong_password_is_refused(tmp_path: Path) -> None:
    """It has no other database than the first, which is refused likewise."""
    server = Server("redis", tmp_path, cluster_enabled="yes", requirepass="s3cret")
    try:
        with pytest.raises(StreamRefused) as raised:
            opened(f"redis://:wr0ng@127.0.0.1:{server.port}/0", cluster=True).beats()
        assert "wr0ng" not in str(raised.value)
        with pytest.raises(StreamRefused, match="in cluster mode"):
            opened(f"redis://:s3cret@127.0.0.1:{server.port}/3", cluster=True).beats()
    finally:
        server.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://user:s3cret/x@host/0", "it is no URL with a host and a port; in a password, a / is written %2F"),
        ("redis://host/%61", "expected the number of a database after the host, found 'a'"),
        ("redis://host/²", "expected the number of a database after the host"),
        ("redis://host/0?db=x", "expected the number of a database in db"),
        ("redis://host/0?password=s3cret", "'password' can't be said in the URL"),
        ("redis://host/0?socket_timeout=60&decode_responses=yes", "'decode_responses' can't be said in the URL"),
    ],
)
def test_what_a_url_cannot_say_is_told(url: str, problem: str) -> None:
    """Before anything is connected to, and without a word of what it says."""
    found = engine.faults(url)
    assert any(problem in fault for fault in found)
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    "url", ["redis://host/%33", "redis://host?db=3", "rediss://h/0?ssl_cert_reqs=none&ssl_ca_path=/x"]
)
def test_what_it_can_say_is_taken(url: str) -> None:
    """Quoted or not."""
    assert engine.faults(url) == []


def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    """Though it is trusted: whoever has one of the same authority could be anybody else."""
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=elsewhere"]
    made = ["-addext", "subjectAltName=DNS:elsewhere", "-keyout", tmp_path / "a.key", "-out", tmp_path / "a.crt"]
    subprocess.run([*request, *made], check=True, capture_output=True)
    tls = free_port()
    files = {
        "tls_cert_file": tmp_path / "a.crt",
        "tls_key_file": tmp_path / "a.key",
        "tls_ca_cert_file": tmp_path / "a.crt",
    }
    server = Server("redis", tmp_path / "server", tls_port=tls, tls_auth_clients="no", **files)
    try:
        url, ca_file = f"rediss://127.0.0.1:{tls}/0", str(tmp_path / "a.crt")
        with pytest.raises(StreamRefused, match=r"(?i)certificate"):
            opened(url, ca_file=ca_file).beats()
        assert not opened(f"{url}?ssl_check_hostname=false", ca_file=ca_file).beats()
    finally:
        server.close()
