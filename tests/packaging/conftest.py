"""What these tests share: a clean environment, which takes seconds to make, and the project of the guide."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .clean_environment import CleanEnvironment, build_wheel
from .documents import GUIDE, ROOT, blocks

OUTSIDER = Path(__file__).with_name("outsider")


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> CleanEnvironment:
    """Core's built wheel and an outsider's, with what they depend on, installed by pip and nothing beside them."""
    folder = tmp_path_factory.mktemp("clean")
    wheels = [build_wheel(ROOT / "core", folder / "core"), build_wheel(OUTSIDER, folder / "outsider")]
    return CleanEnvironment(folder / "venv", wheels)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of an application, which can import what is in it; what was imported is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in {"pager", "jobreporter_pager", "beacon", "spool"} - before:
        sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file of the guide, as somebody has it who copies them."""
    folder = tmp_path_factory.mktemp("guide")
    for block in blocks(GUIDE, "python"):
        (folder / str(block.file)).write_text(block.text)
    [pyproject] = [block for block in blocks(GUIDE, "toml") if "[build-system]" in block.text]
    (folder / "pyproject.toml").write_text(pyproject.text)
    return folder


@pytest.fixture(scope="session")
def wheel(guide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's project, built. A wheel's files on ``sys.path`` are found and imported like an installed one's."""
    folder = tmp_path_factory.mktemp("wheel")
    # Unpacked: who looks for metadata in an archive leaves it open until Python comes to collect it.
    with zipfile.ZipFile(build_wheel(guide, folder)) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"
