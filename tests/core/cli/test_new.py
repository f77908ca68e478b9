"""``jobreporter new``: which names will do, and that nothing is ever overwritten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobreporter._cli._names import OWN
from jobreporter._cli._template import EXAMPLE, made, renamed
from jobreporter.testing import CommandLine

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "core/src/jobreporter/_templates"


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A folder, and a reporter that is installed under a name."""
    project = CommandLine(tmp_path)
    project.install("outsider-desk", "1.2", "desk", "desk_plugin")
    project.module("jobreporter_attic", "")
    project.module("cellar_reporter", "")
    return project


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("reporter", "My-Pager"), "'My-Pager' is no name for it: a name is of small letters,"),
        (("reporter", "My-Pager"), "Try 'my_pager'"),
        (("reporter", "MyPager"), "Try 'my_pager'"),
        (("reporter", "jobreporter-pager"), "Try 'pager'"),
        (("reporter", "jobreporter"), "has 30 at most; 'jobreporter' stands before it anyhow\n"),
        (("reporter", "2nd_pager"), "Try 'nd_pager'"),
        (("reporter", "pager__2"), "Try 'pager_2'"),
        (("reporter", "x" * 31), f"Try '{'x' * 30}'"),
        (("reporter", "../pager"), "Try 'pager'"),
        (("reporter", "Log"), "Try 'my_log'"),
        (("reporter", "??"), "has 30 at most\n"),
        (("reporter", ""), "'' is no name for it: a name is of small letters,"),
        (("source", ""), "'' is no name for it"),
        (("reporter", "", "--in-app"), "'' is no name for it"),
        (("reporter", "pager-jobreporter"), "Try 'pager'"),
        (("reporter", "Übergabe"), "Try 'ubergabe'"),
        (("reporter", "relay"), "is taken by core's own relays. Try 'my_relay'"),
        (("reporter", "log"), "the name 'log' is taken by jobreporter 0.1.0. Try 'my_log'"),
        (("reporter", "desk"), "the name 'desk' is taken by outsider-desk 1.2. Try 'my_desk'"),
        (("reporter", "desk", "--in-app"), "the name 'desk' is taken by outsider-desk 1.2. Try 'my_desk'"),
        (("reporter", "stream"), "is taken by core's own lane"),
        (("reporter", "attic"), "is taken by a module 'jobreporter_attic' that is installed. Try 'my_attic'"),
        (("reporter", "cellar", "--in-app"), "is taken by a module 'cellar_reporter' that is installed"),
        (("reporter", "check", "--command"), "is taken by core's own command 'jobreporter check'"),
        (("source", "rq"), "the name 'rq' is taken by jobreporter 0.1.0. Try 'my_rq'"),
        (("source", "redis"), "is taken by"),
        (("reporter", "pager", "--in-app", "--command"), "--command is for a project, and --in-app makes none"),
        (("reporter", "pager", "--in-app", "--into", "nowhere"), "there is no folder 'nowhere'"),
    ],
)
def test_what_will_not_do_is_refused(project: CommandLine, words: tuple[str, ...], told: str) -> None:
    """With the reason and the nearest good name, by exit code 2, and nothing is written."""
    before = {*project.folder.rglob("*")}
    done = project.run("new", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert {*project.folder.rglob("*")} - set(project.folder.rglob("*__pycache__*")) == before


def test_nothing_is_overwritten(project: CommandLine) -> None:
    """Neither a project, nor a folder with or without something in it, nor a module."""
    assert project.run("new", "reporter", "pager").returncode == 0
    pyproject = project.folder / "jobreporter-pager/pyproject.toml"
    pyproject.write_text("mine")
    (project.folder / "jobreporter-heron").mkdir()
    (project.folder / "crow_reporter.py").write_text("mine")

    for words in (("reporter", "pager"), ("source", "pager"), ("source", "heron"), ("reporter", "crow", "--in-app")):
        done = project.run("new", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "is there already, and nothing was overwritten" in done.stderr
    assert pyproject.read_text() == (project.folder / "crow_reporter.py").read_text() == "mine"


def test_it_says_what_to_do_next(project: CommandLine) -> None:
    """Line by line, and what to change first."""
    said = project.run("new", "reporter", "pager", "--into", "my plugins").stdout
    assert "made the reporter pager in my plugins/jobreporter-pager\n" in said
    assert "  cd 'my plugins/jobreporter-pager'\n" in said
    assert "  pip install --editable . --group dev\n" in said
    assert said.endswith(
        "\nThen make it yours: src/jobreporter_pager/_reporter.py first; and the addresses in pyproject.toml.\n"
    )


@pytest.mark.parametrize("kind", ["reporter", "source"])
def test_what_is_to_be_changed_first_is_there(project: CommandLine, kind: str) -> None:
    """Each file that the last line names."""
    said = project.run("new", kind, "pager").stdout
    named = re.findall(r"[\w/]+\.(?:py|toml)", said.rpartition("make it yours: ")[2])
    assert len(named) >= 2
    for file in named:
        assert [*(project.folder / "jobreporter-pager").rglob(file)]


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.iterdir()))
def test_the_example_is_renamed_everywhere(template: str) -> None:
    """In paths and in texts, and nothing else of a template is changed."""
    files = made([template], "my_pager")
    assert files
    assert [str(path) for path, text in files.items() if EXAMPLE in f"{path}{text}".lower()] == []
    unchanged = made([template], EXAMPLE)
    for path, text in unchanged.items():
        assert text == (TEMPLATES / template / path).read_text()


def test_a_distribution_is_written_with_hyphens() -> None:
    """A package and a class as Python writes them."""
    text = "jobreporter-pigeon jobreporter_pigeon PigeonOptions PIGEON_TOKEN [reporters.pigeon]"
    expected = "jobreporter-my-pager jobreporter_my_pager MyPagerOptions MY_PAGER_TOKEN [reporters.my_pager]"
    assert renamed(text, "my_pager") == expected


def test_the_names_of_our_own_packages_are_kept_free() -> None:
    """Also where they aren't installed."""
    assert {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")} == set(OWN)
