"""``jobreporter exec``: run a command as a job."""

from __future__ import annotations

import math
import os
import sys

import click

from jobreporter import ConfigError, Dispatcher
from jobreporter._cli._own_log import show_own_log
from jobreporter.sources.command import execute
from jobreporter.sources.command._wakeups import Wakeups


def _seconds(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise click.BadParameter(f"found {value:g}, expected a number of seconds above 0")
    return value


@click.command("exec", short_help="Run a command as a job.", context_settings={"allow_interspersed_args": False})
@click.option("--name", metavar="NAME", help="What the job is called. Default: the command's own name.")
@click.option("--queue", metavar="QUEUE", help="The queue that it is shown under.")
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    callback=_seconds,
    help="End it after this long: SIGTERM to it and all that it started, SIGKILL 5 s later.",
)
@click.option(
    "--skip-code",
    "skip_codes",
    type=click.IntRange(1, 255),
    metavar="N",
    multiple=True,
    help="An exit code that means: nothing to do. May be given more than once.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def exec_(
    config: str | None,
    command: tuple[str, ...],
    name: str | None,
    queue: str | None,
    timeout: float | None,
    skip_codes: tuple[int, ...],
) -> None:
    """Run COMMAND as a job, and exit as it does.

    Killed by signal n: 128 + n. Timed out: 124. Not executable: 126. Not found: 127.
    """
    _open_standard_streams()
    show_own_log()
    dispatcher = _dispatcher(config)
    # The signals stay caught until all is reported: a second Ctrl-C must not change the exit code.
    with Wakeups(signals=True) as wakeups, dispatcher:
        result = execute(dispatcher, command, wakeups, name=name, queue=queue, timeout=timeout, skip_codes=skip_codes)
        for remark in result.remarks:
            click.echo(f"jobreporter: {remark}", err=True)
    sys.exit(result.code)


def _dispatcher(config: str | None) -> Dispatcher:
    try:
        return Dispatcher.from_config(config)
    except ConfigError as error:
        reason = str(error)
    except Exception as error:  # whatever is wrong with reporting, the command is what was asked for
        reason = f"{type(error).__name__}: {error}"
    click.echo(f"jobreporter: the command runs, but is not reported:\n{reason}", err=True)
    return Dispatcher()


def _open_standard_streams() -> None:
    """Let no file take the place of a standard stream that was closed (``>&-``): output would go there."""
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
