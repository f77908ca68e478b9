"""What the commands share: which store they are about, and how things are shown."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, NamedTuple

import click
import msgspec

from jobreporter import JobReporterError, Secret, one_line, reporter_options
from jobreporter_history._engines.database import Database
from jobreporter_history._open import open_database
from jobreporter_history._options import HistoryOptions
from jobreporter_history._schema.migrations import check_begun
from jobreporter_history.store import Store, StoreError, open_store


def counted(count: int, noun: str) -> str:
    """``1 day`` or ``2 days``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Asked(NamedTuple):
    """Which store a command is about, and for whom it prints."""

    config: str | None
    reporter: str
    url: str | None
    #: Whether JSON is asked for.
    for_programs: bool

    def options(self) -> HistoryOptions:
        """The options of the reporter, or those that a store has by default."""
        if self.url is not None:
            try:
                return HistoryOptions(store=Secret(self.url))
            except ValueError as error:
                raise click.ClickException(f"--store: {str(error).removeprefix('store: ')}") from None
        return self.configured()

    def configured(self) -> HistoryOptions:
        """The options of the reporter, whatever store was asked for."""
        try:
            return reporter_options(self.reporter, HistoryOptions, self.config)
        except JobReporterError as error:
            raise click.ClickException(str(error)) from error

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The store, to be read."""
        url = self.options().store.reveal()
        with told_in_a_sentence():
            store = open_store(url)
            try:
                yield store
            finally:
                store.close()

    @contextmanager
    def writing(self, *, begins: bool = False) -> Iterator[Database]:
        """The database itself. begins: whether one that isn't there yet is begun; else a slip of the pen would be one."""
        url = self.options().store.reveal()
        with told_in_a_sentence():
            database = open_database(url)
            try:
                if not begins:
                    with database.reading() as connection:
                        check_begun(connection)
                yield database
            finally:
                database.close()


def about_a_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options by which it is told which store it is about; it gets them as an `Asked`."""

    @click.option("--store", "url", metavar="URL", help="The store itself, instead of that of the config.")
    @click.option(
        "--reporter",
        metavar="NAME",
        default="history",
        show_default=True,
        help="The table [reporters.NAME] of the config.",
    )
    @click.option("--json", "for_programs", is_flag=True, help="Print JSON, for programs.")
    @wraps(command)
    def run(*, url: str | None, reporter: str, for_programs: bool, **given: Any) -> None:
        config: str | None = click.get_current_context().obj
        command(Asked(config, reporter, url, for_programs), **given)

    return run


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """What is wrong with the store ends the command with that sentence."""
    try:
        yield
    except StoreError as error:
        raise click.ClickException(one_line(str(error), 1000)) from error


def print_json(record: Any) -> None:
    """One record, or several, as JSON. What would steer a terminal is escaped: such characters are in its strings alone."""
    printed = msgspec.json.format(msgspec.json.encode(record)).decode()
    click.echo("".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in printed))


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows as columns of text, made safe for a terminal."""
    safe = [[one_line(cell, 100) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in safe)


def moment(at: float | None) -> str:
    """A time in UTC, to the second."""
    return "-" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}"


def ago(at: float | None, now: float) -> str:
    """How long it is since then, in one unit."""
    if at is None:
        return "-"
    seconds = max(now - at, 0.0)
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def size(count: int) -> str:
    """Bytes, with two or three digits."""
    amount = float(count)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"


def now() -> float:
    """The time here."""
    return time.time()
