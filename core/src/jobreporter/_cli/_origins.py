"""Where each value of a config came from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from jobreporter._capture.secret_names import SecretNames
from jobreporter._capture.secrets import REDACTED
from jobreporter._config.plugin_options import OptionOrigin, describe_options
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._config.references import is_reference, reference
from jobreporter._plugins.plugin import Plugin
from jobreporter.options import Secret

Table = Mapping[str, Any]


class Origins:
    """The values of a config, each with its origin: ``config``, ``default``, ``env NAME`` or ``file PATH``."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._folder = config.path.parent if config.path else Path()
        self._table = _table_of(config)
        self._secret_names = SecretNames(config.capture.redact)

    def core(self) -> Iterator[tuple[str, list[OptionOrigin]]]:
        """The core's own tables, by name."""
        config = self._config
        context = {"service": config.service, "environment": config.environment, "release": config.release}
        yield "context", self._rows(context, self._table.get("context", {}))
        yield "dispatcher", self._rows({"exit_timeout": config.exit_timeout}, self._table.get("dispatcher", {}))
        yield "capture", self._rows(msgspec.structs.asdict(config.capture), self._table.get("capture", {}))

    def reporter(self, reporter: ReporterConfig, plugin: Plugin) -> list[OptionOrigin]:
        """A reporter's options, and what the core is told of it."""
        table = self._table.get("reporters", {}).get(reporter.name, {})
        when = self._rows(msgspec.structs.asdict(reporter.when), table.get("when", {}), "when.")
        lane = self._rows(msgspec.structs.asdict(reporter.lane), table.get("lane", {}), "lane.")
        options = [self._masked(row) for row in describe_options(plugin.options_type, reporter)]
        return options + when + lane

    def _rows(self, values: Table, table: Table, prefix: str = "") -> list[OptionOrigin]:
        return [OptionOrigin(prefix + name, repr(value), self._origin(name, table)) for name, value in values.items()]

    def _origin(self, name: str, table: Table) -> str:
        if name not in table:
            return "default"
        value = table[name]
        if isinstance(value, Mapping) and is_reference(value):
            return reference(value, self._folder).origin
        return "config"

    def _masked(self, row: OptionOrigin) -> OptionOrigin:
        """Without the value of an option that is no `Secret`, but is named like one."""
        shows_none = row.value_text.startswith(("(", repr(Secret(""))))
        secret = row.origin != "default" and row.name in self._secret_names and not shows_none
        return row._replace(value_text=REDACTED) if secret else row


def _table_of(config: Config) -> Table:
    """The file's tables as they are written."""
    if config.path is None:
        return {}
    table: Table = tomllib.loads(config.path.read_text(encoding="utf-8-sig"))
    return table["tool"]["jobreporter"] if config.path.name == "pyproject.toml" else table
