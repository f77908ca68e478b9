"""The templates of `jobreporter new`: projects that work as they are, but for one name.

A template is a folder of ``jobreporter/_templates``, every file of it as it will be. The name that all of them are
written for is replaced, in the names of files and in what they say; nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

#: What the templates are called by.
EXAMPLE = "pigeon"
_FOLDER = "_templates"
#: What Python, or a tool, leaves beside files that it has used.
_LEFT_BEHIND = (
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
)


class Taken(Exception):  # noqa: N818 - it says what is wrong with the path
    """Something is there already. path: what."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(str(path))


def renamed(text: str, name: str) -> str:
    """The text, for another name than the example's: as it is, with hyphens in a distribution's, and as a class has it."""
    hyphenated = name.replace("_", "-")
    for example, instead in (
        (f"jobreporter-{EXAMPLE}", f"jobreporter-{hyphenated}"),
        (f"{EXAMPLE}-trial", f"{hyphenated}-trial"),
        (EXAMPLE.capitalize(), class_name(name)),
        (EXAMPLE.upper(), name.upper()),
        (EXAMPLE, name),
    ):
        text = text.replace(example, instead)
    return text


def class_name(name: str) -> str:
    """The beginning of the names of classes: ``MyPager`` for ``my_pager``."""
    return "".join(part.capitalize() for part in name.split("_"))


def made(templates: list[str], name: str) -> dict[PurePosixPath, str]:
    """The files of a project by their paths in it. What a later template has replaces what an earlier one has."""
    found: dict[PurePosixPath, str] = {}
    for template in templates:
        found |= dict(_read(files("jobreporter") / _FOLDER / template, PurePosixPath()))
    return {PurePosixPath(renamed(str(path), name)): renamed(text, name) for path, text in sorted(found.items())}


def _read(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for each in folder.iterdir():
        if each.name in _LEFT_BEHIND:
            continue
        if each.is_dir():
            yield from _read(each, path / each.name)
        else:
            yield path / each.name, each.read_text(encoding="utf-8")


def write(found: dict[PurePosixPath, str], folder: Path) -> None:
    """Write the files into a folder that isn't there yet. Raises `Taken` if it is, and OSError as the system has it."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise Taken(folder) from None
    for path, text in found.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_new(folder / path, text)


def write_new(path: Path, text: str) -> None:
    """Write a file that isn't there yet. Raises `Taken` if it is, and OSError as the system has it."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise Taken(path) from None
