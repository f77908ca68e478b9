"""The page about the house, held to the house."""

from __future__ import annotations

import re
from pathlib import Path

from .rooms import CORE, essential, imports, reached

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()


def test_the_picture_shows_the_imports() -> None:
    """Each arrow is an import that doesn't follow from others, and none is missing."""
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", PAGE, re.MULTILINE))
    assert sorted(drawn) == sorted(essential(imports())), "python -m tests.packaging.rooms prints the arrows"


def test_no_room_imports_in_a_circle() -> None:
    """From no room does a way along the imports lead back to it."""
    arrows = imports()
    assert [room for room, _ in arrows if room in reached(arrows, room)] == []


def test_every_folder_has_its_line() -> None:
    """A room that is a folder is in the table of rooms."""
    folders = {path.parent.name for path in CORE.glob("*/__init__.py")} - {"error_info"}
    table = PAGE.split("```mermaid")[0]
    assert [folder for folder in sorted(folders) if f"`{folder}`" not in table] == []


def test_every_path_is_there() -> None:
    """What the page tells to open exists, for twenty changes at least; the way of an event names files that exist."""
    rows = re.findall(r"^\| [^|]+ \| (`core/[^|]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 20
    paths = [path for row in rows for path in re.findall(r"`([^`]+)`", row)]
    steps = [f"core/src/jobreporter/{path}" for path in re.findall(r"`(_\w+/\w+\.py)`", PAGE)]
    assert len(re.findall(r"^\d+\. ", PAGE, re.MULTILINE)) == 12
    assert [path for path in (*paths, *steps) if not (ROOT / path).exists()] == []
