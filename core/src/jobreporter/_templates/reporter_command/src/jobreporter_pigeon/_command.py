"""``jobreporter pigeon``. No worker imports this."""

from __future__ import annotations

import click
from jobreporter import JobReporterError, reporter_options

from jobreporter_pigeon._options import PigeonOptions


@click.command("pigeon")
@click.option(
    "--reporter",
    default="pigeon",
    help="Which table of the config, where several use this reporter.",
)
@click.pass_obj  # what `jobreporter --config PATH` says
def show(config: str | None, reporter: str) -> None:
    """Show where batches go."""
    try:
        options = reporter_options(reporter, PigeonOptions, config)
    except JobReporterError as error:
        raise click.ClickException(str(error)) from error
    click.echo(options.url)
