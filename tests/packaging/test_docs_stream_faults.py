"""The page of a stream's faults: each row leads to tests that exist and bear its number, and each such test has its row."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

from .documents import ROOT, rows

PAGE = ROOT / "docs/stream-faults.md"
KIT = ROOT / "tests/stream_faults"
_NUMBERED = re.compile(r"test_(\d\d)(?:_and_(\d\d))?_")


class Shown(NamedTuple):
    """A test that a row names: a whole file, or one function of it. rows: the faults of that row."""

    rows: tuple[int, ...]
    name: str
    file: Path


def shown() -> list[Shown]:
    """Every test that the page names."""
    return [
        Shown(tuple(map(int, numbers.split(", "))), name, (PAGE.parent / file).resolve())
        for numbers, *_, cell in rows(PAGE, "#")
        for name, file in re.findall(r"\[(\w+)\]\(([^)]+)\)", cell)
    ]


def functions(file: Path) -> set[str]:
    """The tests of a file."""
    return {node.name for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.FunctionDef)}


def borne(name: str) -> set[int]:
    """The numbers that the name of a test, or of a file of tests, bears."""
    found = _NUMBERED.match(name)
    return {int(number) for number in found.groups() if number} if found else set()


def test_rows_are_numbered_in_order() -> None:
    """Each number is there once, and none is passed over."""
    numbers = [int(number) for cell, *_ in rows(PAGE, "#") for number in cell.split(", ")]
    assert numbers == sorted(set(numbers))
    assert set(range(1, max(numbers) + 1)) - set(numbers) == set()


def test_every_row_names_tests_that_exist_and_bear_its_numbers() -> None:
    """A row of two faults has tests of both."""
    tests = shown()
    assert [each for each in tests if not each.file.exists()] == []
    assert [each for each in tests if each.name not in {each.file.stem, *functions(each.file)}] == []
    assert [each for each in tests if not borne(each.name) & set(each.rows)] == []
    lacking = {
        number
        for row in {each.rows for each in tests}
        for number in row
        if not any(number in borne(each.name) for each in tests if each.rows == row)
    }
    assert lacking == set()
    assert len({each.rows for each in tests}) == len(rows(PAGE, "#"))


def test_every_test_of_the_kit_has_its_row() -> None:
    """By its own number, or else by its file's."""
    known = {(number, name) for each in shown() for number in each.rows for name in (each.name, each.file.name)}
    lacking = [
        (file.name, name)
        for file in sorted(KIT.glob("test_*.py"))
        for name in sorted(functions(file))
        if name.startswith("test_")
        for number in borne(name) or borne(file.stem)
        if not {(number, name), (number, file.stem), (number, file.name)} & known
    ]
    assert lacking == []
