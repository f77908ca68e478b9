"""``jobreporter plugins --check``: which rules a plugin keeps, and what it is told about the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobreporter._cli._readiness.requirement import trouble
from jobreporter._cli._readiness.rules import RULES
from jobreporter._cli._template import made, write

from .documents import ROOT

#: Where pip has put it.
SCRIPT = Path(sys.executable).with_name("jobreporter")
PLUGINS = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))

#: A project that breaks each rule that can be broken beside the others.
SHABBY = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "shabby"
version = "1.5"
dependencies = ["jobreporter==0.0.9"]

[project.entry-points."jobreporter.reporters"]
shabby = "shabby_pager:Pager"
broken = "shabby_pager:Pagr"

[tool.hatch.build.targets.wheel]
include = ["shabby_pager", "tests"]
"""
SHABBY_PAGER = """
from jobreporter import Options, hookimpl

class PagerOptions(Options):
    volume: int = 11

class Pager:
    @hookimpl
    def reporter_start(self, options: PagerOptions):
        pass
"""


class Told(NamedTuple):
    """What the command has said."""

    code: int
    tier: str | None
    rules: dict[str, dict[str, Any]]


def check(target: object) -> Told:
    """Ask, as a program does."""
    done = subprocess.run(
        [SCRIPT, "plugins", "--check", str(target), "--json"], capture_output=True, check=False, text=True, timeout=60
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert told["ready"] == (done.returncode == 0)
    return Told(done.returncode, told["tier"], {rule["rule"]: rule for rule in told["rules"]})


def refused(*words: object) -> tuple[int, str]:
    """The exit code and the error where nothing could be looked at."""
    done = subprocess.run(
        [SCRIPT, "plugins", "--check", *map(str, words)], capture_output=True, check=False, text=True, timeout=60
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `jobreporter new reporter pigeon` makes."""
    folder = tmp_path_factory.mktemp("new") / "jobreporter-pigeon"
    write(made(["reporter"], "pigeon"), folder)
    return folder


@pytest.mark.parametrize("name", PLUGINS)
def test_our_own_plugins_are_in_the_highest_tier(name: str) -> None:
    """Whoever follows the rules does what we do ourselves."""
    told = check(ROOT / "plugins" / name)
    assert {rule: each["problems"] for rule, each in told.rules.items() if not each["kept"]} == {}
    assert (told.code, told.tier) == (0, "gold")


def test_what_new_makes_is_in_the_highest_tier(project: Path) -> None:
    """An author begins there."""
    assert check(project)[:2] == (0, "gold")


def test_there_are_few_rules_and_each_has_a_remedy() -> None:
    """Fifteen at most, with names of their own, tier after tier."""
    assert len(RULES) <= 15
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert [rule.tier for rule in RULES] == sorted(
        (rule.tier for rule in RULES), key=["bronze", "silver", "gold"].index
    )
    assert all(rule.asks and rule.remedy for rule in RULES)


def test_each_rule_that_is_broken_is_told_with_what_to_do(tmp_path: Path) -> None:
    """All of them in one go."""
    (tmp_path / "pyproject.toml").write_text(SHABBY)
    for package in ("shabby_pager", "tests"):
        (tmp_path / package).mkdir()
    (tmp_path / "shabby_pager/__init__.py").write_text(SHABBY_PAGER)
    (tmp_path / "tests/test_nothing.py").write_text("import jobreporter\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.4\n")
    (tmp_path / ".git").mkdir()  # its repository ends here

    told = check(tmp_path)
    assert (told.code, told.tier) == (1, None)
    assert {rule for rule, each in told.rules.items() if each["kept"]} == {"entry point"}
    problems = {rule: "; ".join(each["problems"]) for rule, each in told.rules.items()}
    assert "'shabby'" in problems["name"]
    assert "there is no readme" in problems["metadata"]
    assert "has no 'Pagr'. Did you mean 'Pager'?" in problems["loads"]
    assert "does not say the oldest core" in problems["core"]
    assert "'tests' in it beside its package" in problems["wheel"]
    assert "shabby_pager/py.typed" in problems["types"]
    assert problems["described"] == "'shabby' says nothing of itself"
    assert problems["options"] == "'shabby' does not say what 'volume' means"
    assert problems["readme"] == "it does not tell of 'shabby', 'volume'"
    assert problems["tests"] == "no test imports it"
    assert "no class of its tests derives from ReporterConformance" in problems["suite"]
    assert problems["automated"] == "nothing runs its tests when it changes"
    assert problems["changelog"] == "CHANGELOG.md has no heading for 1.5, nor 'Unreleased'"
    assert all(each["remedy"] for each in told.rules.values() if not each["kept"])


def test_a_package_that_announces_nothing_is_told_so(tmp_path: Path, project: Path) -> None:
    """The rule about entry points."""
    files = made(["reporter"], "pigeon")
    [path] = [path for path in files if path.name == "pyproject.toml"]
    files[path] = files[path].replace('"jobreporter.reporters"', '"jobreporter.reportrs"')
    write(files, tmp_path / "project")
    announces_none, strange = check(tmp_path / "project").rules["entry point"]["problems"]
    assert "announces no reporter" in announces_none
    assert strange == "nobody looks into the group 'jobreporter.reportrs'. Did you mean 'jobreporter.reporters'?"


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("pyproject.toml", 'pigeon = "jobreporter', 'log = "jobreporter', "the name 'log' is taken by jobreporter "),
        ("pyproject.toml", 'pigeon = "jobreporter', 'stream = "jobreporter', "is taken by core's own lane"),
        ("pyproject.toml", 'pigeon = "jobreporter', 'sentry = "jobreporter', "is taken by jobreporter-sentry "),
        (
            "_options.py",
            "    url: Annotated",
            '    when: str = ""\n    url: Annotated',
            "its option 'when' can't be set",
        ),
    ],
)
def test_what_a_worker_would_refuse_is_told(tmp_path: Path, file: str, old: str, new: str, told: str) -> None:
    """A name that somebody else has, and an option under a key of jobreporter's own, are no matter of taste."""
    files = made(["reporter"], "pigeon")
    [path] = [path for path in files if path.name == file]
    assert old in files[path]
    files[path] = files[path].replace(old, new)
    write(files, tmp_path / "project")
    found = check(tmp_path / "project")
    assert (found.code, found.tier) == (1, None)
    assert told in "; ".join(found.rules["loads"]["problems"])


def test_what_only_the_project_tells_is_unseen_in_its_wheel(project: Path, tmp_path: Path) -> None:
    """Tests, changelog and workflow: so far it is silver, and neither kept nor broken."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=project, capture_output=True, check=True)
    [wheel] = tmp_path.glob("*.whl")

    told = check(wheel)
    assert (told.code, told.tier) == (1, "silver")
    unseen = [rule for rule, each in told.rules.items() if each["kept"] is None]
    assert unseen == [rule.name for rule in RULES if rule.tier == "gold"]


def test_a_person_reads_the_tier_first() -> None:
    """Then each rule in a line."""
    done = subprocess.run([SCRIPT, "plugins", "--check", "honeybadger"], capture_output=True, check=True, text=True)
    first, blank, heading, *rows = done.stdout.splitlines()
    assert first.startswith("jobreporter-honeybadger ")
    assert first.endswith(": gold")
    assert (blank, heading.split()) == ("", ["RULE", "TIER", "KEPT", "ASKS"])
    assert len(rows) == len(RULES)


def test_what_can_not_be_looked_at_is_told(tmp_path: Path) -> None:
    """In a sentence, with the nearest right name."""
    assert refused() == (2, refused()[1])
    assert "--check needs a plugin" in refused()[1]
    assert "is no project: there is no pyproject.toml in it" in refused(tmp_path)[1]
    assert "Did you mean 'honeybadger'?" in refused("honeybager")[1]
    assert "is the core itself" in refused("log")[1]
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["nothing-here"]\nbuild-backend = "nothing_here"\n'
    )
    code, said = refused(tmp_path)
    assert code == 1
    assert "No module named 'nothing_here'. It needs pip install 'nothing-here'" in said
    (tmp_path / "broken.whl").write_text("no archive")
    assert "can't be read as a wheel" in refused(tmp_path / "broken.whl")[1]


def test_a_project_that_does_not_build_is_told_what_its_backend_says(tmp_path: Path) -> None:
    """All of it, where that takes more than a line; what is installed already is no remedy."""
    project = '[project]\nname = "jobreporter-empty"\nversion = "1"\n'
    hatchling = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    (tmp_path / "pyproject.toml").write_text(project + hatchling)
    code, said = refused(tmp_path)
    assert code == 1
    assert "ValueError: Unable to determine which files to ship" in said
    assert "no directory that matches the name of your project (jobreporter_empty)" in said
    assert "pip install" not in said

    own = '[build-system]\nrequires = []\nbackend-path = ["."]\nbuild-backend = "own"\n'
    (tmp_path / "pyproject.toml").write_text(project + own)
    (tmp_path / "own.py").write_text("def build_wheel(*_): raise SystemExit('step 1\\nno compiler here')\n")
    assert "by own: no compiler here" in refused(tmp_path)[1]


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("jobreporter>=0.1.0", None),
        ("jobreporter (>=0.1)", None),
        ("jobreporter[celery]<2,>=0.1.0; python_version > '3'", None),
        ("jobreporter~=0.1", None),
        ("jobreporter", "does not say the oldest"),
        ("jobreporter<1", "does not say the oldest"),
        ("jobreporter==0.1.0", "does not say the oldest"),
        ("jobreporter>=0.2", "refuses the core that is installed"),
        ("jobreporter~=0.1.0", "refuses the core's next release"),
        ("jobreporter<0.2,>=0.1", "refuses the core's next release"),
        ("jobreporter!=0.1.0,>=0.0.9", "refuses the core that is installed"),
        ("jobreporter-pager>=1", "does not require jobreporter"),
    ],
)
def test_what_is_said_of_the_core(requirement: str, told: str | None) -> None:
    """The oldest one is named, and neither this one nor the next refused."""
    found = trouble(["msgspec>=0.20", requirement], "0.1.0")
    assert found is None if told is None else told in str(found)
