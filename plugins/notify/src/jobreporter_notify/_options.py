"""What ``[reporters.notify]`` may say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta

from jobreporter import Duration, Options, Secret, refuse
from jobreporter_notify._address import Address, WrongAddressError
from jobreporter_notify._template import Template

Told = Literal["opened", "regressed", "worse", "resolved", "missed", "reminded"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_BODY = "{since}\n{place}\n{code}\n{meaning}\n{release}\n{late}\n{link}"


class NotifyOptions(Options):
    """``[reporters.notify]``."""

    #: Who is told: a name for each, and one of [Apprise's URLs](https://appriseit.com/services/).
    to: dict[str, Secret]
    #: Where the history is; by default that of `[reporters.history]`.
    store: Secret | None = None
    #: How long an incident waits before it is told, since it may turn out to be over. A missed run doesn't wait.
    wait: Duration = "30s"  # type: ignore[assignment]  # text, as in the config
    #: After how long people are reminded of an incident that still fails; `"never"`: not at all.
    repeat: Annotated[Duration, Meta(ge=300)] | Literal["never"] = "24h"  # type: ignore[assignment]  # as above
    #: What is told: `opened`, `regressed`, `worse`, `resolved`, `missed`, `reminded`.
    tell: tuple[Told, ...] = ("opened", "regressed", "worse", "resolved", "missed", "reminded")
    #: The first line of a message about one incident.
    title: str = "{happening}: {what}"
    #: What follows it. A line whose fields are all empty is left out.
    body: str = _BODY
    #: The time zone that messages go by.
    timezone: str = "UTC"
    #: How long a service has to answer, unless the URL says that itself with `cto` and `rto`. Keep it below the lane's `timeout`.
    send_timeout: Annotated[Duration, Meta(gt=0)] = "6s"  # type: ignore[assignment]  # as above

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if not self.tell:
            yield "tell is empty, so nothing would ever be told"
        for key, text in (("title", self.title), ("body", self.body)):
            try:
                Template(text)
            except ValueError as error:
                yield f"{key}: {error}"
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            yield f"timezone: {self.timezone!r} is not known here: expected a name such as 'Europe/Vienna'"
        if not self.to:
            yield 'to names nobody: expected a name and a URL, such as chat = "slack://..."'
        for name, url in self.to.items():
            if not _NAME.fullmatch(name):
                yield "a name in to has other characters than letters, digits, '-' and '_', or over 64 of them"
            try:
                Address(url.reveal(), self.send_timeout)
            except WrongAddressError as error:
                yield f"to.{name}: {error}"

    @property
    def repeat_after(self) -> float | None:
        """Seconds after which people are reminded; ``None``: never."""
        return None if isinstance(self.repeat, str) else self.repeat
