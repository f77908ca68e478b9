"""Each distribution: what it says of itself, and what is in its archives."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import jobreporter

ROOT = Path(__file__).parents[2]
FOLDERS = [path.parent for path in (ROOT / "core/pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml"))]


@pytest.fixture(scope="module", params=FOLDERS, ids=[folder.name for folder in FOLDERS])
def folder(request: pytest.FixtureRequest) -> Path:
    """Each distribution's folder in turn: core, then the plugins."""
    found: Path = request.param
    return found


@pytest.fixture(scope="module")
def project(folder: Path) -> dict[str, Any]:
    """The distribution's ``[project]`` table."""
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return found


@pytest.fixture(scope="module")
def archives(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution's sdist and wheel, freshly built."""
    dist = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--target", "wheel", "--directory", dist]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    return dist


@pytest.fixture(scope="module")
def wheel(archives: Path) -> dict[str, bytes]:
    """The files of the wheel, by name."""
    [path] = archives.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_versions_are_static_and_in_lockstep(project: dict[str, Any]) -> None:
    """Every distribution writes down the version that `jobreporter.__version__` has."""
    assert project["version"] == jobreporter.__version__


def test_license_is_the_same_everywhere(folder: Path, project: dict[str, Any]) -> None:
    """A distribution's copy of the licence is the repository's, to the byte."""
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert project["license"] == "MIT"


def test_all_run_on_the_same_pythons(project: dict[str, Any]) -> None:
    """Every distribution names the versions of Python that are tested: from 3.11 on."""
    minors = {name.rpartition(" ")[2] for name in project["classifiers"] if ":: Python :: 3." in name}
    assert project["requires-python"] == ">=3.11"
    assert minors == {"3.11", "3.12", "3.13", "3.14"}


def test_wheel_has_the_sources_and_no_more(folder: Path, wheel: dict[str, bytes]) -> None:
    """The wheel has every file of the packages, and beside them its metadata with the licence."""
    source = folder / "src"
    files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    expected = {str(path) for path in files if "__pycache__" not in path.parts}
    metadata = {name for name in wheel if ".dist-info/" in name}
    assert set(wheel) - metadata == expected
    assert [wheel[name] for name in metadata if name.endswith("/licenses/LICENSE")] == [(ROOT / "LICENSE").read_bytes()]


def test_wheel_is_typed(folder: Path, wheel: dict[str, bytes]) -> None:
    """Every package of the wheel tells type checkers that it has types."""
    packages = [path.parent.name for path in folder.glob("src/*/__init__.py")]
    assert packages
    assert {f"{package}/py.typed" for package in packages} <= set(wheel)


def test_wheel_has_the_entry_points(project: dict[str, Any], wheel: dict[str, bytes]) -> None:
    """What the wheel announces is what pyproject.toml says."""
    [text] = [content.decode() for name, content in wheel.items() if name.endswith("entry_points.txt")]
    found = configparser.ConfigParser()
    found.read_string(text)
    expected = project["entry-points"] | ({"console_scripts": project["scripts"]} if "scripts" in project else {})
    assert {section: dict(found[section]) for section in found.sections()} == expected


def test_sdist_has_what_a_build_needs_and_no_more(archives: Path) -> None:
    """The sdist has the sources, the metadata, the readme and the licence."""
    [path] = archives.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        top = {name.split("/")[1] for name in sdist.getnames()}
    # hatchling takes .gitignore along, so that a build from the sdist passes over the same files.
    assert top - {".gitignore"} == {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "src"}
