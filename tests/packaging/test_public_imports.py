"""What an outsider may write: sources, built-in reporters, the testing kit and plugins stand on public names alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from .documents import ROOT

CORE = ROOT / "core/src/jobreporter"
SOURCES = sorted(path.name for path in (CORE / "sources").iterdir() if (path / "__init__.py").exists())
#: Each part that stands where an outsider would, and the package that is its own.
OUTSIDERS = {
    **{f"sources.{name}": (CORE / "sources" / name, f"jobreporter.sources.{name}") for name in SOURCES},
    "reporters": (CORE / "reporters", "jobreporter.reporters"),
    "testing": (CORE / "testing", "jobreporter.testing"),
    **{path.parent.name: (path, path.name) for path in sorted(ROOT.glob("plugins/*/src/*")) if path.is_dir()},
}


def imported(file: Path) -> Iterator[tuple[str, str | None]]:
    """The modules of jobreporter that a file imports, and what it takes from them, wherever in it that is."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((name.name, None) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, name.name) for name in node.names)


@pytest.mark.parametrize("part", OUTSIDERS)
def test_nothing_private_is_imported(part: str) -> None:
    """Neither a module whose name begins with an underscore, nor such a name of a module, unless they are its own."""
    folder, own = OUTSIDERS[part]
    files = list(folder.rglob("*.py"))
    private = [
        f"{file.relative_to(ROOT)}: {module} {name or ''}"
        for file in files
        for module, name in imported(file)
        if module.split(".")[0] == "jobreporter" and not (module == own or module.startswith(f"{own}."))
        if any(part.startswith("_") and not part.startswith("__") for part in [*module.split("."), name or ""])
    ]
    assert files
    assert private == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_stands_on_what_its_guide_tells_of(source: str) -> None:
    """`jobreporter` and `jobreporter.sourcekit`, by names that these publish."""
    folder, own = OUTSIDERS[f"sources.{source}"]
    for file in folder.rglob("*.py"):
        for module, name in imported(file):
            if module.split(".")[0] == "jobreporter" and not module.startswith(own):
                assert module in {"jobreporter", "jobreporter.sourcekit"}, file
                assert name in import_module(module).__all__, file


def test_the_kit_names_all_that_it_publishes() -> None:
    """Its docstring is the list of them, for whoever asks the interpreter for help, and each has words of its own."""
    kit = import_module("jobreporter.sourcekit")
    listed = str(kit.__doc__)
    for name in kit.__all__:
        assert f"`{name}`" in listed
        if callable(getattr(kit, name)) and name != "FailureKind":
            assert getattr(kit, name).__doc__
