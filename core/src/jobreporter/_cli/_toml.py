"""Values as TOML writes them, with what must not be seen left out."""

from __future__ import annotations

import datetime
import enum
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect

from jobreporter._capture.eraser import Eraser, renamed
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.secrets import REDACTED, Secrets
from jobreporter._config.plugin_options import Missing
from jobreporter._config.wording import members
from jobreporter.options import Secret, measure_of

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Plain:
    """Values of a config as plain data that may be shown: no secret, no object.

    redaction: which names and which parts of a text are secret.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def of(self, value: Any, name: str = "") -> Any:
        """The value under a name. What TOML and JSON can't say is text."""
        if isinstance(value, Missing) or value is None:
            return None
        if isinstance(value, Secret) or (name in self._redaction.names and not isinstance(value, bool)):
            return REDACTED
        if isinstance(value, enum.Enum):
            return self.of(value.value)
        if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, str):
            return self._redaction.text(value, Secrets())
        if isinstance(value, msgspec.Struct):
            value = msgspec.structs.asdict(value)
        if isinstance(value, Mapping):
            given = {str(key): self.of(item, str(key)) for key, item in value.items()}
            return renamed(given, self.of, lambda item: item)
        if isinstance(value, list | tuple | set | frozenset):
            return self._items(list(value))
        if isinstance(value, datetime.date | datetime.time):
            return value.isoformat()
        return str(value)

    def _items(self, items: list[Any]) -> list[Any]:
        """The items of a list, which may be a name and its value, or the words of a command line."""
        if len(items) == 2 and isinstance(items[0], str) and items[0] in self._redaction.names:
            return [self.of(items[0]), self.of(items[1], items[0])]
        secrets = Secrets()
        self._redaction.words(items, secrets)
        eraser = Eraser(secrets.found())
        return [eraser.data(self.of(item)) for item in items]


def with_units(value: Any, declared: inspect.Type | None) -> Any:
    """The value as somebody would write it: a `Duration` or `Size` as text with units."""
    measures = [measure for member in members(declared) if (measure := measure_of(member))] if declared else []
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return measures[0].show(value) if measures and number else value


def toml(value: Any) -> str:
    """Plain data as TOML, on one line. Of what TOML can't say, ``None``, there is nothing: an empty text."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key_of(key)} = {toml(item)}" for key, item in value.items() if item is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in value if item is not None)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    # JSON's escapes are TOML's too, but for that of a slash, which isn't written, and DEL, which TOML must escape.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def key_of(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else toml(name)
