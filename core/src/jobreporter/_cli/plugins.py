"""``jobreporter plugins``: which reporters there are, and what one of them is made of."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec

from jobreporter import _discovery
from jobreporter._cli._listing import Listed, Providers, listed, loaded
from jobreporter._cli._table import table
from jobreporter._config import wording
from jobreporter._config.load import load
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._nearest import did_you_mean
from jobreporter._plugins.plugin import Plugin
from jobreporter.errors import ConfigError, JobReporterError
from jobreporter.options import Options, Secret


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option, as ``jobreporter plugins NAME --json`` shows it. Fields are only added."""

    name: str
    #: In words, such as ``a whole number of at least 1``.
    type: str
    required: bool
    secret: bool
    #: As Python writes it; ``None`` if it is required.
    default: str | None


class Described(Listed, frozen=True, kw_only=True):
    """One plugin, as ``jobreporter plugins NAME --json`` shows it."""

    hooks: tuple[str, ...]
    asynchronous: bool
    options: tuple[Option, ...]


@click.command(short_help="List the reporters, or show one's hooks and options.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def plugins(path: str | None, name: str | None, as_json: bool) -> None:
    """List the reporters that are installed or that the config names; with NAME, show one's hooks and options.

    Only those that the config enables are imported, and NAME. Exits with 1 if the config is wrong or NAME can't be
    loaded.
    """
    installed = _discovery.scan()
    config, problem = _config(path)
    rows = listed(config, installed)
    if name is None:
        click.echo(_json(rows) if as_json else _overview(rows))
    else:
        described = _described(name, rows, config, installed)
        click.echo(_json(described) if as_json else _details(described))
    if problem:
        click.echo(problem, err=True)
        sys.exit(1)


def _config(path: str | None) -> tuple[Config, str | None]:
    """The config, or what can be read of it and what is wrong with it: what is installed can be told in any case."""
    try:
        return load(path), None
    except ConfigError as error:
        return error.config if isinstance(error.config, Config) else Config(), str(error)


def _overview(rows: list[Listed]) -> str:
    return table([("NAME", "STATUS", "FROM", "WHY"), *((r.name, r.status, _origin(r), r.reason or "") for r in rows)])


def _origin(row: Listed) -> str:
    if row.distribution is None:
        return row.use
    origin = f"{row.distribution} {row.version}"
    return origin if row.use == row.name else f"{origin} ({row.use})"


def _described(name: str, rows: list[Listed], config: Config, installed: Providers) -> Described:
    row = next((row for row in rows if row.name == name), None)
    if row is None:
        raise click.ClickException(f"there is no reporter {name!r}{did_you_mean(name, [row.name for row in rows])}")
    reporter = next(
        (reporter for reporter in config.reporters if reporter.name == name),
        ReporterConfig(name=name, use=name, where=f"reporter {name!r}"),
    )
    try:
        plugin = loaded(reporter, installed)
        options = _options(plugin)
    except JobReporterError as error:
        raise click.ClickException(str(error)) from error
    return Described(
        **msgspec.structs.asdict(row), hooks=plugin.hooks, asynchronous=plugin.asynchronous, options=options
    )


def _options(plugin: Plugin) -> tuple[Option, ...]:
    """What it can be configured with."""
    fields = msgspec.structs.fields(plugin.options_type or Options)
    return tuple(_option(field) for field in fields)


def _option(field: msgspec.structs.FieldInfo) -> Option:
    info = msgspec.inspect.type_info(field.type)
    kinds = wording.members(info)
    return Option(
        name=field.encode_name,
        type=wording.expected(info),
        required=field.required,
        secret=any(isinstance(kind, msgspec.inspect.CustomType) and kind.cls is Secret for kind in kinds),
        default=None if field.required else _default(field),
    )


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        return repr(field.default)
    try:
        return repr(field.default_factory())
    except Exception as error:  # the plugin's own code
        return f"({type(error).__name__})"


def _details(described: Described) -> str:
    facts = [
        ("from", _origin(described)),
        ("status", described.status + (f": {described.reason}" if described.reason else "")),
        ("hooks", ", ".join(described.hooks)),
        ("async", "yes" if described.asynchronous else "no"),
    ]
    options = [("OPTION", "TYPE", "DEFAULT"), *((o.name, o.type, o.default or "(required)") for o in described.options)]
    shown = table(options, indent=2) if described.options else "  It has no options."
    return f"{described.name}\n{table(facts, indent=2)}\n\n{shown}"


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
