"""``jobreporter pigeon``. No worker imports this.

What is wrong with the config is raised as it is: ``jobreporter`` says it in a sentence, and exits with 1.
"""

from __future__ import annotations

import click
from jobreporter import reporter_options

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
    click.echo(reporter_options(reporter, PigeonOptions, config).url)
