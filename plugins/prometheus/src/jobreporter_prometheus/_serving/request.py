"""What a scraper asks for, and whether it may."""

from __future__ import annotations

import hmac
import ipaddress
from typing import NamedTuple

#: The most bytes that a request may have: Prometheus' own has about 500.
MOST_BYTES = 16 * 1024

#: Methods that read.
_READS = frozenset({"GET", "HEAD"})


class Request(NamedTuple):
    """The head of a request. Names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class Refusal(NamedTuple):
    """Why there is no page: a status, and a sentence for whoever asked."""

    status: str
    sentence: str
    headers: tuple[tuple[str, str], ...] = ()


class Access(NamedTuple):
    """Who may ask. host: where the page is served. hosts: the names that it may be asked by. token: what is to be shown."""

    host: str
    hosts: tuple[str, ...] = ()
    token: str | None = None

    def refuses(self, request: Request) -> Refusal | None:
        """Why this request gets no page; ``None`` if it does."""
        if request.method not in _READS:
            return Refusal("405 Method Not Allowed", "This page can only be read.", (("Allow", "GET, HEAD"),))
        if not self.is_right_host(request.headers.get("host", "")):
            return Refusal(
                "421 Misdirected Request",
                "This page is not served under the name that it was asked by: the option 'hosts' of"
                " [reporters.prometheus] says under which it is.",
            )
        shown = request.headers.get("authorization", "").encode("latin-1", "replace")
        if self.token is not None and not hmac.compare_digest(shown, f"Bearer {self.token}".encode()):
            return Refusal(
                "401 Unauthorized",
                "This page asks for the token of [reporters.prometheus].",
                (("WWW-Authenticate", 'Bearer realm="metrics"'),),
            )
        return None

    def is_right_host(self, asked: str) -> bool:
        """Whether the page may be asked for by this name.

        A web page that a user of this machine looks at may have its own name point to the loopback address, and read
        what it finds there. It can't do so by an address, nor by the name localhost.
        """
        name = name_of(asked)
        if not name or is_address(name):
            return True
        if self.hosts:
            return name in {each.lower() for each in self.hosts}
        return not is_loopback(self.host) or name == "localhost" or name.endswith(".localhost")


def parse(head: bytes) -> Request | None:
    """The request that begins with this head; ``None`` if it is none."""
    first, *lines = head.decode("latin-1").splitlines() or [""]
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    path, _, query = words[1].partition("?")
    named = (line.partition(":") for line in lines)
    return Request(words[0], path, query, {name.strip().lower(): value.strip() for name, _, value in named})


def name_of(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def is_address(name: str) -> bool:
    """Whether it is an IP address, which no name server can point elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
