"""A job queue's library that is missing or too old is told in a sentence: what is needed, what was found, what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import celery
import dramatiq
import huey
import pytest
import rq

from jobreporter.sourcekit import LazyDispatcher, Library, UnusableLibrary


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
        f"jobreporter.sourcekit.errors.UnusableLibrary: jobreporter.sources.{found.name} needs {found.title} {found.needed} or newer, and {found.told}:"
        f" pip install 'jobreporter[{found.name}]'"
    )


@pytest.mark.parametrize(
    ("source", "noun"), [("celery", "a Celery app"), ("dramatiq", "a Dramatiq broker"), ("huey", "a Huey instance")]
)
@pytest.mark.parametrize("app", ["shop", "shop:app", None, 3, object])
def test_what_is_attached_must_be_an_app(source: str, noun: str, app: object) -> None:
    """Its name isn't one, and the message says so."""
    attach = import_module(f"jobreporter.sources.{source}").attach
    with pytest.raises(
        TypeError, match=rf"attach\(\) takes {noun}, found .*: pass the object itself, not its name"
    ) as caught:
        attach(app)
    assert not isinstance(app, str) or repr(app) in str(caught.value)


@pytest.mark.parametrize("dispatcher", ["jobreporter.toml", object()])
def test_a_dispatcher_must_be_one(dispatcher: Any) -> None:
    """It is easily taken for the config's path."""
    with pytest.raises(TypeError, match=r"dispatcher: expected a jobreporter.Dispatcher or nothing, found "):
        LazyDispatcher(dispatcher)


@pytest.mark.parametrize(
    ("oldest", "version", "found"),
    [
        ((1, 2), "1.2.9", (1, 2)),
        ((1, 2), "2", (2, 0)),
        ((0, 0, 25), "0.0.25", (0, 0, 25)),
        ((0, 0, 25), "0.0.24", None),
        ((0, 0, 25), "0.1", (0, 1, 0)),
        ((1, 2, 1), "1.2rc7", None),
        ((2024,), "2024.5.1", (2024, 5)),
        ((1, 0), "unknown", None),
    ],
)
def test_a_version_is_compared_by_as_many_numbers_as_count(
    oldest: tuple[int, ...], version: str, found: tuple[int, ...] | None
) -> None:
    """A library may write its versions as it likes."""
    library = Library("Pigeon", "pigeon", oldest=oldest, version_in=("pigeon", "__version__"))
    if found is not None:
        assert library.check(version) == found
        return
    with pytest.raises(UnusableLibrary, match=f"needs Pigeon {library.needed} or newer, and found {version}"):
        library.check(version)
