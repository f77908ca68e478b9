"""The files around the code: commands, changelog and dependencies agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

#: A line that sets everything up and runs one session.
COMMAND = re.compile(r"^python3 -m venv .*nox -s \w+$", re.MULTILINE)


def test_readme_has_two_commands() -> None:
    """One command sets up and runs the demo, the other sets up and runs the tests; they differ in that word alone."""
    demo, tests = COMMAND.findall(README)
    assert demo.endswith(" -s demo")
    assert tests == re.sub("demo$", "tests", demo)


def test_ci_runs_the_command_of_the_readme() -> None:
    """What .ci/run looks up in the README is the command that runs the tests."""
    [pattern] = re.findall(r"grep -m1 -E '(.+?)' README\.md", (ROOT / ".ci/run").read_text())
    assert re.findall(pattern, README, re.MULTILINE) == COMMAND.findall(README)[1:]


def test_changelog_entries_name_their_part() -> None:
    """Each entry of the changelog starts with the part that it is about: core, a reporter, a source, a plugin."""
    package = ROOT / "core/src/jobreporter"
    parts = {"core"} | {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")}
    parts |= {path.stem for folder in ("reporters", "sources") for path in (package / folder).glob("[!_]*")}
    entries = re.findall(r"^- .*$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert entries
    assert [entry for entry in entries if not any(entry.startswith(f"- [{part}] ") for part in parts)] == []


def test_every_dependency_is_accounted_for() -> None:
    """Whatever a pyproject.toml asks for has its sentence in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    told = {
        name
        for line in re.findall(r"^- (\*\*.*)$", text, re.MULTILINE)
        for name in re.findall(r"\*\*([\w.-]+)\*\*", line)
    }
    assert dependencies() - told == set()


def dependencies() -> set[str]:
    """The names of everything that some pyproject.toml asks for, but for our own distributions."""
    requirements: list[str] = []
    for path in (ROOT / "pyproject.toml", ROOT / "core/pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")):
        pyproject = tomllib.loads(path.read_text())
        project = pyproject.get("project", {})
        groups = pyproject.get("dependency-groups", {}) | project.get("optional-dependencies", {})
        requirements += project.get("dependencies", [])
        requirements += pyproject.get("build-system", {}).get("requires", [])
        requirements += [
            requirement for group in groups.values() for requirement in group if isinstance(requirement, str)
        ]
    names = {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}
    return {name for name in names if not name.startswith("jobreporter")}


def test_pre_commit_runs_the_linter_that_nox_runs() -> None:
    """The version of ruff in the pre-commit configuration is that of the dependency group."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["lint"]
    found = re.findall(r'additional_dependencies: \["(.*?)"\]', (ROOT / ".pre-commit-config.yaml").read_text())
    assert set(found) == {requirement for requirement in lint if requirement.startswith("ruff")}
