"""The connection, and its errors turned into those of a stream."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from jobreporter.streams import StreamDown, StreamError, StreamFull, StreamRefused
from jobreporter_redis._options import RedisOptions

Client = Any  # redis.Redis or redis.RedisCluster: their types have no base in common that says what both have


def connect(url: str, options: RedisOptions, timeout: float) -> Client:
    """A client. It connects with the first call."""
    # Who calls tries again, and knows when. redis-py would, with pauses of its own, take longer than a call may.
    more: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        # Newer ones begin with HELLO, which not every server and proxy between has; nothing here needs what it brings.
        "protocol": 2,
    }
    if options.password is not None:
        more["password"] = options.password.reveal()
    parts = urlsplit(url)
    if parts.scheme == "rediss":
        given = {"ssl_ca_certs": options.ca_file, "ssl_certfile": options.cert_file, "ssl_keyfile": options.key_file}
        more |= {name: value for name, value in given.items() if value is not None}
        more["ssl_check_hostname"] = True  # what older versions of redis-py don't do by themselves
    if options.sentinels:
        return _behind_sentinels(url, options, more)
    if options.cluster:
        return redis.RedisCluster.from_url(url, **more)
    return redis.Redis.from_url(url, **more)


def _behind_sentinels(url: str, options: RedisOptions, more: dict[str, Any]) -> Client:
    # The sentinels get the same bounds, or one that is away would take longer than a call may.
    own = {name: value for name, value in more.items() if name.startswith("socket_") or name in ("retry", "protocol")}
    if options.sentinel_password is not None:
        own["password"] = options.sentinel_password.reveal()
    hosts = [_address(text) for text in options.sentinels]
    sentinel = Sentinel(hosts, sentinel_kwargs=own)  # type: ignore[no-untyped-call]  # it has no types
    # The same function reads the URL as without sentinels, so that it means the same, and wins over what is passed.
    said: dict[str, Any] = {**more, **parse_url(url)}  # type: ignore[no-untyped-call]  # likewise
    if said.pop("connection_class", None) is not None:
        said["ssl"] = True
    for address in ("host", "port"):
        said.pop(address, None)  # the sentinels know it
    return sentinel.master_for(name_of_primary(url), **said)  # type: ignore[no-untyped-call]  # likewise


def name_of_primary(url: str) -> str:
    """The URL's host as it was written: the name of a host has no case, that of a primary has."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    return unquote(host.partition(":")[0])


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host else (text, 26379)


@contextmanager
def told(where: str) -> Iterator[None]:
    """Turns what the client raises into a stream's errors. ``where`` is the URL without its secrets."""
    try:
        yield
    # What a cluster's client raises while it looks for a node is no RedisError.
    except (exceptions.RedisError, exceptions.RedisClusterException, OSError) as error:
        raise stream_error(error, where) from None


_REFUSED_KINDS = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.NoPermissionError,
    ssl.SSLCertVerificationError,
)
_REFUSED_BY_SERVER = ("NOPERM", "NOAUTH", "WRONGPASS", "WRONGTYPE", "unknown command", "invalid password")
_NO_DATABASE = "DB index is out of range"
# How Redis 6, 7 and Valkey say that the user lacks a right that a script needs.
_REFUSED_IN_SCRIPT = ("can't run this command", "can't access at least one of the keys", "ACL failure in script")
# What was the matter with each of the sentinels, or the nodes of a cluster, is quoted by what is raised in the end.
_REFUSED_BY_ANY = ("CERTIFICATE_VERIFY_FAILED", "AuthenticationError", "in cluster mode")
_REFUSED = (*_REFUSED_BY_SERVER, *_REFUSED_IN_SCRIPT, *_REFUSED_BY_ANY, _NO_DATABASE)
#: What to do, where what the server says is not enough to know.
_REMEDIES = {
    "Authentication required": "the server wants a password: say password in [stream], or in the URL before the host",
    _NO_DATABASE: "the number behind the host is more than the server has databases (its setting databases, or 1 in a cluster)",
    "certificate verify failed": "name the file of the certificates to trust with ca_file in [stream]",
}


def stream_error(error: Exception, where: str) -> StreamError:
    """Which of a stream's errors this is. An AuthenticationError is a ConnectionError too: it is asked for first."""
    said = f"{where}: {error}"
    if remedy := next((each for words, each in _REMEDIES.items() if words in said), ""):
        said = f"{said.rstrip('.')}: {remedy}"
    if isinstance(error, exceptions.OutOfMemoryError) or str(error).startswith("OOM "):
        return StreamFull(said)
    if any(
        isinstance(each, _REFUSED_KINDS) or any(words in str(each) for words in _REFUSED) for each in _causes(error)
    ):
        return StreamRefused(said)
    # A timeout, a lost connection, a server that loads its data, a replica that is no primary yet, a slot that moves.
    return StreamDown(said)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it came of."""
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def without_secrets(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    address = parts.hostname or ""
    if parts.port:
        address += f":{parts.port}"
    return f"{parts.scheme}://{address}{parts.path}"
