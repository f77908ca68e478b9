"""Any value as bounded plain data.

Plain is ``None``, ``bool``, ``int`` of 64 bits, finite ``float``, valid ``str``, tuple or list of plain, dict of
``str`` to plain. Everything else becomes text. Builtin values are walked here and only as far as the bounds go, so that
neither their size nor methods that a subclass overrides matter. So are the few builtin objects whose ``repr`` is made of
others', such as exceptions. Of the user's own code nothing runs but one ``repr`` for each foreign object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from types import WrapperDescriptorType
from typing import Any

import msgspec

from jobreporter._capture.classes import attribute, full_name, short_name
from jobreporter._capture.containers import container, head, is_light, parts
from jobreporter._capture.redaction import Redaction, may_need_redaction
from jobreporter._capture.secrets import REDACTED, Secrets
from jobreporter._capture.shown import shown
from jobreporter._capture.text import cut, mark


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept of a value. A mark says how much there was where something was cut."""

    #: Characters of one text.
    text: int
    #: Items of one container.
    items: int
    #: Containers within each other.
    depth: int
    #: All of it, in bytes, roughly.
    total: int


#: Enough to recognise a job by its arguments.
NARROW = Bounds(text=1_000, items=50, depth=6, total=64 * 1024)
#: Enough for nearly any job's arguments as they are.
WIDE = Bounds(text=100 * 1024, items=1_000, depth=20, total=1024 * 1024)

LOWEST, HIGHEST = -(2**63), 2**63 - 1
#: What a value takes besides its characters, in bytes, roughly.
NODE = 32

# Longer integers aren't written in digits: that takes quadratic time, and Python may refuse.
_BITS = 2_048
_KEY_LENGTH = 200
# The repr of a container written in C may name every item; beyond so many it isn't asked for.
_LONG = 10_000


def plain(value: object, bounds: Bounds = WIDE) -> Any:
    """A value as plain data, within bounds."""
    return Walk(bounds).value(value)


def brief(value: object, bounds: Bounds, show: Callable[[Any], str] = repr) -> str:
    """What a value shows of itself, ``bounds.text`` characters of it at most: of a large one, what is plain within bounds."""
    if is_light(value):
        return shown(value, bounds.text, show)
    return cut(show(plain(value, bounds)), bounds.text)  # to show all of it may take any time


def plain_dict(value: Any) -> Any:
    """`plain` for what mostly is a dict of a few names and scalars already, and then is copied."""
    if type(value) is dict and len(value) <= NARROW.items:
        copy = value.copy()
        if all_names(copy) and all_plain(copy.values()):
            return copy
    return plain(value)


def all_names(keys: Iterable[Any]) -> bool:
    """Whether the keys of a dict are texts that stay as they are."""
    return all(type(key) is str and len(key) <= _KEY_LENGTH and key.isascii() for key in keys)


def all_plain(values: Iterable[Any]) -> bool:
    """Whether values are plain as they are: scalars, and texts so short that no bound cuts them."""
    for value in values:
        kind = type(value)
        if kind is str:
            if len(value) > NARROW.text or not value.isascii():
                return False
        elif kind is int:
            if not LOWEST <= value <= HIGHEST:
                return False
        elif not (value is None or kind is bool or (kind is float and isfinite(value))):
            return False
    return True


class Walk:
    """Turns values into plain data within one budget; with a redaction, ``secrets`` gathers what it left out."""

    __slots__ = ("_bounds", "_left", "_redaction", "secrets")

    def __init__(self, bounds: Bounds, redaction: Redaction | None = None) -> None:
        self._bounds = bounds
        self._left = bounds.total
        self._redaction = redaction
        self.secrets = Secrets()

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
        within = parts(value, kind)
        if within is not None:
            return self._made_of(kind, within, depth)
        return self._redacted(shown(value, self._room(), _described))

    def mapping(self, value: dict[Any, Any], depth: int = 0) -> dict[str, Any]:
        """A dict as plain data; keys that are no text become text."""
        kept: dict[str, Any] = {}
        for key, item in head(value, dict, self._bounds.items):
            if self._left <= 0:
                break
            name = self._key(key, depth)
            kept[name] = self._named(name, item, depth)
        if len(kept) < (total := dict.__len__(value)):
            kept["..."] = f"({total} items)"
        return kept

    def sequence(self, value: Any, builtin: Any, depth: int = 0, names: tuple[str, ...] | None = None) -> list[Any]:
        """The items of any other builtin container as plain data.

        ``names`` are the names of the items, where they have some; the last one is for all further items if it begins
        with a star.
        """
        kept: list[Any] = []
        items = head(value, builtin, self._bounds.items)
        for index, item in enumerate(items):
            if self._left <= 0:
                break
            kept.append(self._named(_name(index, items, names), item, depth))
        if len(kept) < (total := builtin.__len__(value)):
            kept.append(f"... ({total} items)")
        return kept

    def _named(self, name: str, item: Any, depth: int) -> Any:
        if self._redaction is None or name not in self._redaction.names:
            return self.value(item, depth + 1)
        self._left -= NODE + len(REDACTED)
        return self._redaction.conceal(item, self.secrets)

    def _container(self, value: Any, builtin: Any, depth: int) -> Any:
        if depth >= self._bounds.depth:
            return self._counted(f"<{builtin.__name__} of {builtin.__len__(value)} items>")
        if builtin is dict:
            return self.mapping(value, depth)
        items = self.sequence(value, builtin, depth, _fields(type(value)) if builtin is tuple else None)
        if builtin is tuple:
            return tuple(items)
        if builtin is set or builtin is frozenset:
            text = f"{{{', '.join(map(repr, items))}}}" if items else ""
            return cut(text if items and builtin is set else f"{builtin.__name__}({text})", self._bounds.text)
        return items

    def _made_of(self, kind: type, within: tuple[Any, ...], depth: int) -> str:
        """What a builtin `repr` would make of an object and its parts, which may be any number of any size."""
        name = short_name(kind)
        if depth >= self._bounds.depth:
            return str(self._counted(f"<{name}>"))
        return cut(f"{name}({', '.join(map(repr, self.sequence(within, tuple, depth)))})", self._bounds.text)

    def _key(self, key: object, depth: int) -> str:
        name = key if type(key) is str else self.value(key, depth + 1)
        text = cut(name if type(name) is str else repr(name), _KEY_LENGTH)
        self._left -= NODE + len(text)
        return text

    def _text(self, text: str) -> str:
        return self._redacted(cut(text, self._room()))

    def _bytes(self, value: Any, builtin: Any) -> str:
        length, room = builtin.__len__(value), self._room()
        text = repr(builtin.__getitem__(value, slice(room)))
        return self._redacted(text if max(length, len(text)) <= room else text[:room] + mark(length, "bytes"))

    def _redacted(self, text: str) -> str:
        """A text that was cut, without what it says to be secret, counted."""
        if self._redaction is not None and may_need_redaction(text):
            text = self._redaction.text(text, self.secrets)
        self._left -= len(text)
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


def _described(value: Any) -> str:
    kind = type(value)
    if type(attribute(kind, "__len__")) is WrapperDescriptorType and len(value) > _LONG:
        return f"<{full_name(kind)} of {len(value)} items>"
    return repr(value)


def _fields(kind: type) -> tuple[str, ...] | None:
    """The names that a named tuple gives to its items."""
    fields = attribute(kind, "_fields")
    return fields if type(fields) is tuple and all(type(each) is str for each in fields) else None


def _name(index: int, items: list[Any], names: tuple[str, ...] | None) -> str:
    """What names an item: the name that it was given, the first of a pair for the second, an option for its value."""
    if names:
        if index < len(names):
            return names[index]
        if names[-1].startswith("*"):
            return names[-1]
    if not index:
        return ""
    before = items[index - 1]
    kind: Any = type(before)
    if issubclass(kind, str):
        name = str.__getitem__(before, slice(_KEY_LENGTH))
    elif issubclass(kind, bytes):
        name = bytes.__getitem__(before, slice(_KEY_LENGTH)).decode("latin-1")
    else:
        return ""
    is_pair = names is None and len(items) == 2
    return name if is_pair or name.startswith("--") else ""
