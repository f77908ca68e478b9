"""``jobreporter sources``: the real script, over real metadata and the job queues that are installed."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from jobreporter._plugins.installed import BUILT_IN, SOURCES
from jobreporter.testing import CommandLine

LITE = """
print("imported")
from jobreporter.sourcekit import Library

LIBRARY = Library(
    "Lite",
    "lite",
    oldest=(1, 2),
    version_in=("litelibrary", "version"),
    attached_by="attach(lite)",
    module="jobreporter_lite",
    requirement="jobreporter-lite",
)

try:
    from litelibrary import Queue, version
except ImportError as error:
    raise LIBRARY.refusal() from error
LIBRARY.check(version)

def attach(lite): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project with an outsider's source installed."""
    project = CommandLine(tmp_path)
    project.module("jobreporter_lite", LITE)
    project.install("jobreporter-lite", "3.1", "lite", "jobreporter_lite:attach", group=SOURCES)
    return project


def listed(project: CommandLine) -> dict[str, dict[str, Any]]:
    done = project.run("sources", "--json")
    assert (done.returncode, done.stderr.replace("imported\n", "")) == (0, "")
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_our_own_are_listed_as_outsiders_are(project: CommandLine) -> None:
    """With the version of their job queue, and the line that switches them on."""
    rows = listed(project)

    assert list(rows) == ["celery", "command", "dramatiq", "huey", "lite", "rq"]
    assert rows["huey"] == {
        "name": "huey",
        "status": "ready",
        "reason": None,
        "use": "jobreporter.sources.huey:attach",
        "distribution": "jobreporter",
        "version": version("jobreporter"),
        "library": "Huey",
        "library_version": version("huey"),
        "oldest_version": "3.5",
        "supported": True,
        "attached_by": "attach(huey)",
    }
    assert rows["command"]["attached_by"] == "jobreporter exec -- COMMAND"
    assert rows["command"]["supported"] is rows["command"]["library"] is None


@pytest.mark.parametrize(
    ("library", "status", "found", "supported"),
    [
        (None, "missing", None, None),
        ("version = '1.1.9'\nclass Queue: ...", "too old", "1.1.9", False),
        ("version = '1.1.9'", "too old", "1.1.9", False),
        ("version = '1.10'\nclass Queue: ...", "ready", "1.10", True),
    ],
)
def test_a_library_that_is_there_or_not(
    project: CommandLine, library: str | None, status: str, found: str | None, supported: bool | None
) -> None:
    """A source whose job queue is missing or too old says what to install."""
    if library is not None:
        project.module("litelibrary", library)
    row = listed(project)["lite"]

    assert (row["status"], row["library"], row["library_version"], row["supported"]) == (
        status,
        "Lite",
        found,
        supported,
    )
    assert row["oldest_version"] == "1.2"
    assert row["attached_by"] == "attach(lite)"
    assert row["reason"] == (None if status == "ready" else "pip install 'jobreporter-lite'")


def test_a_source_that_can_not_be_imported_hides_no_other(project: CommandLine) -> None:
    """Whatever it raises, in one line."""
    project.module("jobreporter_lite", "raise SystemExit('no\\nlicence')")
    rows = listed(project)

    assert (rows["lite"]["status"], rows["rq"]["status"]) == ("broken", "ready")
    assert rows["lite"]["reason"].startswith("can't be imported: ")
    assert "\n" not in project.run("sources").stdout.split("lite ")[1].split("rq ")[0].strip()


def test_two_of_one_name(project: CommandLine) -> None:
    """Neither is used, and both are named."""
    project.install("another-lite", "0.1", "lite", "nowhere:attach", group=SOURCES)
    rows = [row for row in json.loads(project.run("sources", "--json").stdout) if row["name"] == "lite"]

    assert {(row["distribution"], row["status"]) for row in rows} == {
        ("jobreporter-lite", "broken"),
        ("another-lite", "broken"),
    }
    assert {row["reason"] for row in rows} == {"provided more than once: uninstall all but one"}


def test_a_source_that_says_nothing_of_itself(project: CommandLine) -> None:
    """It is known by what its entry point names."""
    project.module("jobreporter_lite", "def attach(): ...")
    row = listed(project)["lite"]

    assert (row["status"], row["library"], row["attached_by"]) == ("ready", None, None)
    assert "jobreporter_lite:attach" in project.run("sources").stdout


def test_the_table_has_a_line_for_each(project: CommandLine) -> None:
    """For people: the state, the job queue, where the source is from, and how it is switched on."""
    project.module("litelibrary", "version = '1.1'")
    lines = project.run("sources").stdout.splitlines()

    assert [line.split()[0] for line in lines] == ["NAME", "celery", "command", "dramatiq", "huey", "lite", "rq"]
    [lite] = [line.split("  ") for line in lines if line.startswith("lite")]
    assert [cell.strip() for cell in lite if cell.strip()] == [
        "lite",
        "too old",
        "Lite 1.1 (needs 1.2)",
        "jobreporter-lite 3.1",
        "pip install 'jobreporter-lite'",
    ]


def test_a_program_without_metadata_knows_the_same_sources() -> None:
    """What is built in is what the distribution declares."""
    pyproject = tomllib.loads((Path(__file__).parents[3] / "core/pyproject.toml").read_text())
    assert BUILT_IN[SOURCES] == pyproject["project"]["entry-points"][SOURCES]
