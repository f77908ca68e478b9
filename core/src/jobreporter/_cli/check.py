"""``jobreporter check``: does the config work, here and now?"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from jobreporter import _discovery, _setup
from jobreporter._cli._listing import Providers, loaded
from jobreporter._cli._origins import Origins
from jobreporter._cli._own_log import show_own_log
from jobreporter._cli._table import table
from jobreporter._cli._trial import complaints, try_out
from jobreporter._config.plugin_options import OptionOrigin
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._greenlets import patched_by
from jobreporter._plugins.plugin import Plugin
from jobreporter.errors import ConfigError, JobReporterError


@click.command(short_help="See whether the config works, here and now.")
@click.option("--send", is_flag=True, help="Also send a test failure through each reporter, to wherever it reports.")
@click.pass_obj
def check(path: str | None, send: bool) -> None:
    """Show the config and where each value came from, and start each reporter for real.

    Exits with 1 if anything is wrong.
    """
    show_own_log()
    try:
        with complaints() as warnings:
            config = _setup.from_file(path).config
    except ConfigError as error:
        click.echo(error)
        sys.exit(1)
    click.echo(f"config: {config.path or 'none'}")
    if library := patched_by():
        click.echo(f"threads: {library} has patched them, so reporters run in greenlets, in one thread with the jobs")
    for warning in warnings:
        click.echo(f"wrong: {warning}")
    origins = Origins(config)
    for name, rows in origins.core():
        click.echo(f"\n[{name}]\n{_values(rows)}")
    installed = _discovery.scan()
    works = [_check(reporter, config, origins, installed, send=send) for reporter in config.reporters]
    sys.exit(0 if all(works) and not warnings else 1)


def _check(reporter: ReporterConfig, config: Config, origins: Origins, installed: Providers, *, send: bool) -> bool:
    """Show one reporter and try it out. Returns whether it works, or is switched off."""
    click.echo(f"\n[reporters.{reporter.name}]")
    if not reporter.enabled:
        switch = "enabled = false" if reporter.disabled_by == "config" else reporter.disabled_by
        click.echo(f"  off: {switch}")
        return True
    try:
        plugin = loaded(reporter, installed)
        rows = origins.reporter(reporter, plugin)
    except JobReporterError as error:
        click.echo(f"  broken: {error}")
        return False
    click.echo(_values([OptionOrigin("use", reporter.use, _provider(plugin)), *rows]))
    trial = try_out(plugin, reporter, config, send=send)
    for problem in trial.problems:
        click.echo(f"  wrong: {problem}")
    click.echo(f"  {_verdict(plugin, sent=send, works=not trial.problems)} ({trial.seconds:.2f} s)")
    return not trial.problems


def _values(rows: Iterable[OptionOrigin]) -> str:
    return table(((row.name, row.origin, row.value_text) for row in rows), indent=2)


def _provider(plugin: Plugin) -> str:
    return f"{plugin.distribution} {plugin.version}" if plugin.distribution else "app-local"


def _verdict(plugin: Plugin, *, sent: bool, works: bool) -> str:
    if not works:
        return "does not work"
    if not sent:
        return "ok: started, flushed and stopped"
    if "handle_failure" not in plugin.hooks:
        return "ok: started, flushed and stopped; it takes no failures, so none was sent"
    return "ok: took a test failure, flushed and stopped"
