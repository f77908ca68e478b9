"""Values whose name stands beside or before them: ``{"name": "DB_PASSWORD", "value": "x"}``, as environments and headers are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from jobreporter._capture.secret_names import SecretNames

#: Keys of a value, and those of its name.
VALUES: Final = frozenset(["value", "Value", "VALUE", "val", "values", "Values", "ParameterValue", "input"])
NAMES: Final = frozenset(
    spelling
    for key in "name key field header parameter param variable var option setting attribute property label path".split()
    for spelling in (key, key.title(), key.upper())
) | {"ParameterKey", "ParameterName", "loc"}
#: What the part of a URL is called that has a user and a password in it, where it stands alone.
AUTHORITY: Final = "netloc"
_NAME_LENGTH = 200


def name_beside(pairs: Iterable[tuple[Any, Any]], secret: SecretNames) -> str:
    """The name that a dict gives to what stands under one of `VALUES`, if it is a secret one; else empty."""
    for key, item in pairs:
        if type(key) is not str or key not in NAMES:
            continue
        # Of the path of a field, as pydantic gives it, the end.
        named = item[-1] if key == "loc" and type(item) in (tuple, list) and item else item
        if issubclass(type(named), str):
            name = str.__getitem__(named, slice(_NAME_LENGTH))
            if name in secret:
                return name
    return ""


def name_of_change(items: Sequence[Any]) -> str:
    """The name in a change of LDAP's: ``(MOD_REPLACE, "userPassword", [b"x"])``. Empty for what is none."""
    if len(items) != 3 or type(items[0]) is not int or type(items[1]) is not str or type(items[2]) not in (list, tuple):
        return ""
    return items[1][:_NAME_LENGTH]


def are_pairs(names: Iterable[str]) -> bool:
    """Whether names are those of a value and of its name."""
    return not VALUES.isdisjoint(names) and not NAMES.isdisjoint(names)


def with_names_beside(names: tuple[str, ...], items: Sequence[Any], secret: SecretNames) -> tuple[str, ...]:
    """The names of arguments, where one of them may be the name of another."""
    if not are_pairs(names):
        return names
    beside = name_beside(zip(names, items, strict=False), secret)
    return tuple(beside if beside and name in VALUES else name for name in names)


def name_by_place(index: int, items: Sequence[Any], names: tuple[str, ...] | None) -> str:
    """What names an item: the name that it was given, the first of a pair for the second, an option for its value."""
    if names:
        if index < len(names):
            return names[index]
        if names[-1].startswith("*"):
            return names[-1]
    if not index:
        return ""
    before = items[index - 1]
    name = as_name(before)
    is_pair = names is None and len(items) == 2
    return name if is_pair or name.startswith("--") else ""


def as_name(value: Any) -> str:
    """A text, or bytes, that may be a name; of anything else, nothing."""
    kind: Any = type(value)
    if issubclass(kind, str):
        return str.__getitem__(value, slice(_NAME_LENGTH))
    return bytes.__getitem__(value, slice(_NAME_LENGTH)).decode("latin-1") if issubclass(kind, bytes) else ""
