"""A job queue's library that is missing or too old is told in a sentence: what is needed, what was found, what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import celery
import dramatiq
import huey
import pytest
import rq


class Found(NamedTuple):
    """What Python finds in the library's place. package: its code. version: what it says of itself, if it says any."""

    title: str
    needed: str
    name: str
    package: str
    version: str | None = None

    @property
    def told(self) -> str:
        return f"found {self.version}" if self.version else "it is not installed"


def all_but_the_version(package: str, path: str, version: str) -> str:
    """The installed library, which says that it is older."""
    return f"__path__ = [{path!r}]\nexec(open({package!r}).read())\n__version__ = {version!r}\n"


CASES = (
    Found("Celery", "5.5", "celery", "raise ModuleNotFoundError('celery')"),
    Found("Celery", "5.5", "celery", "__version__ = '4.4.7'", "4.4.7"),
    Found("Celery", "5.5", "celery", f"__path__ = [{celery.__path__[0]!r}]; __version__ = '5.4.0'", "5.4.0"),
    Found("Dramatiq", "1.17", "dramatiq", "raise ModuleNotFoundError('dramatiq')"),
    Found("Dramatiq", "1.17", "dramatiq", "__version__ = '1.3.0'", "1.3.0"),
    Found(
        "Dramatiq",
        "1.17",
        "dramatiq",
        all_but_the_version(dramatiq.__file__, dramatiq.__path__[0], "1.16.0"),
        "1.16.0",
    ),
    Found("Huey", "3.5", "huey", "raise ModuleNotFoundError('huey')"),
    Found("Huey", "3.5", "huey", "__version__ = '2.6.0'", "2.6.0"),
    Found("Huey", "3.5", "huey", all_but_the_version(huey.__file__, huey.__path__[0], "3.4.9"), "3.4.9"),
    Found("RQ", "2.10", "rq", "raise ModuleNotFoundError('rq')"),
    Found("RQ", "2.10", "rq", "from rq.version import VERSION", "1.16.2"),
    Found("RQ", "2.10", "rq", f"__path__.append({rq.__path__[0]!r}); exec(open({rq.__file__!r}).read())", "2.5.0"),
)


@pytest.mark.parametrize("found", CASES, ids=lambda found: f"{found.name}-{found.version}")
def test_a_library_that_will_not_do(found: Found, tmp_path: Path) -> None:
    """Nothing but the sentence: not an AttributeError of somebody who looked for what isn't there."""
    (tmp_path / found.name).mkdir()
    (tmp_path / found.name / "__init__.py").write_text(found.package)
    (tmp_path / found.name / "version.py").write_text(f"VERSION = {found.version or ''!r}")  # where RQ keeps it
    done = subprocess.run(
        [sys.executable, "-c", f"import jobreporter.sources.{found.name}"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        f"ImportError: jobreporter.sources.{found.name} needs {found.title} {found.needed} or newer, and {found.told}:"
        f" pip install 'jobreporter[{found.name}]'"
    )
