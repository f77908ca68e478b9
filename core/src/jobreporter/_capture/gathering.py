"""The secrets among arguments that are too many, too deep or too long to be kept: an error's message may show any of them.

A pass of its own, with bounds far wider than what is kept, and cheaper: nothing is copied and nothing is asked to show
itself. What has a secret name comes first, wherever it stands; texts are looked through afterwards, as far as their own
quota goes.
"""

from __future__ import annotations

from itertools import islice
from operator import itemgetter
from types import FunctionType, ModuleType
from typing import Any

from jobreporter._capture.named_beside import (
    AUTHORITY,
    VALUES,
    are_pairs,
    as_name,
    name_beside,
    name_of_change,
    with_names_beside,
)
from jobreporter._capture.redaction import Redaction, may_need_redaction
from jobreporter._capture.secrets import Secrets
from jobreporter._foreign.bounded_text import valid
from jobreporter._foreign.containers import container, field_names, head, may_hold_more, parts
from jobreporter._foreign.fields import attributes
from jobreporter._foreign.signatures import Names, name_at

# Values that are looked at, and how many of them in one container.
_VALUES = 20_000
_ITEMS = 20_000
_DEPTH = 100
# Names in one dict, from which on they are judged together.
_MANY = 200
# Attributes of objects that are looked at in all, and how far from the arguments an object may be.
_ATTRIBUTES = 2_000
_OBJECTS = 3
# Characters of text that are looked through, in all and of one text.
_TEXT = 128 * 1024
_ONE_TEXT = 64 * 1024
_SHORTEST = 3
_NAME_LENGTH = 200
# What these hold is no data of a job's.
_HOLDS_NO_ARGUMENTS: Any = (int, float, type, ModuleType, FunctionType)
_OF_BYTES = (bytes, bytearray, memoryview)

# Values, each with the number of objects that it is within.
_Level = list[tuple[Any, int]]


class Gathering:
    """One pass over values; ``secrets`` gets what it finds. objects: so many may be within each other."""

    def __init__(self, redaction: Redaction, secrets: Secrets, *, objects: int = _OBJECTS) -> None:
        self._redaction = redaction
        self._secrets = secrets
        self._texts: list[str] = []
        self._left = _VALUES
        self._objects = objects
        self._attributes = _ATTRIBUTES
        # By their ids, kept so that no later value gets the id of one that is gone.
        self._seen: dict[int, Any] = {}

    def arguments(self, args: Any, names: Names, kwargs: Any) -> None:
        """Gather what is secret in a job's arguments. names: those of the positional ones."""
        level: _Level = []
        if container(type(args)) in (tuple, list):
            items = head(args, container(type(args)), _ITEMS)
            names = with_names_beside(names, items, self._redaction.names)
            for index, item in enumerate(items):
                self._look_at_named(name_at(names, index), item, 0, level)
        else:
            level.append((args, 0))
        level.append((kwargs, 0))
        self._look(level)

    def values(self, *values: Any) -> None:
        """Gather what is secret in any values."""
        self._look([(value, 0) for value in values])

    def _look(self, level: _Level) -> None:
        """Look into what is on one level, then at what is below it: so the nearest comes first."""
        for _ in range(_DEPTH):
            deeper: _Level = []
            for value, objects in level:
                if self._left <= 0:
                    break
                self._look_into(value, type(value), objects, deeper)
            if not deeper:
                break
            level = deeper
        self._look_through_texts()

    def _look_at_named(self, name: str, value: Any, objects: int, deeper: _Level) -> None:
        if name in self._redaction.names:
            self._redaction.conceal(name, value, self._secrets)
        elif name == AUTHORITY and type(value) is str:
            self._note(f"://{value}")
        elif not _is_empty(value):
            deeper.append((value, objects))

    def _look_into(self, value: Any, kind: Any, objects: int, deeper: _Level) -> None:
        self._left -= 1
        if issubclass(kind, str):
            self._note(value)
            return
        if issubclass(kind, _OF_BYTES):
            self._note_bytes(value, kind)
            return
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if (builtin := container(kind)) is dict:
            self._look_into_pairs(head(value, dict, self._items()), objects, deeper)
        elif builtin is not None:
            self._look_into_items(head(value, builtin, self._items()), field_names(kind), objects, deeper)
        elif (within := parts(value, kind)) is not None:
            self._look_into_items(list(within), None, objects, deeper)
        elif not issubclass(kind, _HOLDS_NO_ARGUMENTS) and not callable(value):
            self._look_into_attributes(value, kind, objects, deeper)
        if may_hold_more(kind, builtin):
            self._look_into_attributes(value, kind, objects, deeper)

    def _look_into_attributes(self, value: Any, kind: Any, objects: int, deeper: _Level) -> None:
        if objects >= self._objects or self._attributes <= 0:
            return
        named = list(islice(attributes(value, kind), self._attributes))
        self._attributes -= len(named) + 1  # to find that there are none takes its time too
        for name, held in named:
            beside = name_beside(named, self._redaction.names) if name in VALUES else ""
            self._look_at_named(beside or name, held, objects + 1, deeper)

    def _look_into_pairs(self, pairs: list[tuple[Any, Any]], objects: int, deeper: _Level) -> None:
        if len(pairs) > _MANY and set(map(type, keys := [key for key, _ in pairs])) == {str} and not are_pairs(keys):
            self._look_into_many(keys, pairs, objects, deeper)
            return
        for key, item in pairs:
            if issubclass(type(key), str):
                self._note(key)
            elif not _is_empty(key):
                deeper.append((key, objects))
            name = as_name(key)
            if name in VALUES:
                name = name_beside(pairs, self._redaction.names) or name
            self._look_at_named(name, item, objects, deeper)

    def _look_into_many(self, keys: list[str], pairs: list[tuple[Any, Any]], objects: int, deeper: _Level) -> None:
        """As pair by pair, of more names than are worth judging one by one."""
        if max(map(len, keys)) <= _NAME_LENGTH and self._redaction.may_be_by_shape_alone("\n".join(keys)):
            keys_noted = ["\n".join(keys[start : start + _MANY]) for start in range(0, len(keys), _MANY)]
        else:
            keys_noted = keys
        for key in keys_noted:
            self._note(key)
        secret = self._redaction.names.among(keys)
        if not secret and all(map(_is_empty, map(itemgetter(1), pairs))):
            return
        for key, item in pairs:
            if key in secret:
                self._redaction.conceal(key, item, self._secrets)
            elif not _is_empty(item):
                deeper.append((item, objects))

    def _look_into_items(self, items: list[Any], names: Names | None, objects: int, deeper: _Level) -> None:
        self._left -= len(items) // 10  # to pass over what is empty takes little
        if not names and all(map(_is_empty, items)):
            return
        if names is None and len(items) == 2 and (name := as_name(items[0])):
            names = ("", name)
        elif names is None and (name := name_of_change(items)):
            names = ("", "", name)
        names = names and with_names_beside(names, items, self._redaction.names)
        for index, item in enumerate(items):
            self._look_at_named(name_at(names or (), index), item, objects, deeper)
        self._redaction.words(items, self._secrets)

    def _items(self) -> int:
        return max(0, min(_ITEMS, self._left))

    def _note(self, text: Any) -> None:
        """Keep a text for later, if it may hold a secret."""
        part = str.__getitem__(text, slice(_ONE_TEXT))
        if len(part) > _SHORTEST and may_need_redaction(part):
            self._texts.append(part)

    def _note_bytes(self, value: Any, kind: Any) -> None:
        """Keep bytes as the text that they may be."""
        if kind is memoryview:
            try:
                part = value[:_ONE_TEXT].tobytes()[:_ONE_TEXT]
            except (TypeError, ValueError, NotImplementedError):  # released, or of a shape that has no first bytes
                return
        else:
            part = (bytes if issubclass(kind, bytes) else bytearray).__getitem__(value, slice(_ONE_TEXT))
        self._note(part.decode(errors="replace"))

    def _look_through_texts(self) -> None:
        left = _TEXT
        for text in self._texts:
            self._redaction.text(valid(text[:left]), self._secrets)
            left -= len(text)
            if left <= 0:
                break


def _is_empty(value: Any) -> bool:
    """Whether a value holds nothing."""
    kind: Any = type(value)
    return kind is int or value is None or kind is float or kind is bool
