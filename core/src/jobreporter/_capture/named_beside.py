"""Values whose name stands beside them: ``{"name": "DB_PASSWORD", "value": "x"}``, as environments and headers are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from jobreporter._capture.secret_names import SecretNames

#: Keys of a value, and those of its name.
VALUES: Final = frozenset(["value", "Value", "VALUE", "val", "values", "Values", "ParameterValue"])
NAMES: Final = frozenset(
    spelling
    for key in "name key field header parameter param variable var option setting attribute property label path".split()
    for spelling in (key, key.title(), key.upper())
) | {"ParameterKey", "ParameterName"}
_NAME_LENGTH = 200


def name_beside(pairs: Iterable[tuple[Any, Any]], secret: SecretNames) -> str:
    """The name that a dict gives to what stands under one of `VALUES`, if it is a secret one; else empty."""
    for key, item in pairs:
        if type(key) is str and key in NAMES and issubclass(type(item), str):
            name = str.__getitem__(item, slice(_NAME_LENGTH))
            if name in secret:
                return name
    return ""


def are_pairs(names: Iterable[str]) -> bool:
    """Whether names are those of a value and of its name."""
    return not VALUES.isdisjoint(names) and not NAMES.isdisjoint(names)


def with_names_beside(names: tuple[str, ...], items: Sequence[Any], secret: SecretNames) -> tuple[str, ...]:
    """The names of arguments, where one of them may be the name of another."""
    if not are_pairs(names):
        return names
    beside = name_beside(zip(names, items, strict=False), secret)
    return tuple(beside if beside and name in VALUES else name for name in names)
