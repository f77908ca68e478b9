"""Whether all parts may be released together: `python -m tests.packaging.release [TAG]` says what is in the way.

Their versions are one, the changelog tells of it, and a tag, if there is one, names it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def troubles(root: Path = ROOT, tag: str | None = None) -> Iterator[str]:
    """What is in the way of a release, each in a sentence."""
    versions = {path.relative_to(root): _project(path)["version"] for path in _pyprojects(root)}
    version = versions[Path("core/pyproject.toml")]
    yield from (
        f"{path} has version {found}, and core has {version}" for path, found in versions.items() if found != version
    )
    module = (root / "core/src/jobreporter/_version.py").read_text()
    if f'"{version}"' not in module:
        yield f"core/src/jobreporter/_version.py does not say {version}"
    citation = (root / "CITATION.cff").read_text()
    if not re.search(rf"^version: {re.escape(version)}$", citation, re.MULTILINE):
        yield f"CITATION.cff does not say {version}"
    for path in _pyprojects(root):
        for requirement in _project(path)["dependencies"]:
            # One of our own, a plugin's included.
            own = re.match(r"jobreporter(-\w+)?\b", requirement)
            if own and requirement != f"{own[0]}>={version}":
                yield f"{path.relative_to(root)} asks for {requirement!r}, and is tried with {version}"
    headings = re.findall(r"^## (\S+)", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    if tag is None:
        if not {version, "Unreleased"} & set(headings):
            yield f"CHANGELOG.md has no heading for {version}, nor 'Unreleased'"
        return
    if tag != f"v{version}":
        yield f"the tag is {tag}, and the version v{version}"
    if version not in headings:
        yield f"CHANGELOG.md has no heading for {version}: rename 'Unreleased' before the tag is set"


def _pyprojects(root: Path) -> list[Path]:
    return [root / "core/pyproject.toml", *sorted(root.glob("plugins/*/pyproject.toml"))]


def _project(path: Path) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads(path.read_text())["project"]
    return found


if __name__ == "__main__":
    found = list(troubles(tag=next(iter(sys.argv[1:]), None)))
    print(*found or ["all parts may be released together"], sep="\n")  # noqa: T201 - it talks to people
    sys.exit(1 if found else 0)
