"""``jobreporter plugins``: which reporters there are, what one of them is made of, and whether a plugin is ready."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click
import msgspec

from jobreporter._cli._listing import Listed, Providers, listed, loaded
from jobreporter._cli._options import as_json, json_option
from jobreporter._cli._reference import Option, description_of, options_of
from jobreporter._cli._terminal import coloured, paragraph, say, table
from jobreporter._config.load import load
from jobreporter._config.places import Place
from jobreporter._config.records import Config, Parsed, ReporterConfig
from jobreporter._nearest import did_you_mean_or_all
from jobreporter._plugins.installed import scan
from jobreporter.errors import ConfigError, JobReporterError
from jobreporter.text import one_line

_COLOURS = {"enabled": "green", "broken": "red"}


class Described(Listed, frozen=True, kw_only=True):
    """One plugin, as ``jobreporter plugins NAME --json`` shows it. Fields are only added."""

    #: What it does, in its own words; null where it says nothing.
    description: str | None
    hooks: tuple[str, ...]
    asynchronous: bool
    options: list[Option]


@click.command(short_help="List the reporters, or show one's hooks and options.")
@click.argument("name", required=False)
@click.option(
    "--check", "checked", is_flag=True, help="See whether a plugin is ready for others: NAME, its folder or its wheel."
)
@json_option
@click.pass_obj
def plugins(path: str | None, name: str | None, checked: bool, for_programs: bool) -> None:
    """List the reporters that are installed or that the config names; with NAME, show one's hooks and options.

    Only those that the config enables are imported, and NAME. Exits with 1 if the config is wrong or NAME can't be
    loaded; with --check, if any rule is not kept.
    """
    if checked:
        _check(name, for_programs)
        return
    installed = scan()
    parsed, unreadable = _parsed(path)
    rows = listed(parsed.config, installed)
    if name is None:
        click.echo(as_json(rows)) if for_programs else say(_overview(rows))
    else:
        described = _described(name, rows, parsed.config, installed)
        click.echo(as_json(described)) if for_programs else say("\n".join(_details(described)))
    problems = [*unreadable, *map(str, parsed.faults)]
    for problem in problems:
        say(problem, err=True)
    if problems:
        sys.exit(1)


def _check(target: str | None, for_programs: bool) -> None:
    """Say how ready a plugin is, and exit with 1 unless it is in the highest tier."""
    # Only where it is asked for: who lists reporters needs nothing of it.
    from jobreporter._cli._readiness.subject import NoSubject
    from jobreporter._cli._readiness.verdict import lines, verdict_on

    if target is None:
        raise click.UsageError("--check needs a plugin: the folder of its project, its wheel, or its name")
    try:
        verdict = verdict_on(target)
    except NoSubject as error:
        raise click.ClickException(str(error)) from None
    click.echo(as_json(verdict)) if for_programs else say("\n".join(lines(verdict)))
    if not verdict.ready:
        sys.exit(1)


def _parsed(path: str | None) -> tuple[Parsed, list[str]]:
    """The config, and why there is none to be read: what is installed can be told in any case."""
    try:
        return load(path), []
    except ConfigError as error:
        return Parsed(Config()), [str(error)]


def _overview(rows: Iterable[Listed]) -> str:
    return table([("NAME", "STATUS", "FROM", "WHY"), *((r.name, r.status, _origin(r), r.reason or "") for r in rows)])


def _origin(row: Listed) -> str:
    if row.distribution is None:
        return row.use
    origin = f"{row.distribution} {row.version}"
    return origin if row.use == row.name else f"{origin} ({row.use})"


def _described(name: str, rows: Iterable[Listed], config: Config, installed: Providers) -> Described:
    row = next((row for row in rows if row.name == name), None)
    if row is None:
        hint = did_you_mean_or_all(name, [row.name for row in rows], "reporters")
        raise click.ClickException(f"there is no reporter {name!r}{hint}")
    reporter = next(
        (reporter for reporter in config.reporters if reporter.name == name),
        ReporterConfig(name=name, use=name, place=Place(f"reporter {name!r}")),
    )
    try:
        plugin = loaded(reporter, installed)
        options = options_of(plugin)
    except JobReporterError as error:
        raise click.ClickException(str(error)) from error
    return Described(
        **msgspec.structs.asdict(row),
        description=description_of(plugin),
        hooks=plugin.hooks,
        asynchronous=plugin.asynchronous,
        options=options,
    )


def _details(described: Described) -> Iterable[str]:
    yield coloured(described.name, _COLOURS.get(described.status, "reset"), bold=True)
    if described.description:
        yield paragraph(described.description, indent=2)
    facts = [
        ("from", _origin(described)),
        ("status", described.status + (f": {described.reason}" if described.reason else "")),
        ("hooks", ", ".join(described.hooks)),
        ("async", "yes" if described.asynchronous else "no"),
    ]
    yield f"{table(facts, indent=2)}\n"
    if not described.options:
        yield "  It has no options."
        return
    names = [option.name for option in described.options]
    for option in described.options:
        yield paragraph(f"{option.name}: {option.toml_type}{_default(option, names)}", indent=2)
        if option.description:
            yield paragraph(option.description, indent=6)


# Characters of a default; --json has the rest.
_DEFAULT = 60


def _default(option: Option, names: Iterable[str]) -> str:
    if option.required:
        return ", required"
    if option.default_toml is None or any(name.startswith(f"{option.name}.") for name in names):
        return ""
    return f", default {one_line(option.default_toml, _DEFAULT)}"
