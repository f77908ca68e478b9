"""One address of Apprise's: whether it is one, and sending to it without showing what is secret in it."""

from __future__ import annotations

import re
import warnings
from difflib import get_close_matches
from urllib.parse import quote, unquote

from apprise import Apprise, AppriseAsset, NotificationManager, NotifyBase, NotifyType, OverflowMode

from jobreporter import one_line
from jobreporter_notify._markup import Markup
from jobreporter_notify._message import Message
from jobreporter_notify._quiet import listening

with warnings.catch_warnings():
    # On Python 3.11 and 3.12 it imports a module that is deprecated there.
    warnings.simplefilter("ignore", DeprecationWarning)
    #: What Apprise can reach. Asking loads all that it knows, here and not on a reporter's thread.
    SCHEMES: frozenset[str] = frozenset(NotificationManager().schemas())  # type: ignore[no-untyped-call]  # it has no types

_KINDS = {
    "bad": NotifyType.FAILURE,
    "doubtful": NotifyType.WARNING,
    "good": NotifyType.SUCCESS,
    "test": NotifyType.INFO,
}
# Apprise's own name and pictures would only take room.
_ASSET = AppriseAsset(
    app_id="jobreporter", app_desc="jobreporter", app_url="", image_url_mask="", image_url_logo="", async_mode=False
)
# Whatever stands between these may be a token.
_PARTS = re.compile(r"[/:@#,;]+")
# Characters of a part that are too few for a secret.
_SHORTEST = 3
# Apprise tells no difference between connections that are slow and servers that are, unless it is told the times.
_TIMES = re.compile(r"[?&][cr]to=")


class WrongAddressError(ValueError):
    """It is no address that Apprise can send to. The message quotes nothing but what kind it is of."""


class NotToldError(Exception):
    """A service did not take a message, for the reason in the message, in which nothing is secret."""


class Address:
    """url: Apprise's. timeout: seconds that a service has to answer. Raises `WrongAddressError`."""

    def __init__(self, url: str, timeout: float) -> None:
        self._secrets = secrets_of(url)
        self._url, self._timeout = url, timeout
        scheme, colon, _ = url.partition("://")
        if not colon or not scheme.isidentifier():
            raise WrongAddressError("it is no URL: expected one of Apprise's, such as ntfy://host/topic")
        if scheme.lower() not in SCHEMES:
            near = get_close_matches(scheme.lower(), SCHEMES, 1)
            meant = f". Did you mean {near[0] + '://'!r}?" if near else ""
            raise WrongAddressError(f"Apprise knows no service {one_line(scheme, 40) + '://'!r}{meant}")
        self._scheme = scheme.lower()
        self._service = self._open()
        self._markup = Markup(self._scheme, self._service)
        # Apprise would sleep for them, on the reporter's thread; whoever sends keeps to them instead.
        self._pace, self._service.request_rate_per_sec = float(self._service.request_rate_per_sec), 0.0

    @property
    def pace(self) -> float:
        """Seconds that the service wants between two messages."""
        return self._pace

    def send(self, message: Message) -> None:
        """Have the service tell it. Raises `NotToldError`."""
        title, body = self._markup.written(message.title, message.body)
        with listening(self._secrets) as said:
            try:
                done = self._service.notify(
                    body=body,
                    title=title,
                    notify_type=_KINDS[message.kind],
                    body_format=self._markup.form,
                    # What is too long for a service, it would refuse every time.
                    overflow=None if "overflow=" in self._url else OverflowMode.TRUNCATE,
                )
            except Exception as error:
                raise NotToldError(one_line(self._secrets.hidden(f"{type(error).__name__}: {error}"), 300)) from None
        if not done:
            raise NotToldError(one_line(said[-1], 300) if said else f"{self._service.service_name} did not take it")

    def _open(self) -> NotifyBase:
        with listening(self._secrets) as said:
            service = Apprise.instantiate(self._url, asset=_ASSET)
        if service is None:
            why = f": {one_line(said[-1], 200)}" if said else ""
            raise WrongAddressError(f"Apprise can't make anything of this {self._scheme}:// URL{why}")
        if not _TIMES.search(self._url):
            service.socket_connect_timeout = self._timeout / 3
            service.socket_read_timeout = self._timeout * 2 / 3
        return service


class Secrets:
    """Texts that must not be shown."""

    def __init__(self, texts: frozenset[str]) -> None:
        longest_first = sorted(texts, key=lambda text: (-len(text), text))
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def hidden(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub("***", text)


def secrets_of(url: str) -> Secrets:
    """Every part of a URL behind its scheme, as it stands there and as it goes over the wire."""
    rest, _, query = (url.partition("://")[2] or url).partition("?")
    values = (pair.partition("=")[2] for pair in query.split("&"))
    parts = {part for text in (rest, *values) for part in _PARTS.split(text) if len(part) >= _SHORTEST}
    forms = {form for part in parts for form in (part, unquote(part), quote(unquote(part), safe=""))}
    return Secrets(frozenset({url, *forms} - {""}))
