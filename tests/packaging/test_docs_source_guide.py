"""The guide to writing a source: its files are made, its tests pass, it is installed and listed, and its tables are true."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import jobreporter.sourcekit
from jobreporter.testing import SourceConformance
from jobreporter.testing._source._meanings import CASES
from jobreporter.testing._source._table import in_words

from .clean_environment import build_wheel
from .documents import ROOT, blocks, code_words, rows

GUIDE = ROOT / "docs/writing-a-source.md"
SOURCE = "jobreporter_persistqueue.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file of the guide, as somebody has it who copies them."""
    folder = tmp_path_factory.mktemp("source_guide")
    for block in blocks(GUIDE, "python"):
        if block.file:
            (folder / block.file).write_text(block.text)
    return folder


def test_the_source_of_the_guide_passes_its_tests(folder: Path) -> None:
    """Whoever copies the files and runs pytest sees all cases pass that can happen there."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA"]
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False, timeout=170)

    assert done.returncode == 0, done.stdout + done.stderr
    passed = {line.rpartition("::")[2] for line in done.stdout.splitlines() if line.startswith("PASSED ")}
    always = {name for name in dir(SourceConformance) if name.startswith("test_")} - {f"test_{name}" for name in CASES}
    observed = {f"test_{name}" for name in ("success", "retried", "requeued", "rejected", "skipped", "cold_shutdown")}
    assert passed >= always | observed


def test_it_is_as_short_as_the_guide_says(folder: Path) -> None:
    """Fewer than 60 lines, without blank ones and comments."""
    lines = (folder / SOURCE).read_text().splitlines()
    assert len([line for line in lines if line.strip() and not line.lstrip().startswith("#")]) < 60


def test_the_package_of_the_guide_is_listed(folder: Path, tmp_path: Path) -> None:
    """With what checks the library at its top it is built, installed and found, and says how it is attached."""
    [library] = [block.text for block in blocks(GUIDE, "python") if not block.file]
    [pyproject] = [block.text for block in blocks(GUIDE, "toml") if "[build-system]" in block.text]
    project = tmp_path / "project"
    project.mkdir()
    (project / SOURCE).write_text(library + (folder / SOURCE).read_text())
    (project / "pyproject.toml").write_text(pyproject)
    site = tmp_path / "site"
    with zipfile.ZipFile(build_wheel(project, tmp_path / "wheel")) as wheel:
        wheel.extractall(site)

    def listed(*before: Path) -> dict[str, object]:
        path = os.pathsep.join(map(str, [*before, site]))
        command = [str(Path(sys.executable).with_name("jobreporter")), "sources", "--json"]
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=True)
        [row] = [row for row in json.loads(done.stdout) if row["name"] == "persistqueue"]
        return dict(row)

    row = listed()
    assert (row["status"], row["library"], row["attached_by"]) == ("ready", "persist-queue", "attach(queue)")
    assert row["distribution"] == "jobreporter-persistqueue"

    def reported(made: str) -> str:
        """What ``check --app`` says of an application."""
        application = tmp_path / "application"
        application.mkdir(exist_ok=True)
        (application / "shop.py").write_text(made)
        (application / "jobreporter.toml").write_text("[reporters.log]\n")
        command = [str(Path(sys.executable).with_name("jobreporter")), "check", "--app", "shop", "--json"]
        environ = {**os.environ, "PYTHONPATH": str(site)}
        done = subprocess.run(command, env=environ, capture_output=True, check=False, cwd=application)
        return str(json.loads(done.stdout)["app"]["detail"])

    made = "from persistqueue import SQLiteAckQueue\nqueue = SQLiteAckQueue('jobs')\n"
    attached = f"{made}from jobreporter_persistqueue import attach\nattach(queue)\n"
    assert reported(attached) == "it is an app of persist-queue, and its jobs are reported"
    assert reported(made).startswith(
        "it is an app of persist-queue, and nothing reports its jobs: switch it on with `attach(queue)`"
    )

    (tmp_path / "persistqueue.py").write_text("__version__ = '0.8.1'\n")
    row = listed(tmp_path)
    assert (row["status"], row["library_version"]) == ("too old", "0.8.1")
    assert row["reason"] == "pip install 'jobreporter-persistqueue'"


def test_the_cases_of_the_guide_are_all() -> None:
    """Each by its name, in the words of the suite, with what it expects."""
    assert {code_words(name)[0]: (says, reported) for name, says, reported in rows(GUIDE, "case")} == {
        case.name: (case.says, in_words(list(case.executions))) for case in CASES.values()
    }


def test_the_kit_of_the_guide_is_complete() -> None:
    """Every name of `jobreporter.sourcekit`, and no other."""
    assert sorted(name for names, _ in rows(GUIDE, "name") for name in code_words(names)) == sorted(
        jobreporter.sourcekit.__all__
    )
