"""Filling a record from a table: led by the types of its fields, and all that is wrong is noted in one go.

msgspec converts, but it stops at the first fault and may quote the value. So a value is first walked down to its
leaves, each leaf is tried alone, and the messages are our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from jobreporter._config import references, shapes, wording
from jobreporter._config.conversion import Refused, convert, convert_leaf
from jobreporter._config.files import Unusable
from jobreporter._config.lines import KeyPath
from jobreporter._config.places import dotted
from jobreporter._config.references import Reference
from jobreporter._config.unknown import UNKNOWN, NotKnown
from jobreporter._nearest import did_you_mean, did_you_mean_or_all
from jobreporter.text import one_line

Record = TypeVar("Record", bound=msgspec.Struct)


class NotLookedUpError(Exception):
    """Raised by a `LookUp` that leaves a reference alone: its value is then unknown, and nothing is wrong with it."""


#: Gives the text of a reference. Raises Unusable, or NotLookedUpError.
LookUp = Callable[[Reference], str]


class Problem(NamedTuple):
    """Something that is wrong, and with which key of the table; it may be the table as a whole."""

    path: KeyPath
    text: str


class Reading:
    """One pass over one table.

    noun: what messages call a key. quotes: whether they may quote the text or number at a path; where it may be a
    secret, they tell its kind. look_up: without it, there are no references. folder: where their relative paths start.
    """

    def __init__(
        self,
        noun: Literal["key", "option"],
        *,
        quotes: Callable[[KeyPath, object, inspect.Type], bool] = lambda _path, _value, _declared: True,
        look_up: LookUp | None = None,
        folder: Path | None = None,
    ) -> None:
        self._noun = noun
        self._quotes = quotes
        self._look_up = look_up
        self._folder = folder or Path()
        #: What is wrong in the table itself, or with a reference that must lead somewhere.
        self.faults: list[Problem] = []
        #: What is wrong with what it refers to: a variable that is not set, a file that can't be read.
        self.broken: list[Problem] = []
        #: The references that were met, by the way to them.
        self.references: dict[KeyPath, Reference] = {}
        #: The fields of the record that were set, and are right.
        self.known: dict[str, Any] = {}
        #: Whether a plugin's own code would not say anything of its options as a whole while some are unknown.
        self.inconclusive = False
        #: What a plugin remarks on its options.
        self.remarks: list[str] = []
        self._unknown = 0
        #: Texts that no message may quote: secrets, and what references stand for.
        self._hidden: list[str] = []

    def record(
        self,
        record_type: type[Record],
        table: Mapping[Any, Any],
        *,
        also_known: Sequence[str] = (),
        check: Callable[[Record], Iterable[str]] = lambda _record: (),
    ) -> Record | None:
        """The record that ``table`` describes, or ``None`` if anything is wrong, which is then noted.

        check: a plugin's own code that looks at the record again. It raises what is wrong, and returns remarks.
        """
        values = self.values(record_type, table, also_known=also_known)
        self.known = {name: value for name, value in values.items() if value is not UNKNOWN}
        complete = not (self.faults or self.broken or self._unknown)
        for field in msgspec.structs.fields(record_type):
            if field.required:
                values.setdefault(field.name, UNKNOWN)
        try:
            record = record_type(**values)
        except NotKnown:
            self.inconclusive = True
            return None
        except Exception as error:  # a plugin's own __post_init__ may raise anything
            for objection in _each(error):
                self._note_objection(objection, table, complete=complete)
            return None
        try:
            remarks = [one_line(str(remark), wording.SAID) for remark in check(record)]
        except NotKnown:
            self.inconclusive = True
        except Exception as error:  # likewise
            for objection in _each(error):
                self.faults.append(Problem((), self._words_of(objection)))
            return None
        else:
            self.remarks += [each for each in remarks if not self._quotes_hidden(each)]
        return record if complete else None

    def _note_objection(self, error: Exception, table: Mapping[Any, Any], *, complete: bool) -> None:
        """With unknown values a plugin has not asked for those. With all of them, what it objects to may be one that the
        file only refers to.
        """
        named = _options_named(error, table)
        problem = Problem(tuple(named) if len(named) == 1 else (), self._words_of(error))
        blames_file = bool(named) and named.isdisjoint(str(path[0]) for path in self.references)
        refers = complete and bool(self.references) and not blames_file
        (self.broken if refers else self.faults).append(problem)

    def values(
        self, record_type: type[msgspec.Struct], table: Mapping[Any, Any], *, also_known: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The fields of a record that ``table`` sets; `UNKNOWN` for each that is wrong, which is then noted.

        also_known: what "Did you mean" may name besides the fields.
        """
        fields = msgspec.structs.fields(record_type)
        self._check_keys(fields, table, also_known=also_known)
        keys = ((field, field.encode_name) for field in fields)
        return {field.name: self.value(field.type, table[key], (key,)) for field, key in keys if key in table}

    def value(self, declared: Any, value: object, path: KeyPath) -> Any:
        """One key's value as its declared type, or `UNKNOWN` if anything is wrong, which is then noted."""
        unknown, met = self._count_unknown(), len(self.references)
        filled = self._fill(declared, value, path)
        if self._count_unknown() > unknown:
            return UNKNOWN
        converted = convert(filled, declared)
        if isinstance(converted, Refused):
            # Each leaf is right, so it is the whole: too few items in a list, or a nested record that objects.
            problem = Problem(path, self._wrong(declared, value, path, converted))
            # Where references are involved, the file alone doesn't say whether it is right.
            (self.broken if len(self.references) > met else self.faults).append(problem)
            return UNKNOWN
        return converted

    def _count_unknown(self) -> int:
        return len(self.faults) + len(self.broken) + self._unknown

    def _fill(self, declared: Any, value: object, path: KeyPath) -> Any:
        """``value`` with what its references stand for in their place, once each of its leaves is checked."""
        shape = shapes.of(declared)
        if isinstance(value, Mapping):
            if self._look_up and shape.refers(value):
                return self._follow(self._look_up, declared, value, path)
            if shape.record:
                return self._fill_record(shape.record, value, path)
            if shape.table:
                return {key: self._fill(shape.table.held, item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list | tuple) and shape.list:
            return [self._fill(shape.list.held, item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and shape.secret:
            self._hidden.append(value)
        converted = convert_leaf(value, declared, shape)
        if isinstance(converted, Refused):
            self.faults.append(Problem(path, self._wrong(declared, value, path, converted)))
        return converted if shape.measure else value

    def _fill_record(self, record: shapes.Nested, table: Mapping[Any, Any], path: KeyPath) -> dict[Any, Any]:
        fields = msgspec.structs.fields(record.held)
        self._check_keys(fields, table, above=path, also_known=[record.tag] if record.tag else [])
        declared = {field.encode_name: field.type for field in fields}
        return {
            key: self._fill(declared[key], value, (*path, key)) if key in declared else value
            for key, value in table.items()
        }

    def _follow(self, look_up: LookUp, declared: Any, table: Mapping[Any, Any], path: KeyPath) -> Any:
        if problem := references.problem_of(table):
            self.faults.append(Problem(path, f"{self._key(path)}: {problem}"))
            return None
        reference = self.references[path] = references.reference(table, self._folder)
        leads_nowhere = self.faults if reference.required else self.broken
        try:
            text = look_up(reference)
        except NotLookedUpError:
            self._unknown += 1
            return None
        except Unusable as why:
            leads_nowhere.append(Problem(path, f"{self._key(path)}: {reference} {why}"))
            return None
        if not text and (reference.required or shapes.of(declared).secret):
            leads_nowhere.append(Problem(path, f"{self._key(path)}: {reference} is empty"))
            return None
        self._hidden.append(text)
        converted = convert_leaf(text, declared, shapes.of(declared), lax=True)
        if isinstance(converted, Refused):
            wanted = wording.expected_in_full(inspect.type_info(declared))
            leads_nowhere.append(Problem(path, f"{self._key(path)}: expected {reference} to hold {wanted}"))
        return converted

    def _check_keys(
        self,
        fields: Sequence[msgspec.structs.FieldInfo],
        table: Mapping[Any, Any],
        *,
        above: KeyPath = (),
        also_known: Sequence[str] = (),
    ) -> None:
        own = [field.encode_name for field in fields]
        for key in table:
            if key not in (*own, *also_known):
                near = did_you_mean(key, [*own, *also_known])
                hint = near or did_you_mean_or_all(key, own, f"{self._noun}s")
                path = (*above, str(key))
                self.faults.append(Problem(path, f"unknown {self._key(path)}{hint}"))
        for field in fields:
            if field.required and field.encode_name not in table:
                wanted = wording.expected_in_full(inspect.type_info(field.type))
                path = (*above, field.encode_name)
                self.faults.append(Problem(path, f"{self._key(path)} is missing: expected {wanted}"))

    def _key(self, path: KeyPath) -> str:
        return f"{self._noun} {wording.quoted(dotted(path))}"

    def _wrong(self, declared: Any, value: object, path: KeyPath, refused: Refused) -> str:
        if refused.objection is not None:
            return f"{self._key(path)}: {self._words_of(refused.objection)}"
        info = inspect.type_info(declared)
        found = wording.shown(value, info) if self._quotes(path, value, info) else wording.found(value, info)
        hint = did_you_mean(value, wording.choices(info)) if isinstance(value, str) else ""
        return f"{self._key(path)}: expected {wording.expected_in_full(info)}, found {found}{hint}"

    def _words_of(self, error: BaseException) -> str:
        """What a plugin says about its options, unless that quotes something hidden."""
        text = wording.text_of(error)
        if self._quotes_hidden(text):
            return f"{type(error).__name__}, with a message that is withheld, since it may quote a secret"
        plain = text and isinstance(error, ValueError | TypeError)
        return one_line(text, wording.SAID) if plain else wording.described(error)

    def _quotes_hidden(self, text: str) -> bool:
        return any(part in text for secret in self._hidden for part in _parts(secret))


def _each(error: Exception) -> Sequence[Exception]:
    """What is wrong, where it may be several things."""
    return error.exceptions if isinstance(error, ExceptionGroup) else (error,)


def _options_named(error: BaseException, table: Mapping[Any, Any]) -> set[str]:
    """The options of the table that an objection speaks of."""
    return set(re.findall(r"\w+", wording.text_of(error))) & set(map(str, table))


def _parts(secret: str) -> list[str]:
    """What betrays a secret when it is quoted: itself, escaped or not, and each of its longer words.

    A parser objects to a part as well: the port of a URL, say, that is really its password.
    """
    return [part for part in (secret, repr(secret)[1:-1], *re.findall(r"\w{6,}", secret)) if part]
