"""The nox sessions: plugins are found by their folder, and the documents name what exists."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLUGIN = """
[project]
name = "jobreporter-example"
version = "0.1.0"
"""


def sessions(root: Path) -> list[tuple[str, str]]:
    """The sessions of a noxfile: name, and name with parameters."""
    command = [sys.executable, "-m", "nox", "--noxfile", root / "noxfile.py", "--list", "--json"]
    # Only selected sessions are listed; every session has some letter.
    found = subprocess.run([*command, "--keywords", "True"], check=True, capture_output=True, text=True)
    return [(each["name"], each["session"]) for each in json.loads(found.stdout)]


def test_a_new_folder_is_a_plugin(tmp_path: Path) -> None:
    """A folder in plugins/ with a pyproject.toml has a session of its own, with no edit anywhere; others have none."""
    for name in ("noxfile.py", "pyproject.toml", "core/pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "plugins/example").mkdir(parents=True)
    (tmp_path / "plugins/notes").mkdir()
    (tmp_path / "plugins/example/pyproject.toml").write_text(PLUGIN)
    found = [session for name, session in sessions(tmp_path) if name == "plugin"]
    assert found == ["plugin(example)"]


def test_documents_name_every_session() -> None:
    """CONTRIBUTING.md has all sessions, and CI runs all but the benchmarks, releases, and what is for machines with several interpreters."""
    names = {name for name, _ in sessions(ROOT)}
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    [matrix] = re.findall(r"session: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text())
    assert set(re.findall(r'^\| `nox -s "?([a-z-]+)', contributing, re.MULTILINE)) == names
    assert {*matrix.split(", "), "tests"} == names - {"bench", "interpreters", "release-check"}


def test_tests_that_share_what_is_slow_to_make_stay_in_one_process() -> None:
    """Those of a file, where processes share all tests."""
    shared = runpy.run_path(str(ROOT / "noxfile.py"))["SHARED"]
    files = ["tests/core/capture/test_keys.py", "tests/core/config/test_parse.py", "tests/packaging/test_sessions.py"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-p",
        "no:cacheprovider",
        "-k",
        "not in_one_process",
        *shared,
        *files,
    ]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    ran = {match.groups() for match in re.finditer(r"^\[(gw\d)\].* PASSED (\S+?)::", done.stdout, re.MULTILINE)}
    assert sorted(file for _, file in ran) == files


@pytest.mark.parametrize(("exit_status", "runs"), [(0, True), (127, False)])
def test_a_python_that_is_there_and_does_not_run_is_passed_over(tmp_path: Path, exit_status: int, runs: bool) -> None:
    """A manager of versions may leave a command for each, which works for the chosen ones alone."""
    other = "3.13" if sys.version_info[:2] != (3, 13) else "3.12"
    command = tmp_path / f"python{other}"
    command.write_text(f"#!/bin/sh\nexit {exit_status}\n")
    command.chmod(0o755)
    asked = [sys.executable, "-c", f"import noxfile; print(noxfile.installed_python({other!r}))"]
    found = subprocess.run(asked, cwd=ROOT, env={"PATH": str(tmp_path)}, check=True, capture_output=True, text=True)
    assert found.stdout == f"{command if runs else None}\n"
