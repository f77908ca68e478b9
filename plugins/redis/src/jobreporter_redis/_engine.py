"""What opens a stream, and what is wrong with its URL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, unquote, urlsplit

from jobreporter import Options
from jobreporter.streams import StreamSettings
from jobreporter_redis._options import RedisOptions
from jobreporter_redis._stream import RedisStream


class _Engine:
    """Opens ``redis://`` and, with TLS, ``rediss://``."""

    options: type[Options] = RedisOptions
    direct = True

    def spool_folder(self, url: str) -> str | None:
        return None

    def faults(self, url: str) -> Sequence[str]:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port  # a wrong port is found when it is asked for
        except ValueError:  # it quotes what it took for the port, which may be the half of a password
            return ["it is no URL with a host and a port; in a password, a / is written %2F, and an @ %40"]
        if not host or port == 0:
            return ["expected a host, as in redis://host:6379/0"]
        if (path := unquote(parts.path).strip("/")) and not _is_number(path):
            return [f"expected the number of a database after the host, found {path!r}"]
        return [*_faults_of_query(parts.query)]

    def open(self, url: str, settings: StreamSettings) -> RedisStream:
        return RedisStream(url, settings, settings.options or RedisOptions())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _faults_of_query(query: str) -> Iterator[str]:
    """What a stream needs of its connection, such as how long a call takes, is not the URL's to say. No value is quoted."""
    said = parse_qs(query, keep_blank_values=True)
    for name in said:
        if name != "db" and not name.startswith("ssl_"):
            yield f"{name!r} can't be said in the URL, which takes nothing but db and ssl_..., as in ?ssl_cert_reqs=none"
    if not all(map(_is_number, said.get("db", ()))):
        yield "expected the number of a database in db"


engine = _Engine()
