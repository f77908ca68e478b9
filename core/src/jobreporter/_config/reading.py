"""Filling a record from a table: led by the types of its fields, and all that is wrong is noted in one go.

msgspec converts, but it stops at the first fault and may quote the value. So a value is first walked down to its
leaves, each leaf is tried alone, and the messages are our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from jobreporter._config import references, shapes, wording
from jobreporter._config.files import Unusable
from jobreporter._config.references import Reference
from jobreporter._nearest import did_you_mean
from jobreporter.options import Secret
from jobreporter.text import one_line

Record = TypeVar("Record", bound=msgspec.Struct)
LookUp = Callable[[Reference], str]


class Reading:
    """One pass over one table.

    noun: what messages call a key. shows_values: whether they may quote values; only for the core's own keys, since an
    option may hold a secret. look_up: gives the text of a reference or raises Unusable; without it, there are no
    references. folder: where their relative paths start.
    """

    def __init__(
        self,
        noun: Literal["key", "option"],
        *,
        shows_values: bool = False,
        look_up: LookUp | None = None,
        folder: Path = Path(),
    ) -> None:
        self._noun = noun
        self._shows_values = shows_values
        self._look_up = look_up
        self._folder = folder
        #: What is wrong in the table itself.
        self.faults: list[str] = []
        #: What is wrong with what it refers to: a variable that is not set, a file that can't be read.
        self.broken: list[str] = []
        #: The references that were met.
        self.references: list[Reference] = []
        #: Texts that no message may quote: secrets, and what references stand for.
        self._hidden: list[str] = []

    def record(
        self, record_type: type[Record], table: Mapping[Any, Any], *, also_known: Sequence[str] = ()
    ) -> Record | None:
        """The record that ``table`` describes, or ``None`` if anything is wrong, which is then noted."""
        values = self.values(record_type, table, also_known=also_known)
        if self.faults or self.broken:
            return None
        try:
            return record_type(**values)
        except Exception as error:  # a plugin's own __post_init__ may raise anything
            self._note_misfit(self._words_of(error), refers=bool(self.references))
            return None

    def values(
        self, record_type: type[msgspec.Struct], table: Mapping[Any, Any], *, also_known: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The fields of a record that ``table`` sets; ``None`` for each that is wrong, which is then noted.

        also_known: what "Did you mean" may name besides the fields.
        """
        fields = msgspec.structs.fields(record_type)
        self._check_keys(fields, table, also_known=also_known)
        keys = ((field, field.encode_name) for field in fields)
        return {field.name: self.value(field.type, table[key], key) for field, key in keys if key in table}

    def value(self, declared: Any, value: object, path: str) -> Any:
        """One key's value as its declared type, or ``None`` if anything is wrong, which is then noted."""
        problems, met = len(self.faults) + len(self.broken), len(self.references)
        filled = self._fill(declared, value, path)
        if len(self.faults) + len(self.broken) > problems:
            return None
        converted = _convert(filled, declared)
        if isinstance(converted, _Refused):
            # Each leaf is right, so it is the whole: too few items in a list, or a nested record that objects.
            self._note_misfit(self._wrong(declared, value, path, converted), refers=len(self.references) > met)
            return None
        return converted

    def _fill(self, declared: Any, value: object, path: str) -> Any:
        """``value`` with what its references stand for in their place, once each of its leaves is checked."""
        shape = shapes.of(declared)
        if isinstance(value, Mapping):
            if self._look_up and shape.refers(value):
                return self._follow(self._look_up, declared, value, path)
            if shape.record:
                return self._fill_record(shape.record, value, path)
            if shape.table:
                return {key: self._fill(shape.table.held, item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list | tuple) and shape.list:
            return [self._fill(shape.list.held, item, f"{path}[{index}]") for index, item in enumerate(value)]
        if isinstance(value, str) and shape.secret:
            self._hidden.append(value)
        converted = _convert(value, declared)
        if isinstance(converted, _Refused):
            self.faults.append(self._wrong(declared, value, path, converted))
        return value

    def _fill_record(self, record: shapes.Nested, table: Mapping[Any, Any], path: str) -> dict[Any, Any]:
        fields = msgspec.structs.fields(record.held)
        self._check_keys(fields, table, prefix=f"{path}.", also_known=[record.tag] if record.tag else [])
        declared = {field.encode_name: field.type for field in fields}
        return {
            key: self._fill(declared[key], value, f"{path}.{key}") if key in declared else value
            for key, value in table.items()
        }

    def _follow(self, look_up: LookUp, declared: Any, table: Mapping[Any, Any], path: str) -> Any:
        if problem := references.problem_of(table):
            self.faults.append(f"{self._key(path)}: {problem}")
            return None
        reference = references.reference(table, self._folder)
        self.references.append(reference)
        try:
            text = look_up(reference)
        except Unusable as why:
            self.broken.append(f"{self._key(path)}: {reference} {why}")
            return None
        if not text and shapes.of(declared).secret:
            self.broken.append(f"{self._key(path)}: {reference} is empty")
            return None
        self._hidden.append(text)
        converted = _convert(text, declared, lax=True)
        if isinstance(converted, _Refused):
            wanted = wording.expected(inspect.type_info(declared))
            self.broken.append(f"{self._key(path)}: expected {reference} to hold {wanted}")
        return converted

    def _check_keys(
        self,
        fields: Sequence[msgspec.structs.FieldInfo],
        table: Mapping[Any, Any],
        *,
        prefix: str = "",
        also_known: Sequence[str] = (),
    ) -> None:
        known = [*(field.encode_name for field in fields), *also_known]
        for key in table:
            if key not in known:
                self.faults.append(f"unknown {self._key(f'{prefix}{key}')}{did_you_mean(key, known)}")
        for field in fields:
            if field.required and field.encode_name not in table:
                wanted = wording.expected(inspect.type_info(field.type))
                self.faults.append(f"{self._key(prefix + field.encode_name)} is missing: expected {wanted}")

    def _key(self, path: str) -> str:
        return f"{self._noun} {wording.quoted(path)}"

    def _wrong(self, declared: Any, value: object, path: str, refused: _Refused) -> str:
        if refused.objection is not None:
            return f"{self._key(path)}: {self._words_of(refused.objection)}"
        info = inspect.type_info(declared)
        found = wording.shown(value, info) if self._shows_values else wording.found(value, info)
        hint = did_you_mean(value, wording.choices(info)) if isinstance(value, str) else ""
        return f"{self._key(path)}: expected {wording.expected(info)}, found {found}{hint}"

    def _words_of(self, error: BaseException) -> str:
        """What a plugin says about its options, unless that quotes something hidden."""
        text = wording.text_of(error)
        if any(part in text for secret in self._hidden for part in _parts(secret)):
            return f"{type(error).__name__}, with a message that is withheld, since it may quote a secret"
        plain = text and isinstance(error, ValueError | TypeError)
        return one_line(text, wording.SAID) if plain else wording.described(error)

    def _note_misfit(self, problem: str, *, refers: bool) -> None:
        # Where references are involved, the file alone doesn't say whether it is right.
        (self.broken if refers else self.faults).append(problem)


def _parts(secret: str) -> list[str]:
    """What betrays a secret when it is quoted: itself, escaped or not, and each of its longer words.

    A parser objects to a part as well: the port of a URL, say, that is really its password.
    """
    return [part for part in (secret, repr(secret)[1:-1], *re.findall(r"\w{6,}", secret)) if part]


class _Refused(NamedTuple):
    """What `_convert` returns for a value of the wrong type.

    objection: what the code of a plugin's own class raised, if it was that.
    """

    objection: BaseException | None


def _convert(value: object, declared: Any, *, lax: bool = False) -> Any:
    """``value`` as ``declared``, or `_Refused`. Nothing is raised, since msgspec's errors may quote the value.

    lax: from text, so that ``"8080"`` is a number where one is declared.
    """
    try:
        return msgspec.convert(value, declared, strict=not lax, dec_hook=_decode)
    except msgspec.ValidationError as error:
        return _Refused(error.__cause__)
    except Exception as error:  # msgspec passes on what a __post_init__ raises, but for ValueError and TypeError
        return _Refused(error)


def _decode(declared: type, value: object) -> object:
    if declared is Secret and isinstance(value, str):
        return Secret(value)
    if isinstance(value, declared):
        return value
    raise msgspec.ValidationError
