"""The page of faults: each row leads to tests that exist, its own file of the fault kit among them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

from .documents import ROOT, rows

PAGE = ROOT / "docs/faults.md"
KIT = ROOT / "tests/faults"
ROWS = list(range(1, 36))


class Shown(NamedTuple):
    """A test that a row names: a whole file, or one function of it."""

    row: int
    name: str
    file: Path


def shown() -> list[Shown]:
    """Every test that the page names."""
    return [
        Shown(int(number), name, (PAGE.parent / file).resolve())
        for number, *_, cell in rows(PAGE, "#")
        for name, file in re.findall(r"\[(\w+)\]\(([^)]+)\)", cell)
    ]


def names_in(file: Path) -> set[str]:
    """What a link to the file may be called: by the file's own name, or by that of one of its tests."""
    return {file.stem} | {
        node.name for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.FunctionDef)
    }


def test_every_row_names_tests_that_exist() -> None:
    """Rows are numbered in order, and what they name is a file or a function that is there."""
    assert [int(number) for number, *_ in rows(PAGE, "#")] == ROWS
    assert [test for test in shown() if not test.file.exists() or test.name not in names_in(test.file)] == []


def test_every_row_has_its_file_in_the_kit() -> None:
    """The fault kit has one file for each row, named by the row's number, and the row leads to it."""
    files = sorted(KIT.glob("test_*.py"))
    linked = {(test.row, test.file) for test in shown()}
    assert [int(file.name[5:7]) for file in files] == ROWS
    assert [file.name for file in files if (int(file.name[5:7]), file) not in linked] == []
