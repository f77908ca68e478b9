"""The rooms of core, and which imports from which: `python -m tests.packaging.rooms` prints the arrows of the picture.

A room is a folder or a module right below `jobreporter`. An arrow that follows from others is left out.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parents[2] / "core" / "src" / "jobreporter"

Arrows = set[tuple[str, str]]


def imports() -> Arrows:
    """Every pair of rooms of which the first imports from the second."""
    # What `jobreporter new` writes is no part of core: it is never imported there.
    own = [path for path in CORE.rglob("*.py") if "_templates" not in path.parts]
    return {(room_of(path), room) for path in own for room in imported(path) if room != room_of(path)}


def room_of(path: Path) -> str:
    """The room that a file belongs to; the package's own ``__init__`` is ``jobreporter``."""
    first = path.relative_to(CORE).parts[0].removesuffix(".py")
    return "jobreporter" if first == "__init__" else first


def imported(path: Path) -> Iterator[str]:
    """The rooms that a file imports from, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module == "jobreporter":
            names = [alias.name for alias in node.names]
            names = [name if (CORE / name).is_dir() or (CORE / f"{name}.py").exists() else "" for name in names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jobreporter."):
            names = [str(node.module).split(".")[1]]
        elif isinstance(node, ast.Import):
            full = [alias.name.split(".") for alias in node.names]
            names = ["".join(parts[1:2]) for parts in full if parts[0] == "jobreporter"]
        yield from (name or "jobreporter" for name in names)


def reached(arrows: Arrows, start: str) -> set[str]:
    """All rooms that a way along the arrows leads to."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        room = waiting.pop()
        further = {target for source, target in arrows if source == room} - found
        found |= further
        waiting += further
    return found


def essential(arrows: Arrows) -> Arrows:
    """The arrows that don't follow from others. They are the same picture, where there is no circle."""
    return {arrow for arrow in arrows if arrow[1] not in reached(arrows - {arrow}, arrow[0])}


if __name__ == "__main__":
    sys.stdout.writelines(f"    {source} --> {target}\n" for source, target in sorted(essential(imports())))
