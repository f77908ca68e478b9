"""The command line, ``jobreporter``: one file a command. Worker processes never import it."""

from __future__ import annotations

import click

from jobreporter._cli.check import check
from jobreporter._cli.exec import exec_
from jobreporter._cli.plugins import plugins


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jobreporter")
@click.option("--config", metavar="PATH", help="The config to use instead of the one that is found.")
@click.pass_context
def main(context: click.Context, config: str | None) -> None:
    """Reports what happens to background jobs."""
    context.obj = config


main.add_command(check)
main.add_command(exec_)
main.add_command(plugins)
