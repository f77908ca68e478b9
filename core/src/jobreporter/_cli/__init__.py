"""The command line, ``jobreporter``: one file a command. Worker processes never import it."""

from __future__ import annotations

import click

from jobreporter._cli._commands import Commands, Own
from jobreporter._version import __version__

_OWN = {
    "exec": Own("jobreporter._cli.exec:exec_", "Run a command as a job."),
    "check": Own("jobreporter._cli.check:check", "See whether the config works, here and now."),
    "explain": Own("jobreporter._cli.explain:explain", "See which reporters would get a job's events, and why."),
    "replay": Own("jobreporter._cli.replay:replay", "Hand recorded events to the reporters."),
    "agent": Own("jobreporter._cli.agent:agent", "Run the reporters, away from the workers."),
    "stream": Own("jobreporter._cli.stream:stream", "See what waits in the stream, and decide about it."),
    "sources": Own("jobreporter._cli.sources:sources", "List the sources, and how each is attached."),
    "new": Own("jobreporter._cli.new:new", "Begin a reporter or a source: a project that passes its own tests."),
    "plugins": Own("jobreporter._cli.plugins:plugins", "List the reporters, or show one's hooks and options."),
}


@click.group(cls=Commands, own=_OWN, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobreporter")
@click.option("--config", metavar="PATH", help="The config to use instead of the one that is found.")
@click.pass_context
def main(context: click.Context, config: str | None) -> None:
    """Reports what happens to background jobs."""
    context.obj = config
