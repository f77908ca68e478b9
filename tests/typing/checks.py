"""What type checkers say of the files beside this one, and of new plugins: `nox -s typing` runs these tests.

A line that is to be refused ends with the comment `# refused`, or `# refused by pyright` where that one alone sees it;
every other line has to pass.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.glob("*.py") if path.name not in {"__init__.py", "checks.py"})

#: A file, and a line of it.
Line = tuple[str, int]


def mypy(_folder: Path) -> Iterator[Line]:
    """The lines that mypy refuses, as strict as this repository has it."""
    config = HERE.parents[1] / "pyproject.toml"
    done = run("mypy", "--config-file", str(config), *map(str, FILES))
    for path, line in re.findall(r"^(.+?):(\d+): error:", done, re.MULTILINE):
        yield Path(path).name, int(line)


def pyright(folder: Path) -> Iterator[Line]:
    """The lines that pyright refuses, as it is by default."""
    return pyright_says(folder, FILES, typeCheckingMode="standard")


def pyright_says(folder: Path, files: list[Path], **more: object) -> Iterator[Line]:
    """The lines of these files that pyright refuses, with a config of its own in a folder."""
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps({"include": [str(path) for path in files], **more}))
    report = json.loads(run("basedpyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(config)))
    assert report["summary"]["filesAnalyzed"] == len(files)
    for found in report["generalDiagnostics"]:
        yield Path(found["file"]).name, found["range"]["start"]["line"] + 1


def run(module: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def marked(checker: str) -> Iterator[Line]:
    """The lines that say that this checker refuses them."""
    for path in FILES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.endswith(("# refused", f"# refused by {checker}")):
                yield path.name, number


@pytest.mark.parametrize("checker", [mypy, pyright], ids=lambda checker: checker.__name__)
def test_what_is_wrong_is_refused_and_nothing_else(checker: Callable[[Path], Iterator[Line]], tmp_path: Path) -> None:
    """Each marked line, and no other, is an error to the checker."""
    assert sorted(set(checker(tmp_path))) == sorted(marked(checker.__name__))


@pytest.mark.parametrize(
    "words", ["reporter", "reporter --async --command", "reporter --in-app", "reporter --in-app --async", "source"]
)
def test_a_new_plugin_passes_pyright_at_its_strictest(words: str, tmp_path: Path) -> None:
    """Its author may have either checker; mypy is the one that the project brings along."""
    run("jobreporter", "new", *words.split(), "kestrel", "--into", str(tmp_path))
    files = sorted(tmp_path.rglob("*.py"))
    roots = [str(path) for path in tmp_path.glob("*/src")]
    assert list(pyright_says(tmp_path, files, typeCheckingMode="strict", extraPaths=roots)) == []
