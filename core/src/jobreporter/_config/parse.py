"""The tables of a config file as records, or one `ConfigError` with everything that is wrong with them."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import inspect

from jobreporter._config.reading import Reading
from jobreporter._config.records import Config, RawOptions, ReporterConfig
from jobreporter._config.wording import found, quoted
from jobreporter._nearest import did_you_mean
from jobreporter._settings import CaptureSettings, LaneSettings, NonEmpty, When
from jobreporter.errors import ConfigError, Fault

DISABLE: Literal["JOBREPORTER_DISABLE"] = "JOBREPORTER_DISABLE"

logger = logging.getLogger("jobreporter")

Record = TypeVar("Record", bound=msgspec.Struct)

# It becomes the name of a thread and the label of a metric.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# A key that TOML takes without quotes.
_BARE = re.compile(r"[A-Za-z0-9_-]{1,80}")
_APP_LOCAL = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class _Context(msgspec.Struct):
    service: str | None = None
    environment: str | None = None
    release: str | None = None


class _Dispatcher(msgspec.Struct):
    exit_timeout: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 2.0


class _Own(msgspec.Struct):
    """The keys of ``[reporters.NAME]`` that are the core's own, but for ``when`` and ``lane``, which are tables."""

    use: NonEmpty | None = None
    enabled: bool = True


_OWN_TABLES: dict[str, type[msgspec.Struct]] = {"when": When, "lane": LaneSettings}
_SECTIONS = ("context", "dispatcher", "capture", "reporters")

_TABLE = inspect.type_info(dict[str, Any])

#: The keys of a reporter's table that no plugin can have an option for.
RESERVED = (*_Own.__struct_fields__, *_OWN_TABLES)
#: The same and what is below them, as "Did you mean" names it.
OWN_KEYS = (
    *RESERVED,
    *(f"{table}.{key}" for table, record in _OWN_TABLES.items() for key in record.__struct_fields__),
)


def parse(
    table: Mapping[str, Any],
    *,
    where: str,
    tool: bool = False,
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """The `Config` that a file's tables describe, or those of a dict of the same shape.

    where: how messages call the file. tool: whether ``table`` is the ``[tool.jobreporter]`` of a pyproject.toml. path:
    the file, whose folder is where relative paths in it start. environ: for the references in ``[context]`` and for
    ``JOBREPORTER_DISABLE``.

    Raises ConfigError with every fault. A reference in ``[context]`` that can't be followed, and a name in
    ``JOBREPORTER_DISABLE`` that no reporter has, are logged as a warning.
    """
    parsing = _Parsing(where, "tool.jobreporter" if tool else "", path, environ)
    config = parsing.config(table)
    if parsing.faults:
        raise ConfigError(parsing.faults, config=config)
    for warning in parsing.warnings:
        logger.warning("%s", warning)
    return config


class _Parsing:
    def __init__(self, file: str, prefix: str, path: Path | None, environ: Mapping[str, str]) -> None:
        self._file = file
        self._prefix = prefix
        self._path = path
        self._folder = path.parent if path else Path()
        self._environ = environ
        self.faults: list[Fault] = []
        self.warnings: list[str] = []

    def config(self, table: Mapping[str, Any]) -> Config:
        for key in table:
            if key not in _SECTIONS:
                self._fault(f"unknown table {quoted(key)}{did_you_mean(key, _SECTIONS)}")
        disabled = [name.strip() for name in self._environ.get(DISABLE, "").split(",") if name.strip()]
        reporters = self._table(table, "reporters")
        for name in disabled:
            if name not in reporters:
                self.warnings.append(f"{DISABLE}: there is no reporter {quoted(name)}{did_you_mean(name, reporters)}")
        return Config(
            path=self._path,
            **self._context(self._table(table, "context")),
            exit_timeout=self._record(table, "dispatcher", _Dispatcher).exit_timeout,
            capture=self._record(table, "capture", CaptureSettings),
            reporters=tuple(self._reporter(name, reporters, name in disabled) for name in reporters),
        )

    def _context(self, table: Mapping[str, Any]) -> dict[str, str | None]:
        where = self._where("context")
        reading = Reading(
            "key",
            shows_values=True,
            look_up=lambda reference: reference.read(self._environ),
            folder=self._folder,
        )
        values = reading.values(_Context, table)
        for problem in reading.faults:
            self._fault(problem, "context")
        self.warnings += [f"{where}: {problem}, so it is left out" for problem in reading.broken]
        return values

    def _reporter(self, name: Any, reporters: Mapping[str, Any], switched_off: bool) -> ReporterConfig:
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            expected = "expected at most 64 letters, digits, '-' and '_', the first a letter or digit"
            self._fault(f"reporter name {quoted(name)}: {expected}", "reporters")
        table = self._table(reporters, name, "reporters")
        own = self._record({name: _only(table, _Own)}, name, _Own, "reporters")
        if own.use and ":" in own.use and not _APP_LOCAL.fullmatch(own.use):
            expected = "expected the name of an installed reporter or 'module:attribute'"
            self._fault(f"key 'use': {expected}, found {quoted(own.use)}", "reporters", name)
        return ReporterConfig(
            name=name,
            use=own.use or name,
            disabled_by="config" if not own.enabled else DISABLE if switched_off else None,
            when=self._record(table, "when", When, "reporters", name),
            lane=self._record(table, "lane", LaneSettings, "reporters", name),
            options=RawOptions((key, value) for key, value in table.items() if key not in RESERVED),
            where=self._where("reporters", name),
            folder=self._folder,
        )

    def _record(self, parent: Mapping[str, Any], key: str, record_type: type[Record], *parents: str) -> Record:
        """The record of the table under ``key``; its defaults if there is none or anything in it is wrong."""
        reading = Reading("key", shows_values=True)
        record = reading.record(record_type, self._table(parent, key, *parents))
        for problem in reading.faults:
            self._fault(problem, *parents, key)
        return record if record is not None else record_type()

    def _table(self, parent: Mapping[str, Any], key: str, *parents: str) -> Mapping[str, Any]:
        table = parent.get(key, {})
        if isinstance(table, Mapping):
            return table
        self._fault(f"key {quoted(key)}: expected a table, found {found(table, _TABLE)}", *parents)
        return {}

    def _where(self, *keys: str) -> str:
        names = (key if _BARE.fullmatch(str(key)) else quoted(key) for key in keys)
        table = ".".join(filter(None, (self._prefix, *map(str, names))))
        return f"{self._file}, [{table}]" if table else self._file

    def _fault(self, problem: str, *keys: str) -> None:
        self.faults.append(Fault(self._where(*keys), problem))


def _only(table: Mapping[str, Any], record_type: type[msgspec.Struct]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key in record_type.__struct_fields__}
