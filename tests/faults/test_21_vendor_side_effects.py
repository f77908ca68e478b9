"""Row 21: a process in which a vendor's SDK is loaded and at work ends as it would without one.

What holds for every reporter is in `jobreporter.testing.ReporterConformance`, which the tests of each have as a class of
their own; here is that none is left out.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT / "core/pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
#: Everything that `ReporterConformance` asks about the process.
OF_THE_PROCESS = (
    "test_it_leaves_its_host_as_it_was",
    "test_a_killed_process_dies_of_the_signal",
    "test_the_programs_own_handler_is_asked",
    "test_an_error_that_nobody_catches_is_the_programs_own",
    "test_it_reports_to_the_end",
)


def reporters() -> list[str]:
    """The names of the reporters of every distribution."""
    tables = (tomllib.loads(path.read_text())["project"].get("entry-points", {}) for path in PROJECTS)
    return sorted(name for table in tables for name in table.get("jobreporter.reporters", {}))


def suites() -> Iterator[tuple[str, ast.ClassDef]]:
    """Each class that derives from the suite, with the reporter that it is about."""
    for path in (ROOT / "tests").rglob("test_*conformance.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef) and "ReporterConformance" in map(ast.unparse, node.bases):
                for line in node.body:
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "reporter":
                        yield ast.literal_eval(line.value), node


@pytest.mark.parametrize("name", reporters())
def test_every_reporter_of_ours_has_the_suite(name: str) -> None:
    """It is collected, and leaves out no case, those about the process least of all."""
    [suite] = [node for reporter, node in suites() if reporter == name]
    assert suite.name.startswith("Test")
    assert "not_provided" not in ast.unparse(suite)


def test_the_suite_asks_about_the_process() -> None:
    """The cases of this row are there."""
    from jobreporter.testing import ReporterConformance

    assert [case for case in OF_THE_PROCESS if not callable(getattr(ReporterConformance, case, None))] == []
