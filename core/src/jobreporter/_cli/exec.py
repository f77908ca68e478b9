"""``jobreporter exec``: run a command as a job."""

from __future__ import annotations

import logging
import os
import subprocess

import click

from jobreporter import ConfigError, Dispatcher
from jobreporter._cli._measures import DURATION_ABOVE_ZERO
from jobreporter._cli._own_log import show_own_log
from jobreporter._cli._stalled import leave, say
from jobreporter._dispatch.wiring import survey
from jobreporter._system.clock import SYSTEM
from jobreporter.sources.command import execute
from jobreporter.sources.command._inherited import inherited
from jobreporter.sources.command._wakeups import Wakeups


@click.command("exec", short_help="Run a command as a job.", context_settings={"allow_interspersed_args": False})
@click.option("--name", metavar="NAME", help="What the job is called. Default: the command's own name.")
@click.option("--queue", metavar="QUEUE", help="The queue that it is shown under.")
@click.option(
    "--timeout",
    type=DURATION_ABOVE_ZERO,
    metavar="DURATION",
    help="End it after this long (seconds, or 90s, 5m, 1h 30m): SIGTERM to it and all that it started, SIGKILL 5 s later.",
)
@click.option(
    "--skip-code",
    "skip_codes",
    type=click.IntRange(1, 255),
    metavar="N",
    multiple=True,
    help="An exit code that means: nothing to do. May be given more than once.",
)
@click.option("--config", "own_config", metavar="PATH", help="The config to use, as in front of the command's name.")
@click.option("-v", "--verbose", is_flag=True, help="Show what is reported. Without it, only what is wrong is shown.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def exec_(
    config: str | None,
    command: tuple[str, ...],
    name: str | None,
    queue: str | None,
    timeout: float | None,
    skip_codes: tuple[int, ...],
    own_config: str | None,
    verbose: bool,
) -> None:
    """Run COMMAND as a job, and exit as it does.

    Killed by signal n: 128 + n; by one that asked us to end: by the same. Timed out: 124. Not executable: 126. Not found:
    127.
    """
    # As Python's documentation has it. In what posix_spawn(3) starts, glibc has two signals of its own ignored.
    vars(subprocess)["_USE_POSIX_SPAWN"] = False
    world = inherited(closed=_open_standard_streams())
    show_own_log(logging.INFO if verbose else logging.WARNING)
    dispatcher = _dispatcher(own_config or config, verbose=verbose)
    # The signals stay caught until all is reported: a second Ctrl-C must not change the exit code.
    with Wakeups(signals=True) as wakeups, dispatcher:
        result = execute(
            dispatcher,
            command,
            wakeups,
            name=name,
            queue=queue,
            timeout=timeout,
            skip_codes=skip_codes,
            inherited=world,
        )
        if result.remarks:
            say("\n".join(f"jobreporter: {remark}" for remark in result.remarks))
    leave(result.code, result.ended_by)


def _dispatcher(config: str | None, *, verbose: bool) -> Dispatcher:
    try:
        found = survey(config, "worker")
        if found.parsed.config.path is None and not verbose:
            return Dispatcher()  # in a crontab, to say at each run that there is no config would be a mail each time
        return Dispatcher._with(found.wiring(), SYSTEM)
    except ConfigError as error:
        reason = str(error)
    except Exception as error:  # whatever is wrong with reporting, the command is what was asked for
        reason = f"{type(error).__name__}: {error}"
    say(f"jobreporter: the command runs, but is not reported:\n{reason}")
    return Dispatcher()


def _open_standard_streams() -> frozenset[int]:
    """Let no file take the place of a standard stream that was closed (``>&-``): output would go there.

    Returns which were closed.
    """
    closed = set()
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
            closed.add(stream)
    return frozenset(closed)
