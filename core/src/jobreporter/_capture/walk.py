"""One walk over values, which turns them into plain data within bounds, and leaves out what is secret.

Builtin values are walked here and only as far as the bounds go, so that neither their size nor methods that a subclass
overrides matter. So are objects that show themselves by what they are made of: exceptions, dataclasses, mappings. Of
the user's own code nothing runs but one ``repr`` for each other object, as long as they don't take too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from math import isfinite
from pathlib import PosixPath, PurePosixPath
from time import monotonic
from types import FunctionType
from typing import Any
from uuid import UUID

from jobreporter._capture.bounds import HIGHEST, KEY_LENGTH, LOWEST, NODE, SHORTEST_KEY, Bounds
from jobreporter._capture.eraser import beginning, shortened, untaken
from jobreporter._capture.named_beside import (
    AUTHORITY,
    VALUES,
    name_beside,
    name_by_place,
    name_of_change,
    with_names_beside,
)
from jobreporter._capture.redaction import Redaction, may_need_redaction
from jobreporter._capture.secrets import REDACTED, Secrets
from jobreporter._foreign.arrays import described, is_array
from jobreporter._foreign.bounded_text import cut, mark, valid
from jobreporter._foreign.classes import full_name, is_any_of, short_name
from jobreporter._foreign.containers import container, field_names, head, items_in_c, may_hold_more, parts, parts_of
from jobreporter._foreign.fields import attributes, fields, inside
from jobreporter._foreign.shown import shown
from jobreporter._foreign.signatures import Wrapped, positional_names

# Longer integers aren't written in digits: that takes quadratic time, and Python may refuse.
_BITS = 2_048
# Of a text that is cut, so much more is looked at: what is secret may be known only by how it goes on.
_MARGIN = 500
# No key of a known shape is as short.
_LONGEST_WORD = SHORTEST_KEY - 1
_PARTIAL: Callable[[Any], tuple[Any, ...]] = parts_of(partial)
# The repr of a container written in C may name every item; beyond so many it isn't asked for.
_LONG = 10_000
# Seconds that the reprs of objects may take in all: each may ask a database.
_PATIENCE = 0.1
# What these hold, they show.
_SHOWS_ALL = (date, datetime, time, timedelta, Decimal, UUID, PosixPath, PurePosixPath, complex, range, FunctionType)


class Walk:
    """Turns values into plain data within one budget; with a redaction, ``secrets`` gathers what it left out."""

    __slots__ = ("_bounds", "_left", "_patience", "_redaction", "has_cut", "secrets")

    def __init__(self, bounds: Bounds, redaction: Redaction | None = None) -> None:
        self._bounds = bounds
        self._left = bounds.total
        self._patience = _PATIENCE
        self._redaction = redaction
        self.secrets = Secrets()
        #: Whether there is more than it has looked at.
        self.has_cut = False

    def value(self, value: Any, depth: int = 0) -> Any:
        """A value as plain data, ``depth`` containers deep."""
        self._left -= NODE
        kind = type(value)
        if kind is str:
            return self._text(value)
        if value is None or kind is bool:
            return value
        if kind is int and LOWEST <= value <= HIGHEST:
            return value
        if issubclass(kind, int):
            return self._counted(_integer(int.__int__(value)))
        if issubclass(kind, float):
            number = float.__float__(value)
            return number if isfinite(number) else repr(number)
        if issubclass(kind, str):
            return self._text(value)
        if issubclass(kind, (bytes, bytearray)):
            return self._bytes(value, bytes if issubclass(kind, bytes) else bytearray)
        builtin = container(kind)
        if builtin is not None:
            return self._container(value, builtin, depth)
        return self._object(value, kind, depth)

    def _object(self, value: Any, kind: type, depth: int) -> Any:
        """What an object is made of, where that can be had without asking it; else what it shows of itself."""
        if issubclass(kind, partial):
            return self._partial(value, depth)
        if (within := parts(value, kind)) is not None:
            return self._made_of(kind, within, depth)
        if (named := fields(value, kind)) is not None:
            return self._made_of_fields(kind, named, depth)
        if (wrapped := inside(value, kind)) is not None:
            return self.value(wrapped, depth)
        if is_array(kind):
            return self._counted(cut(described(value, kind), self._room()))
        room = self._room()
        if is_any_of(kind, _SHOWS_ALL):
            text = shown(value, room + _MARGIN)
        else:
            self.has_cut |= not issubclass(kind, (Enum, type))  # it may hold more than it shows
            text = self._asked(value, kind, room + _MARGIN)
        return shortened(self._redacted(text, room), room)

    def _asked(self, value: Any, kind: type, limit: int) -> str:
        """What an object of somebody else's shows of itself, unless all of them together take too long to say it."""
        if (items := items_in_c(value, kind)) is not None and items > _LONG:
            return f"<{full_name(kind)} of {items} items>"
        if self._patience <= 0:
            return f"<{full_name(kind)}>"
        began = monotonic()
        text = shown(value, limit)
        self._patience -= monotonic() - began
        return text

    def mapping(self, value: dict[Any, Any], depth: int = 0) -> dict[str, Any]:
        """A dict as plain data; keys that are no text become text."""
        kept: dict[str, Any] = {}
        pairs = head(value, dict, self._bounds.items)
        for key, item in pairs:
            if self._left <= 0:
                break
            name, shown = self._key(key, depth)
            if name in VALUES and self._redaction is not None:
                name = name_beside(pairs, self._redaction.names) or name
            if shown in kept:
                shown = untaken(shown, kept)
            kept[shown] = self._named(name, item, depth)
        if len(kept) < (total := dict.__len__(value)):
            self.has_cut = True
            kept[untaken("...", kept)] = f"({total} items)"
        return kept

    def sequence(self, value: Any, builtin: Any, depth: int = 0, names: tuple[str, ...] | None = None) -> list[Any]:
        """The items of any other builtin container as plain data.

        ``names`` are the names of the items, where they have some; the last one is for all further items if it begins
        with a star.
        """
        kept: list[Any] = []
        items = head(value, builtin, self._bounds.items)
        if names and self._redaction is not None:
            names = with_names_beside(names, items, self._redaction.names)
        elif name := name_of_change(items):
            names = ("", "", name)
        for index, item in enumerate(items):
            if self._left <= 0:
                break
            kept.append(self._named(name_by_place(index, items, names), item, depth))
        if self._redaction is not None:
            self._redaction.words(items, self.secrets)
        if len(kept) < (total := builtin.__len__(value)):
            self.has_cut = True
            kept.append(f"... ({total} items)")
        return kept

    def _named(self, name: str, item: Any, depth: int) -> Any:
        if self._redaction is None or name not in self._redaction.names:
            if name == AUTHORITY and type(item) is str and "@" in item:
                return self._redacted(cut(f"://{item}", self._room() + 3))[3:]
            return self.value(item, depth + 1)
        shown = self._redaction.conceal(name, item, self.secrets)
        if shown is not REDACTED:
            return self.value(item, depth + 1)
        self._left -= NODE + len(REDACTED)
        return shown

    def _container(self, value: Any, builtin: Any, depth: int) -> Any:
        if depth >= self._bounds.depth:
            self.has_cut = True
            return self._counted(f"<{builtin.__name__} of {builtin.__len__(value)} items>")
        if may_hold_more(type(value), builtin) and next(attributes(value, type(value)), None) is not None:
            self.has_cut = True
        if builtin is dict:
            return self.mapping(value, depth)
        items = self.sequence(value, builtin, depth, field_names(type(value)) if builtin is tuple else None)
        if builtin is tuple:
            return tuple(items)
        if builtin is set or builtin is frozenset:
            text = f"{{{', '.join(map(repr, items))}}}" if items else ""
            return cut(text if items and builtin is set else f"{builtin.__name__}({text})", self._bounds.text)
        return items

    def _made_of(self, kind: type, within: tuple[Any, ...], depth: int) -> str:
        """What a builtin `repr` would make of an object and its parts, which may be any number of any size."""
        if depth >= self._bounds.depth:
            return self._too_deep(kind)
        return self._represented(kind, map(_represented, self.sequence(within, tuple, depth)))

    def _made_of_fields(self, kind: type, named: Sequence[tuple[str, Any]], depth: int) -> str:
        """The same where the parts have names."""
        if depth >= self._bounds.depth:
            return self._too_deep(kind)
        kept: list[str] = []
        for name, held in named[: self._bounds.items]:
            if self._left <= 0:
                break
            beside = name_beside(named, self._redaction.names) if name in VALUES and self._redaction else ""
            text = _represented(self._named(beside or name, held, depth))
            kept.append(f"{name}={text}" if name else text)
        if len(kept) < len(named):
            self.has_cut = True
            kept.append(f"... ({len(named)} items)")
        return self._represented(kind, kept)

    def _represented(self, kind: type, items: Iterable[str]) -> str:
        return cut(f"{short_name(kind)}({', '.join(items)})", self._bounds.text)

    def _too_deep(self, kind: type) -> str:
        self.has_cut = True
        return str(self._counted(f"<{short_name(kind)}>"))

    def _partial(self, value: partial[Any], depth: int) -> str:
        """A function with some of its arguments, which its signature names."""
        if depth >= self._bounds.depth:
            return self._too_deep(type(value))
        function, args, keywords = _PARTIAL(value)
        names = positional_names(function)
        if isinstance(names, Wrapped):
            names = names.aligned(len(args), keywords, self._redaction.names if self._redaction else frozenset())
        shown_names = names or ("",)  # none at all would make a pair of two
        kept = (
            self.value(function, depth + 1),
            tuple(self.sequence(args, tuple, depth + 1, shown_names)),
            self.mapping(keywords, depth + 1),
        )
        return self._represented(type(value), map(repr, kept))

    def _key(self, key: object, depth: int) -> tuple[str, str]:
        """A key as the name of its value, and as it is shown."""
        plain = key if type(key) is str else self.value(key, depth + 1)
        text = plain if type(plain) is str else repr(plain)
        name = cut(text, KEY_LENGTH)
        self._left -= NODE + len(name)
        if len(text) > KEY_LENGTH:  # cut only now, as any text
            self.has_cut = True
            looked_at = self._without_secrets(valid(text[: KEY_LENGTH + _MARGIN]))
            return name, beginning(looked_at, KEY_LENGTH) + mark(len(text))
        is_word = len(name) <= _LONGEST_WORD and name.isidentifier()
        return name, name if is_word else self._without_secrets(name)

    def _text(self, text: str) -> str:
        room = self._room()
        if str.__len__(text) <= room:
            return self._redacted(cut(text, room))
        return self._shortened(text, room)

    def _bytes(self, value: Any, builtin: Any) -> str:
        length, room = builtin.__len__(value), self._room()
        text = repr(builtin.__getitem__(value, slice(room + _MARGIN)))
        if max(length, len(text)) <= room:
            return self._redacted(text)
        self.has_cut = True
        return beginning(self._redacted(text, room), room) + mark(length, "bytes")

    def _shortened(self, text: str, room: int) -> str:
        """A text of any length without what it says to be secret, cut only then: half a secret has no shape."""
        length = str.__len__(text)
        looked_at = valid(str.__getitem__(text, slice(room + _MARGIN)))
        if length <= room:
            return self._redacted(looked_at)
        self.has_cut = True
        return beginning(self._redacted(looked_at, room), room) + mark(length)

    def _redacted(self, text: str, room: int | None = None) -> str:
        """A text without what it says to be secret, counted as far as it is kept."""
        text = self._without_secrets(text)
        self._left -= len(text) if room is None else min(len(text), room)
        return text

    def _without_secrets(self, text: str) -> str:
        if self._redaction is not None and may_need_redaction(text):
            return self._redaction.text(text, self.secrets)
        return text

    def _counted(self, value: Any) -> Any:
        if type(value) is str:
            self._left -= len(value)
        return value

    def _room(self) -> int:
        return max(0, min(self._bounds.text, self._left))


def _integer(number: int) -> int | str:
    if LOWEST <= number <= HIGHEST:
        return number
    bits = number.bit_length()
    return str(number) if bits <= _BITS else f"<int of {bits} bits>"


def _represented(item: Any) -> str:
    """What a `repr` has in the place of an item that has become plain."""
    return REDACTED if item is REDACTED else repr(item)
