"""What a plugin declares that it can be configured with."""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec


class _KeywordOnly(msgspec.StructMeta):
    """Has each subclass take its fields by keyword, where ``kw_only`` counts for one class alone.

    So a field that must be set may stand below one that has a default.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> _KeywordOnly:
        return super().__new__(cls, name, bases, namespace, **{"kw_only": True, **config})


# Struct's own declaration to type checkers would have each subclass repeat frozen=True and kw_only=True.
@dataclass_transform(frozen_default=True, kw_only_default=True)
class Options(msgspec.Struct, metaclass=_KeywordOnly, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of a plugin's options: annotate ``reporter_start(options: MyOptions)`` with a subclass.

    The fields are the keys of the reporter's table in the config. A field without a default must be set; a key that is
    no field is a `ConfigError`, and so is a value of another type.

    Where a scalar or a `Secret` is declared, the config may say ``{ env = "NAME" }`` or ``{ file = "PATH" }`` instead.
    ``use``, ``enabled``, ``when`` and ``lane`` are the config's own words and no names for fields. A ``__post_init__``
    that raises ValueError says in one sentence what is wrong with the values together.
    """


class Secret:
    """A string that never shows itself: not in ``repr``, errors, logs or ``jobreporter check``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret can't be pickled: reveal() it where it is used")
