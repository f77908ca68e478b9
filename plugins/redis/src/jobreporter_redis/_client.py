"""The connection, and its errors turned into those of a stream."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from jobreporter.streams import StreamDown, StreamError, StreamFull, StreamRefused

if TYPE_CHECKING:
    from jobreporter_redis._engine import RedisOptions

Client = Any  # redis.Redis or redis.RedisCluster: their types have no base in common that says what both have


def connect(url: str, options: RedisOptions, timeout: float) -> Client:
    """A client. It connects with the first call."""
    # Who calls tries again, and knows when. redis-py would, with pauses of its own, take longer than a call may.
    more: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
    }
    if options.password is not None:
        more["password"] = options.password.reveal()
    parts = urlsplit(url)
    if parts.scheme == "rediss":
        given = {"ssl_ca_certs": options.ca_file, "ssl_certfile": options.cert_file, "ssl_keyfile": options.key_file}
        more |= {name: value for name, value in given.items() if value is not None}
    if options.sentinels:
        return _behind_sentinels(url, options, more)
    if options.cluster:
        return redis.RedisCluster.from_url(url, **more)
    return redis.Redis.from_url(url, **more)


def _behind_sentinels(url: str, options: RedisOptions, more: dict[str, Any]) -> Client:
    parts = urlsplit(url)
    own = {name: value for name, value in more.items() if name.startswith("socket_")}
    if options.sentinel_password is not None:
        own["password"] = options.sentinel_password.reveal()
    hosts = [_address(text) for text in options.sentinels]
    sentinel = Sentinel(hosts, sentinel_kwargs=own)  # type: ignore[no-untyped-call]  # it has no types
    if parts.password and "password" not in more:
        more["password"] = parts.password
    if parts.username:
        more["username"] = parts.username
    if parts.scheme == "rediss":
        more["ssl"] = True
    database = int(parts.path.strip("/") or 0)
    return sentinel.master_for(parts.hostname or "", db=database, **more)  # type: ignore[no-untyped-call]  # likewise


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host else (text, 26379)


@contextmanager
def told(where: str) -> Iterator[None]:
    """Turns what the client raises into a stream's errors. ``where`` is the URL without its secrets."""
    try:
        yield
    except (exceptions.RedisError, OSError) as error:
        raise stream_error(error, where) from None


_REFUSED_BY_SERVER = ("NOPERM", "NOAUTH", "WRONGPASS", "WRONGTYPE", "unknown command", "invalid password")
# How Redis 6, 7 and Valkey say that the user lacks a right that a script needs.
_REFUSED_IN_SCRIPT = ("can't run this command", "can't access at least one of the keys", "ACL failure in script")


def stream_error(error: Exception, where: str) -> StreamError:
    """Which of a stream's errors this is. An AuthenticationError is a ConnectionError too: it is asked for first."""
    said = f"{where}: {error}"
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError | exceptions.NoPermissionError):
        return StreamRefused(said)
    if isinstance(error, exceptions.OutOfMemoryError) or str(error).startswith("OOM "):
        return StreamFull(said)
    text = str(error)
    if _distrusts(error) or any(words in text for words in (*_REFUSED_BY_SERVER, *_REFUSED_IN_SCRIPT)):
        return StreamRefused(said)
    # A timeout, a lost connection, a server that loads its data, a replica that is no primary yet, a slot that moves.
    return StreamDown(said)


def _distrusts(error: BaseException | None) -> bool:
    """Whether a certificate was at fault, somewhere among the causes."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def without_secrets(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    address = parts.hostname or ""
    if parts.port:
        address += f":{parts.port}"
    return f"{parts.scheme}://{address}{parts.path}"
