"""What a declared type may hold: a scalar, a list, a table, a record, or several of these."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import inspect

from jobreporter._config import references, wording
from jobreporter.options import Secret, measure_of
from jobreporter.units import Measure

_LISTS = (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType)
_TABLES = (inspect.StructType, inspect.DictType, inspect.TypedDictType, inspect.DataclassType)
_OPEN = (
    inspect.BoolType,
    inspect.IntType,
    inspect.FloatType,
    inspect.LiteralType,
    inspect.EnumType,
    inspect.Metadata,  # a `Duration` or a `Size`
)
# Neither scalars nor walked into: each is converted as a whole.
_OTHERS = (inspect.TupleType, inspect.NamedTupleType)


class Nested(NamedTuple):
    """Something that holds values: ``held`` is the type of each item, or the record's own type."""

    held: Any
    #: The key that a tagged record's kind is under.
    tag: str | None = None


class Shape(NamedTuple):
    """What a declared type may hold. At most one list and one table, which is all that msgspec allows in a union."""

    list: Nested | None
    table: Nested | None
    record: Nested | None
    #: Whether `Secret` is among it.
    secret: bool
    #: What is measured, if `Duration` or `Size` is among it.
    measure: Measure | None
    takes_scalar: bool
    takes_table: bool

    def refers(self, table: Mapping[Any, Any]) -> bool:
        """Whether a table in the file is a reference here.

        Where no table is declared, everything that resembles a reference is one, so that its faults are told. Where a
        table may stand too, one with ``env`` or ``file`` as its only key is a reference, and any other is a table.
        """
        if not self.takes_scalar:
            return False
        return references.is_reference(table) if self.takes_table else references.looks_like_reference(table)


def of(declared: Any) -> Shape:
    """The shape of an annotation that msgspec accepts."""
    options = [(option, inspect.type_info(option)) for option in _alternatives(declared)]
    infos = [info for _, info in options]

    def holding(kinds: tuple[type[inspect.Type], ...], argument: int) -> Nested | None:
        return next((Nested(_argument(option, argument)) for option, info in options if isinstance(info, kinds)), None)

    records = [Nested(option, info.tag_field) for option, info in options if isinstance(info, inspect.StructType)]
    return Shape(
        list=holding(_LISTS, 0),
        table=holding((inspect.DictType,), 1),
        # Which of several records is meant, msgspec finds by their tags.
        record=records[0] if len(records) == 1 else None,
        secret=any(option is Secret for option, _ in options),
        measure=next(filter(None, map(measure_of, wording.members(inspect.type_info(declared)))), None),
        takes_scalar=any(not isinstance(info, (*_LISTS, *_TABLES, *_OTHERS, inspect.NoneType)) for info in infos),
        takes_table=any(isinstance(info, (*_TABLES, inspect.AnyType)) for info in infos),
    )


def is_open(info: inspect.Type) -> bool:
    """Whether a declared type has no text among it but a choice of words, so that nothing that it takes is a secret."""
    return all(isinstance(member, _OPEN) for member in wording.members(info))


def _alternatives(declared: Any) -> Iterator[Any]:
    """The members of a union, or the type itself, without ``Annotated``, ``NewType`` and aliases around them."""
    origin = typing.get_origin(declared)
    if origin is typing.Annotated:
        yield from _alternatives(declared.__origin__)
    elif origin in (typing.Union, types.UnionType):
        for option in typing.get_args(declared):
            yield from _alternatives(option)
    elif isinstance(declared, typing.NewType):
        yield from _alternatives(declared.__supertype__)
    elif type(declared).__name__ == "TypeAliasType":  # ``type X = ...``, from Python 3.12
        yield from _alternatives(declared.__value__)
    else:
        yield declared


def _argument(declared: Any, index: int) -> Any:
    """The type that a list or dict is declared to hold; a bare ``list`` holds anything."""
    arguments = typing.get_args(declared)
    return arguments[index] if len(arguments) > index else Any
