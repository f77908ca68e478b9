"""The documents in parts: their code blocks, tables, links and headings."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("core/*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("examples/*.md"),
    *ROOT.glob("plugins/*/*.md"),
]

GUIDE = ROOT / "docs/writing-a-reporter.md"
CONFIG = ROOT / "docs/config.md"

#: Seconds that closing may take in these tests, where other things may keep the machine busy.
PATIENCE = 20.0

_BLOCK = re.compile(r"^```(\w*|{.*}.*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One code block. ``place`` is the document and the line that it begins on."""

    place: str
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The name of the file that the block is, if its first line says one."""
        named = re.match(r"# (\S+\.py)\n", self.text)
        return named[1] if named else None


def blocks(document: Path, language: str | None = None) -> list[Block]:
    """The code blocks of a document, in order; those in one language if it is named."""
    text = document.read_text()
    found = (
        Block(f"{document.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}", match[1], match[2])
        for match in _BLOCK.finditer(text)
    )
    return [block for block in found if language in (None, block.language)]


def prose(document: Path) -> str:
    """A document without its code blocks."""
    return _BLOCK.sub("", document.read_text())


def links(document: Path) -> list[str]:
    """Where the links of a document lead."""
    return re.findall(r"\]\(([^)]+)\)", prose(document))


def anchors(document: Path) -> set[str]:
    """What links call the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(document: Path, title: str) -> str:
    """The text below the heading with this title in code, up to the next heading."""
    return re.split(r"^#+ ", document.read_text().split(f"# `{title}`\n")[1], flags=re.MULTILINE)[0]


def rows(text: str | Path, heading: str) -> list[list[str]]:
    """The cells of the first table whose first column has this heading, row by row."""
    if isinstance(text, Path):
        text = text.read_text()
    [table] = re.findall(rf"^\| {heading} \|.*\n\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE)[:1]
    return [re.split(r" *\| *", line)[1:-1] for line in table.splitlines()]


def code_words(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`(.+?)`", cell)


#: The examples of configs that are wrong, each with what is said of it.
WRONG_CONFIGS = [(config, told) for config, told in pairwise(blocks(CONFIG)) if told.language == "text"]
