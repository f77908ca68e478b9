"""A plugin's options as a reference: what each is for, what TOML it takes, and its default."""

from __future__ import annotations

import ast
import inspect as python
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from jobreporter._capture.redaction import Redaction
from jobreporter._cli._toml import Plain, toml, with_units
from jobreporter._config import shapes, wording
from jobreporter._config.plugin_options import Missing, default_of
from jobreporter._plugins.plugin import Plugin
from jobreporter.options import Options, Secret, measure_of

# Records within records are followed so deep.
_DEEPEST = 4


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option, as ``jobreporter plugins NAME --json`` shows it. Fields are only added."""

    #: With those that it is nested in: ``levels.started``.
    name: str
    #: In words, such as ``a whole number of at least 1``.
    type: str
    #: As TOML has it, such as ``integer``.
    toml_type: str
    #: What it is for, in the plugin's own words; null where it says nothing.
    description: str | None
    required: bool
    secret: bool
    #: The value itself: a duration in seconds, a size in bytes; null where there is none, and of a secret.
    default: Any
    #: As a config would say it; null where there is none, or nothing to say.
    default_toml: str | None


def description_of(plugin: Plugin) -> str | None:
    """What a plugin says of itself: the first paragraph of its docstring, or of its options'."""
    target = plugin.target
    documented = target if python.ismodule(target) or python.isclass(target) else type(target)
    for each in (documented, plugin.options_type):
        text = _own_docstring(each)
        if text:
            return _plain(text.partition("\n\n")[0])
    return None


def _own_docstring(documented: object) -> str | None:
    # msgspec and Python inherit it, and then it says nothing of this one.
    own = (
        vars(documented).get("__doc__")
        if documented not in (None, Options) and hasattr(documented, "__dict__")
        else None
    )
    return python.cleandoc(own) if isinstance(own, str) else None


def options_of(plugin: Plugin) -> list[Option]:
    """Every option of a plugin, with those that are nested in others below them."""
    return list(_options(plugin.options_type or Options, "", 0))


def _options(record: type[msgspec.Struct], above: str, depth: int) -> Iterator[Option]:
    written = _written_descriptions(record)
    for field in msgspec.structs.fields(record):
        info = inspect.type_info(field.type)
        name = f"{above}{field.encode_name}"
        default = None if field.required else default_of(field)
        members = wording.members(info)
        secret = any(isinstance(each, inspect.CustomType) and each.cls is Secret for each in members)
        yield Option(
            name=name,
            type=wording.expected(info),
            toml_type=toml_type(info),
            description=_said(info) or written.get(field.name),
            required=field.required,
            secret=secret,
            default=_PLAIN.of(default),
            default_toml=_default_toml(default, info),
        )
        if depth < _DEEPEST:
            for nested, path in _nested(field.type, name):
                yield from _options(nested, path, depth + 1)


# A default is the plugin's own, so no name makes it a secret.
_PLAIN = Plain(Redaction())


def _default_toml(default: Any, info: inspect.Type) -> str | None:
    if isinstance(default, Missing):
        return f"({default.why})"
    if default is None:
        return None
    return toml(_PLAIN.of(with_units(default, info)))


def _nested(declared: Any, name: str) -> Iterator[tuple[type[msgspec.Struct], str]]:
    """The records that an option holds, with how the names of their fields begin."""
    shape = shapes.of(declared)
    held = ((shape.record, f"{name}."), (shape.table, f"{name}.NAME."), (shape.list, f"{name}[]."))
    for each, path in held:
        record = each and shapes.of(each.held).record
        if record and isinstance(record.held, type) and issubclass(record.held, msgspec.Struct):
            yield record.held, path


def _said(info: inspect.Type) -> str | None:
    """What ``Meta(description=...)`` says."""
    while isinstance(info, inspect.Metadata):
        said = (info.extra_json_schema or {}).get("description")
        if isinstance(said, str):
            return _plain(said)
        info = info.type
    if isinstance(info, inspect.UnionType):
        return next(filter(None, map(_said, info.types)), None)
    return None


def _plain(text: str) -> str:
    """On one line, and code in it as everybody writes it."""
    return " ".join(text.split()).replace("``", "`")


def _written_descriptions(record: type[msgspec.Struct]) -> Mapping[str, str]:
    """What the source of a class says of its fields: a docstring below one, or ``#:`` comments above it."""
    said: dict[str, str] = {}
    for each in reversed(record.__mro__):
        try:
            source = textwrap.dedent(python.getsource(each))
            (definition,) = ast.parse(source).body
        except (OSError, TypeError, ValueError, SyntaxError):  # there is no source, or none that can be read
            continue
        if isinstance(definition, ast.ClassDef):
            said.update(_in_class(definition, source.splitlines()))
    return said


def _in_class(definition: ast.ClassDef, lines: list[str]) -> Iterator[tuple[str, str]]:
    following = [*definition.body[1:], None]
    for statement, after in zip(definition.body, following, strict=True):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            yield statement.target.id, _plain(after.value.value)
            continue
        comments: list[str] = []
        for line in reversed(lines[: statement.lineno - 1]):
            if not line.lstrip().startswith("#:"):
                break
            comments.insert(0, line.lstrip().removeprefix("#:").strip())
        if comments:
            yield statement.target.id, _plain(" ".join(comments))


_WORDS: dict[type[inspect.Type], tuple[str, str]] = {
    inspect.BoolType: ("boolean", "booleans"),
    inspect.IntType: ("integer", "integers"),
    inspect.FloatType: ("float", "floats"),
    inspect.StrType: ("string", "strings"),
    inspect.DateTimeType: ("date-time", "date-times"),
    inspect.DateType: ("date", "dates"),
    inspect.TimeType: ("time", "times"),
    inspect.AnyType: ("any value", "any values"),
    inspect.StructType: ("table", "tables"),
    inspect.TypedDictType: ("table", "tables"),
    inspect.DataclassType: ("table", "tables"),
}


def toml_type(info: inspect.Type, *, plural: bool = False) -> str:
    """What of TOML a declared type takes: ``array of strings``, ``"error" or "warning"``."""
    *others, last = [_toml_type(member, plural=plural) for member in wording.members(info)] or ["nothing"]
    return f"{', '.join(dict.fromkeys(others))} or {last}" if others else last


def _toml_type(info: inspect.Type, *, plural: bool) -> str:
    if choices := wording.choices(info):
        *others, last = map(toml, sorted(choices, key=str))
        return f"{', '.join(others)} or {last}" if others else last
    if isinstance(info, inspect.Metadata):
        measure = measure_of(info)
        if measure is None or not isinstance(info.type, inspect.IntType | inspect.FloatType):
            return toml_type(info.type, plural=plural)
        return f"{measure.noun}{'s' if plural else ''}{wording.range_of(info.type, measure.show)}"
    if isinstance(info, inspect.CustomType) and info.cls is Secret:
        return "secret strings" if plural else "secret string"
    if isinstance(info, inspect.DictType):
        return f"{'tables' if plural else 'table'} of {toml_type(info.value_type, plural=True)}"
    item = getattr(info, "item_type", None)
    if isinstance(item, inspect.Type):
        return f"{'arrays' if plural else 'array'} of {toml_type(item, plural=True)}"
    if isinstance(info, inspect.TupleType | inspect.NamedTupleType):
        return "arrays" if plural else "array"
    bounds = wording.range_of(info) if isinstance(info, inspect.IntType | inspect.FloatType) else ""
    return _WORDS.get(type(info), ("string", "strings"))[plural] + bounds
