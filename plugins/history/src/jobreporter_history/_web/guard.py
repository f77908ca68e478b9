"""Who may ask, and how: everything that is decided before a page is made."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may ask."""

    #: Names under which the page is reached; ``None``: whatever the program that mounts it lets through.
    hosts: Sequence[str] | None = None
    #: What a bearer token, or the password of a browser's question, has to be.
    token: str | None = None
    #: The header in which a proxy says who asks, and where such proxies are.
    header: str | None = None
    proxies: Sequence[IPv4Network | IPv6Network] = ()

    def refusal(self, scope: Scope) -> Response | None:
        """The answer for those who may not; ``None`` for those who may."""
        headers = Headers(scope=scope)
        if self.hosts is not None and not _is_one_of(headers.get("host", ""), self.hosts):
            return _plain("This page isn't served under that name. --allow-host NAME adds one.", 421)
        if scope["method"] not in {"GET", "HEAD"}:
            return _plain("Nothing can be changed here: GET and HEAD only.", 405, {"allow": "GET, HEAD"})
        if self.token is not None and not _knows(headers.get("authorization", ""), self.token):
            question = {"www-authenticate": 'Basic realm="jobreporter: the token is the password", charset="UTF-8"'}
            return _plain("The token is missing or wrong.", 401, question)
        if self.header is not None and not (self._is_proxy(scope) and headers.get(self.header, "").strip()):
            return _plain(f"Only a trusted proxy that sets {self.header} may ask.", 403)
        return None

    def _is_proxy(self, scope: Scope) -> bool:
        try:
            peer = ip_address((scope.get("client") or ("", 0))[0])
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None) or peer
        return any(mapped.version == network.version and mapped in network for network in self.proxies)


class Guard:
    """Asks `Access` before the application is asked, and puts the safe headers on every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._access.refusal(scope) or self._app
        await answer(scope, receive, send_safely)


def _is_one_of(host: str, names: Iterable[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and "@" not in host and name in {each.strip("[]").lower() for each in names}


def _knows(authorization: str, token: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode("utf-8", "replace"))


def _plain(sentence: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers)
