"""``jobreporter top``: the history in a terminal."""

from __future__ import annotations

import shutil
import sys

import click

from jobreporter import one_line
from jobreporter_history._cli._common import Asked, about_a_store, print_json
from jobreporter_history._display.query import QueryError
from jobreporter_history._display.ranges import RANGES, USUAL_RANGE
from jobreporter_history._top.filter import Filter
from jobreporter_history._top.report import report
from jobreporter_history._top.snapshot import narrowed, taken
from jobreporter_history.store import Store

#: Lines of what is printed, for a screen that has no end.
_TALL = 1000


@click.command(short_help="Watch the history in a terminal.")
@click.option("--range", type=click.Choice(list(RANGES)), default=USUAL_RANGE, show_default=True, help="How far back.")
@click.option("--filter", "text", metavar="QUERY", default="", help="Only these jobs: words, name:, queue:, source:.")
@click.option("--once", is_flag=True, help="Print it once, and end.")
@about_a_store
def top(asked: Asked, range: str, text: str, once: bool) -> None:
    """Watch what needs somebody, what runs, and every job, in a terminal. It only reads.

    With --json it prints once what it would show, for programs.
    """
    try:
        only = Filter(text)
    except QueryError as error:
        raise click.BadParameter(one_line(str(error), 1000), param_hint="--filter") from None
    with asked.reading() as store:
        if asked.for_programs:
            print_json(report(narrowed(taken(store, range), only), only.text))
        else:
            _for_people(store, range, only, once=once)


def _for_people(store: Store, range: str, only: Filter, *, once: bool) -> None:
    try:
        from jobreporter_history._top.overview import Overview
        from jobreporter_history._top.subject import Room

        subject = Overview(range, only)
        if once:
            found = subject.ask(store)
            width = shutil.get_terminal_size().columns
            click.echo("\n".join(line.text for line in subject.lines(found, Room(width, _TALL, found.at))))
            return
        from jobreporter_history._top.app import Top
    except ImportError as error:
        raise click.ClickException(
            f"this needs {error.name}: pip install 'jobreporter-history[top]'; --json does without"
        ) from error
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("this is no terminal: give --once, or --json")
    Top(store, subject).run()
