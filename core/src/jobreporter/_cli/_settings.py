"""Every setting of a config, with its value and where that came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import msgspec
from msgspec import inspect

from jobreporter._capture.redaction import Redaction
from jobreporter._cli._toml import Plain, key_of, toml, with_units
from jobreporter._config.lines import KeyPath
from jobreporter._config.places import Place
from jobreporter._config.plugin_options import Missing, describe_options
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._config.settings import ReporterSettings, Tables
from jobreporter.options import Options


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, as ``jobreporter check --json`` shows it. Fields are only added."""

    #: As the config names it, such as ``reporters.sentry.lane``.
    table: str
    key: str
    #: A secret is ``"[redacted]"``, and what has no value is null.
    value: Any
    #: ``config``: the file itself; ``env NAME`` and ``file PATH``: what it refers to; ``default``; ``nowhere``.
    origin: str
    #: The line of the file, where it is set there.
    line: int | None = None
    #: Why there is no value: ``missing``, ``wrong`` or ``not available``.
    problem: str | None = None


class Settings:
    """The settings of a config."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._plain = Plain(Redaction(config.capture.redact))

    def core(self) -> Iterator[Setting]:
        """Those of the core's own tables."""
        for field in msgspec.structs.fields(Tables):
            yield from self._of(getattr(self._config, field.name), self._config.place.below(field.encode_name))

    def reporter(self, reporter: ReporterConfig, *options_types: type[Options] | None) -> Iterator[Setting]:
        """Those of a reporter: its options, by the classes that declare them, and what the core is told of it."""
        place = reporter.place
        use = self._origin((*place.table, "use"))
        yield self._setting(place, "use", reporter.use, use)
        for options_type in options_types:
            fields = msgspec.structs.fields(options_type or ReporterSettings)
            types = {field.encode_name: field.type for field in fields}
            for option in describe_options(options_type, reporter):
                declared = inspect.type_info(types[option.name])
                yield self._setting(place, option.name, option.value, option.origin, declared)
        own = {name: getattr(reporter, name) for name in ReporterSettings.__struct_fields__}
        tables = {name: value for name, value in own.items() if isinstance(value, msgspec.Struct)}
        for name in own.keys() - tables.keys() - {"use", "enabled"}:
            yield self._setting(place, name, own[name], self._origin((*place.table, name)))
        for name, value in tables.items():
            yield from self._of(value, place.below(name))

    def _of(self, record: Any, place: Place) -> Iterator[Setting]:
        """The settings of a table, or of tables that have names."""
        if isinstance(record, Mapping):
            for name, inner in record.items():
                yield from self._of(inner, place.below(name))
        elif record is not None:
            for field in msgspec.structs.fields(record):
                value, origin = getattr(record, field.name), self._origin((*place.table, field.encode_name))
                yield self._setting(place, field.encode_name, value, origin, inspect.type_info(field.type))

    def _origin(self, path: KeyPath) -> str:
        return self._config.origins.get(path, "default")

    def _setting(
        self, place: Place, key: str, value: Any, origin: str, declared: inspect.Type | None = None
    ) -> Setting:
        return Setting(
            table=place.name,
            key=key,
            value=self._plain.of(with_units(value, declared), "" if origin == "default" else key),
            origin=origin,
            line=None if origin in ("default", "nowhere") else place.line(key),
            problem=value.why if isinstance(value, Missing) else None,
        )


def as_toml(settings: Iterable[Setting]) -> str:
    """The settings as a config would say them, and beside each where it came from."""
    blocks = []
    for name, rows in groupby(settings, key=lambda setting: setting.table):
        lines = [(_assignment(row), _origin(row)) for row in rows]
        width = min(max((len(text) for text, _ in lines), default=0), _COLUMN)
        blocks.append("\n".join([f"[{name}]", *(f"{text:<{width}}  # {origin}" for text, origin in lines)]))
    return "\n\n".join(blocks)


# Where the origins stand, unless a value is longer.
_COLUMN = 48


def _assignment(setting: Setting) -> str:
    if setting.value is None:  # TOML has no word for nothing
        return f"# {key_of(setting.key)} ="
    return f"{key_of(setting.key)} = {toml(setting.value)}"


def _origin(setting: Setting) -> str:
    origin = setting.origin if setting.line is None else f"line {setting.line}"
    if setting.line is not None and setting.origin != "config":
        origin += f", {setting.origin}"
    if setting.problem:
        return f"{setting.problem}: {origin}"
    return f"{origin}, none" if setting.value is None else origin
