"""Every command line of `jobreporter` in the documents, in prose too: its commands and options are real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import click
import pytest

from jobreporter._cli import main
from tests.packaging.documents import DOCUMENTS, ROOT, blocks, prose

#: Where a block has command lines, and what one begins with there: a prompt, a key of a unit, another command.
LANGUAGES = ("console", "crontab", "dockerfile", "ini", "sh")
IN_BLOCK = re.compile(r"^(?:\$ |ExecStart(?:Pre)?=|.*&& )?(?:\S*/)?jobreporter (.*)$", re.MULTILINE)
IN_MANIFEST = re.compile(r"command: \[jobreporter, (.*)\]")
IN_PROSE = re.compile(r"`(?:\S*/)?jobreporter (-\S.*?|[a-z].*?)`")
#: Commands that the guide to writing a reporter, and what `jobreporter new` makes, bring themselves.
EXAMPLES = {"my_pager", "pages"}


class Line(NamedTuple):
    """A command line without its first word, and the document that it stands in."""

    document: str
    text: str


def lines() -> Iterator[Line]:
    """All of them."""
    for document in DOCUMENTS:
        name = str(document.relative_to(ROOT))
        for block in blocks(document):
            if block.language in LANGUAGES:
                # What a shell pipes it into isn't ours.
                yield from (
                    Line(name, text.split(" | ")[0]) for text in IN_BLOCK.findall(block.text) if not is_output(text)
                )
            yield from (Line(name, text.replace(",", "")) for text in IN_MANIFEST.findall(block.text))
        yield from (Line(name, text) for text in IN_PROSE.findall(prose(document)))


def is_output(text: str) -> bool:
    """Whether it is what a command has printed, such as its version."""
    return bool(re.match(r"\d", text))


LINES = sorted(set(lines()))


def strangers(text: str) -> list[str]:
    """The words of a command line that name no command and no option. ``[...]`` may be left out, ``|`` stands between two."""
    command: click.Command = main
    parent: click.Group = main
    unknown = []
    for word in re.sub(r"[\[\]]", " ", text.split(" -- ", maxsplit=1)[0]).split():
        if word.startswith("-"):
            known = {
                name
                for each in command.get_params(click.Context(command))
                for name in (*each.opts, *each.secondary_opts)
            }
            unknown += [] if word.split("=")[0] in known else [word]
        elif word == "|":
            command = parent
        elif isinstance(command, click.Group) and word in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), word)
            assert found is not None
            parent, command = command, found
        elif isinstance(command, click.Group) and not re.match(r"[/A-Z]", word) and word not in EXAMPLES:
            unknown.append(word)
    return unknown


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.document}: {line.text}")
def test_it_names_what_there_is(line: Line) -> None:
    """Each command, of core or of a plugin, and each option of it."""
    assert strangers(line.text) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("chek", ["chek"]),
        ("check --sent", ["--sent"]),
        ("--config /etc/shop.toml check --send", []),
        ("stream status | ded", ["ded"]),
        ("agent [--once]", []),
        ("exec --name backup -- pg_dump --file shop.sql", []),
        ("exec --nam backup -- pg_dump", ["--nam"]),
    ],
)
def test_what_is_not_there_is_seen(text: str, unknown: list[str]) -> None:
    """A command or an option that is misspelt, and nothing behind ``--``."""
    assert strangers(text) == unknown


def test_every_command_is_shown() -> None:
    """None that core or a plugin of ours has is missing from the documents."""
    shown = {word for line in LINES for word in line.text.split()}
    assert set(main.list_commands(click.Context(main))) <= shown
