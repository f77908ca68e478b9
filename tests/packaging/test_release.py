"""A release: what would be in its way is seen before, and the workflow does what is done here."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .release import ROOT, troubles

PARTS = ["core", *sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))]
WORKFLOW = (ROOT / ".github/workflows/release.yml").read_text()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files of the repository that bear the version."""
    files = ["CHANGELOG.md", "CITATION.cff", "core/src/jobreporter/_version.py"]
    files += [str(Path("core" if part == "core" else f"plugins/{part}") / "pyproject.toml") for part in PARTS]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def change(path: Path, before: str, after: str) -> None:
    """Replace a text that is there."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_nothing_is_in_the_way() -> None:
    """Of all parts as they are."""
    assert list(troubles()) == []


def test_a_version_that_differs_is_seen(copy: Path) -> None:
    """In a plugin, in what it asks for, in the module, in the citation, and in the changelog."""
    change(copy / "plugins/sentry/pyproject.toml", 'version = "0.1.0"', 'version = "0.1.1"')
    change(copy / "plugins/redis/pyproject.toml", '"jobreporter>=0.1.0"', '"jobreporter>=0.0.9"')
    change(copy / "core/src/jobreporter/_version.py", "0.1.0", "0.2.0")
    change(copy / "CITATION.cff", "version: 0.1.0", "version: 0.1.01")
    change(copy / "CHANGELOG.md", "## Unreleased", "## Soon")
    assert list(troubles(copy)) == [
        "plugins/sentry/pyproject.toml has version 0.1.1, and core has 0.1.0",
        "core/src/jobreporter/_version.py does not say 0.1.0",
        "CITATION.cff does not say 0.1.0",
        "plugins/redis/pyproject.toml asks for 'jobreporter>=0.0.9', and is tried with 0.1.0",
        "CHANGELOG.md has no heading for 0.1.0, nor 'Unreleased'",
    ]


def test_a_tag_names_the_version_and_the_changelog_tells_of_it(copy: Path) -> None:
    """A tag that is set too early, or wrongly, is refused."""
    wrong = ["the tag is v0.2.0, and the version v0.1.0"]
    early = ["CHANGELOG.md has no heading for 0.1.0: rename 'Unreleased' before the tag is set"]
    assert list(troubles(copy, "v0.2.0")) == wrong + early
    change(copy / "CHANGELOG.md", "## Unreleased", "## 0.1.0 (2026-12-01)")
    assert list(troubles(copy, "v0.1.0")) == []


def test_the_workflow_publishes_every_part_and_core_first() -> None:
    """One after the other, from the folders that the build makes."""
    [matrix] = re.findall(r"part: \[(.*)\]", WORKFLOW)
    assert matrix.split(", ") == PARTS
    assert "max-parallel: 1" in WORKFLOW


def test_the_workflow_checks_what_is_checked_here() -> None:
    """By the same session, with the tag, and on every version of Python."""
    assert 'nox -s release-check -- --every-python --tag "$GITHUB_REF_NAME"' in WORKFLOW
    minors = {
        name.rpartition(" ")[2] for name in re.findall(r"Python :: 3\.\d+", (ROOT / "core/pyproject.toml").read_text())
    }
    assert set(re.findall(r"^ +(3\.\d+)$", WORKFLOW, re.MULTILINE)) == minors


def test_no_secret_is_needed() -> None:
    """The index trusts the workflow: nothing of it reads a token, and only what attests and publishes has an identity.

    Those two run no code of ours, nor of anybody that a build asks for: they take what was built.
    """
    assert "secrets." not in WORKFLOW
    jobs = re.split(r"^  (?=\w+:$)", WORKFLOW.partition("\njobs:\n")[2], flags=re.MULTILINE)[1:]
    trusted = [job for job in jobs if "id-token: write" in job]
    assert [job.partition(":")[0] for job in jobs] == ["build", "attest", "publish"]
    assert [job.partition(":")[0] for job in trusted] == ["attest", "publish"]
    assert not [job for job in trusted if "run:" in job or "checkout" in job]
