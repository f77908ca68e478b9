"""Text for people: in columns, within the width of a terminal, and in colours where there is one."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, redirect_stdout

import click

from jobreporter.text import one_line

_WIDEST = 500
# Characters of the last column, however narrow the terminal is.
_NARROWEST = 30


def say(text: str = "", *, err: bool = False) -> None:
    """Write text. Its colours go to a terminal alone, and not where ``NO_COLOR`` is set."""
    click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)


def others_aside() -> AbstractContextManager[object]:
    """What code of others prints meanwhile goes to stderr: stdout may be read by a program."""
    return redirect_stdout(sys.stderr)


def coloured(text: str, colour: str, *, bold: bool = False) -> str:
    """Text for `say`."""
    return click.style(text, fg=colour, bold=bold)


def counted(count: int, noun: str) -> str:
    """``1 event`` or ``2 events``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def table(rows: Iterable[Sequence[str]], *, indent: int = 0) -> str:
    """The rows with their columns aligned, one line each, whatever their cells hold.

    On a terminal the last column is wrapped to what room there is.
    """
    cells = [[one_line(cell, _WIDEST) for cell in row] for row in rows]
    if not cells:
        return ""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    before = indent + sum(widths[:-1]) + 2 * (len(widths) - 1)
    lines = []
    for row in cells:
        first, *more = _wrapped(row[-1], before)
        start = "".join(f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths, strict=False))
        lines += [" " * indent + start + first, *(" " * before + line for line in more)]
    return "\n".join(line.rstrip() for line in lines)


def paragraph(text: str, *, indent: int = 0) -> str:
    """Text of one line; on a terminal, of as many as it needs there."""
    first, *more = _wrapped(text, indent)
    return "\n".join([" " * indent + first, *(" " * (indent + 2) + line for line in more)])


def _wrapped(text: str, before: int) -> list[str]:
    if not sys.stdout.isatty():  # a program reads line by line
        return [text]
    room = max(shutil.get_terminal_size().columns - before - 2, _NARROWEST)
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
