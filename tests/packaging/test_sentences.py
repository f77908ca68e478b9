"""Documents are written one sentence a line, or several, but no line ends within a sentence: so a change shows what it changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .documents import DOCUMENTS, ROOT

_ITEM = re.compile(r"\s*([-*+]|\d+\.)\s")
#: What is no prose, and no continuation of any: headings, tables, quotations, HTML, pictures.
_OTHER = re.compile(r"\s*(#|\||>|<|!\[|$)")
#: The end of a sentence, and what may still stand behind its full stop.
_END = re.compile(r"[.!?:](?:[*_`\")]|\]\([^)]*\))*\s*$")


def broken(text: str) -> list[int]:
    """The numbers of the lines that go on with a sentence of the line before."""
    found, before, in_code = [], "", False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_code, before = not in_code, ""
        elif in_code or _OTHER.match(line):
            before = ""
        else:
            if before and not _ITEM.match(line) and not _END.search(before):
                found.append(number)
            before = line
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_ends_within_a_sentence(path: Path) -> None:
    """Of prose, and of a list's items."""
    assert broken(path.read_text()) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("One sentence.\nAnother one.\n", []),
        ("One that goes\non here.\n", [2]),
        ("One (in brackets.)\nAnother, with a [link.](page.md)\n**Bold.**\n_Or not._\nThe end.\n", []),
        ("- an item\n- another that goes\n  on here\n", [3]),
        ("- an item.\n  Its second sentence\n\n1. counted\n2. likewise\n", []),
        ("What follows is a list,\n- here\n", []),
        ("# A heading\nText\n| a | b |\n| --- | --- |\n> quoted\n> text\n", []),
        ("```text\nno\nprose\n```\nProse\n<!-- end -->\n", []),
        ("It is so:\nthat is all.\n", []),
    ],
)
def test_what_counts_as_the_end_of_a_sentence(text: str, lines: list[int]) -> None:
    """Whatever stands behind its full stop."""
    assert broken(text) == lines
