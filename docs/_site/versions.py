"""The site as it is published, a folder for each version: `python docs/_site/versions.py [FOLDER]`, which is site/ by default.

The newest release of each minor version has a folder called after it, such as 0.1, and the working tree is in main. Each is
built by its own `nox -s docs`, from its own tag. Versions.json beside the folders lists them, the newest first, for the list
in each page's sidebar; the address of the site leads to the newest release.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What the folder of the working tree is called.
COMING = "main"
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_INDEX = """<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <link rel="icon" href="data:,">
  <meta http-equiv="refresh" content="0; url={newest}/">
  <title>jobreporter</title>
  <p><a href="{newest}/">The documentation of jobreporter</a></p>
</html>
"""


def releases(tags: Iterable[str]) -> dict[str, str]:
    """The newest tag of each minor version by the version, such as 0.1; the newest first. What is no release has no place."""
    numbers = sorted(tuple(map(int, found.groups())) for tag in tags if (found := _RELEASE.fullmatch(tag)))
    newest = {f"{first}.{second}": f"v{first}.{second}.{third}" for first, second, third in numbers}
    return dict(reversed(newest.items()))


def join(folder: Path, versions: list[str]) -> None:
    """Writes what leads from one version to the others, once each has its folder.

    versions: the folders, the newest release first, and what is to come last.
    """
    (folder / "versions.json").write_text(json.dumps(versions))
    (folder / "index.html").write_text(_INDEX.format(newest=versions[0]))


def main(folder: Path = ROOT / "site") -> None:
    """Builds every version."""
    tags = subprocess.run(["git", "tag", "--list"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = releases(tags.stdout.split())
    with tempfile.TemporaryDirectory() as name:
        built = Path(name) / "site"
        for version, tag in found.items():
            tree = Path(name) / version
            subprocess.run(["git", "worktree", "add", "--detach", str(tree), tag], cwd=ROOT, check=True)
            build(tree, version, built / version)
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)
        build(ROOT, COMING, built / COMING)
        join(built, [*found, COMING])
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(built, folder)


def build(tree: Path, version: str, folder: Path) -> None:
    """Has a checkout build its own site, and takes it."""
    command = [sys.executable, "-m", "nox", "-s", "docs", "--", "--published", version]
    subprocess.run(command, cwd=tree, check=True)
    shutil.move(tree / "site", folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
