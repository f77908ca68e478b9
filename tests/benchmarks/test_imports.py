"""What the benchmarks take from jobreporter is there: nothing else runs them as often as its names change."""

from __future__ import annotations

import ast
import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = sorted((Path(__file__).parents[2] / "benchmarks").glob("*.py"))


def imported(path: Path) -> list[tuple[str, str]]:
    """The names that a file imports from jobreporter and its plugins, each with its module."""
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("jobreporter")
        for alias in node.names
    ]


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_every_name_is_there(path: Path) -> None:
    """A module of that name counts too."""
    for module, name in imported(path):
        found = importlib.import_module(module)
        assert hasattr(found, name) or find_spec(f"{module}.{name}"), (module, name)
