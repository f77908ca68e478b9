"""Finding the config file and reading it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jobreporter._config.files import FileRead, Unusable, read_file
from jobreporter._config.lines import Lines
from jobreporter._config.parse import parse
from jobreporter._config.places import Place
from jobreporter._config.records import Config, Parsed
from jobreporter._config.trust import distrust_of_file
from jobreporter.errors import ConfigError, Fault
from jobreporter.text import one_line

VARIABLE = "JOBREPORTER_CONFIG"
OWN_FILE = "jobreporter.toml"
PYPROJECT = "pyproject.toml"
ROOT = ("tool", "jobreporter")
TOOL = ".".join(ROOT)
# Bytes; far more than a config needs, far less than hurts.
LIMIT = 4 * 1024 * 1024
# Characters of a path that messages show.
SHOWN = 400

# What a pyproject.toml has that is about jobreporter, as far as that can be told where it isn't valid TOML.
_MENTIONS = re.compile(rb"tool[\s.\"'\]\[={]{1,20}jobreporter\b")


def load(
    path: str | os.PathLike[str] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    cwd: str | os.PathLike[str] | None = None,
) -> Parsed:
    """The config of this process, with all that is wrong with it.

    It is read from ``path``; else from the file that ``JOBREPORTER_CONFIG`` names; else from the nearest
    ``jobreporter.toml``, or ``pyproject.toml`` with a ``[tool.jobreporter]``, from the working directory upwards as far
    as the project's root: the first folder with a ``.git`` or a ``pyproject.toml``. Without such a root only the
    working directory counts. Where both files are in one folder, ``jobreporter.toml`` wins.

    Without a file there are no reporters, which is a warning. Raises ConfigError where there is nothing to read: no file
    where one was named, one that isn't TOML, or one that others than root and this user may have written.
    """
    search = _Search(environ)
    file: _File | None
    if path is not None:
        file = search.named(_absolute(path, cwd), blame=one_line(str(path), SHOWN))
    elif variable := environ.get(VARIABLE, "").strip("\r\n"):
        file = search.named(_absolute(variable, cwd), blame=VARIABLE)
    else:
        folder = _absolute(".", cwd)
        file = next(filter(None, map(search.read, _candidates(folder))), None)
        if file is None:
            return Parsed(Config(), warnings=(*search.passed_over, _no_file(folder)))
    parsed = parse(file.table, file.place, path=file.path, environ=environ)
    return parsed._replace(warnings=(*search.passed_over, *parsed.warnings))


class _File(NamedTuple):
    path: Path
    place: Place
    table: Mapping[str, Any]


def _absolute(path: str | os.PathLike[str], cwd: str | os.PathLike[str] | None) -> Path:
    """The path as seen from the working directory, which only a relative one needs."""
    try:
        return Path(cwd or Path(), path).absolute()
    except FileNotFoundError:
        pass
    raise ConfigError([Fault("the working directory", "does not exist any more, so no config can be looked for in it")])


def _candidates(folder: Path) -> Iterator[Path]:
    """The files that may hold the config, the nearest first."""
    for nearest in _as_far_as_root(folder):
        yield nearest / OWN_FILE
        yield nearest / PYPROJECT


def _as_far_as_root(folder: Path) -> list[Path]:
    upwards = [folder, *folder.parents]
    for index, candidate in enumerate(upwards):
        if any(os.path.exists(candidate / mark) for mark in (".git", PYPROJECT)):
            return upwards[: index + 1]
    return [folder]


def _no_file(folder: Path) -> Fault:
    *_, root = _as_far_as_root(folder)
    where = _shown(folder) if root == folder else f"{_shown(folder)} and upwards as far as {_shown(root)}"
    problem = (
        f"there is no {OWN_FILE}, and no {PYPROJECT} with a [{TOOL}]: there are no reporters, and nothing is reported"
    )
    return Fault(where, problem)


def _shown(path: Path) -> str:
    return one_line(str(path), SHOWN)


class _Search:
    """Looks into files until one is a config."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        #: Files that may have been meant to be one, and can't be read.
        self.passed_over: list[Fault] = []

    def named(self, path: Path, *, blame: str) -> _File:
        """A file that somebody asked for, so that it must be there."""
        try:
            content, status = read_file(path, LIMIT)
        except FileNotFoundError:
            raise ConfigError([Fault(blame, f"the file {_shown(path)!r} does not exist")]) from None
        except Unusable as why:
            raise ConfigError([_fault(path, str(why))]) from None
        tables = _parse_toml(content, path)
        if isinstance(tables, Fault):
            raise ConfigError([tables])
        file = self._file(path, FileRead(content, status), tables)
        if file is None:
            raise ConfigError([Fault(blame, f"the file {_shown(path)!r} has no [{TOOL}]")])
        return file

    def read(self, path: Path) -> _File | None:
        """A file that may be there; ``None`` for a ``pyproject.toml`` that isn't about jobreporter, whatever it holds.

        It may be anybody's: of another project, or broken. That is no reason for a worker not to start.
        """
        try:
            content, status = read_file(path, LIMIT)
        except FileNotFoundError:
            return None
        except Unusable as why:
            return self._pass_over(_fault(path, str(why)), ours=path.name != PYPROJECT)
        if path.name == PYPROJECT and b"jobreporter" not in content:
            return None
        tables = _parse_toml(content, path)
        if isinstance(tables, Fault):
            return self._pass_over(tables, ours=path.name != PYPROJECT or bool(_MENTIONS.search(content)))
        return self._file(path, FileRead(content, status), tables)

    def _pass_over(self, fault: Fault, *, ours: bool) -> _File | None:
        """Go on behind a file that can't be used, unless it is meant to be a config: then that is an error."""
        if ours:
            raise ConfigError([fault])
        self.passed_over.append(fault._replace(problem=f"{fault.problem}, so it is passed over"))
        return None

    def _file(self, path: Path, read: FileRead, tables: Mapping[str, Any]) -> _File | None:
        """A config file; ``None`` for a ``pyproject.toml`` that says nothing of jobreporter."""
        root: tuple[str, ...] = ()
        if path.name == PYPROJECT:
            root = ROOT
            tools = tables.get("tool")
            if not isinstance(tools, Mapping) or "jobreporter" not in tools:
                return None
            tables = tools["jobreporter"]
        if distrust := distrust_of_file(path, read.status, self._environ):
            raise ConfigError([_fault(path, distrust)])
        place = Place(_shown(path), root=root, lines=Lines(read.content.decode("utf-8-sig")))
        if not isinstance(tables, Mapping):
            raise ConfigError([place.fault(f"expected [{TOOL}] to be a table")])
        return _File(path, place, tables)


def _parse_toml(content: bytes, path: Path) -> dict[str, Any] | Fault:
    line = None
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except RecursionError:
        problem = "is nested too deeply"
    except ValueError as error:  # a TOMLDecodeError, which names line and column, or an integer of too many digits
        problem = f"is not valid TOML: {one_line(str(error), 400)}"  # it may quote a key, of any length
        named = re.search(r"\(at (?:line (\d+), column \d+|end of document)\)\Z", str(error))
        line = int(named[1] or content.count(b"\n") + 1) if named else None
    # The error itself is left behind: it holds the whole text.
    return _fault(path, problem, line)


def _fault(path: Path, problem: str, line: int | None = None) -> Fault:
    """Something that is wrong with a file as a whole, or with the line at which it can't be read any further."""
    file = _shown(path)
    return Fault(file if line is None else f"{file}:{line}", problem, file, line)
