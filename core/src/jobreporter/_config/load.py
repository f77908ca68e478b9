"""Finding the config file and reading it."""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jobreporter._config.files import Unusable, read_file
from jobreporter._config.parse import parse
from jobreporter._config.records import Config
from jobreporter.errors import ConfigError, Fault
from jobreporter.text import one_line

VARIABLE = "JOBREPORTER_CONFIG"
OWN_FILE = "jobreporter.toml"
PYPROJECT = "pyproject.toml"
TOOL = "tool.jobreporter"
# Bytes; far more than a config needs, far less than hurts.
LIMIT = 4 * 1024 * 1024

logger = logging.getLogger("jobreporter")


def load(
    path: str | os.PathLike[str] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    cwd: str | os.PathLike[str] | None = None,
) -> Config:
    """The config of this process.

    It is read from ``path``; else from the file that ``JOBREPORTER_CONFIG`` names; else from the nearest
    ``jobreporter.toml``, or ``pyproject.toml`` with a ``[tool.jobreporter]``, from the working directory upwards as far
    as the project's root: the first folder with a ``.git`` or a ``pyproject.toml``. Without such a root only the
    working directory counts. Where both files are in one folder, ``jobreporter.toml`` wins.

    Without a file there are no reporters, and one warning is logged. Raises ConfigError with everything that is wrong
    with the file; also if there is none where one was named, or if others than root and this user may have written it.
    """
    folder = _working_directory(cwd)
    file: _File | None
    if path is not None:
        file = _named(folder / path, folder, blame=one_line(str(path), 400))
    elif variable := environ.get(VARIABLE):
        file = _named(folder / variable, folder, blame=VARIABLE)
    else:
        file = next(filter(None, (_read(candidate, folder) for candidate in _candidates(folder))), None)
    if file is None:
        logger.warning("no %s from %s upwards: there are no reporters, and nothing is reported", OWN_FILE, folder)
        return Config()
    return parse(file.table, where=file.where, tool=file.tool, path=file.path, environ=environ)


class _File(NamedTuple):
    path: Path
    where: str
    table: Mapping[str, Any]
    tool: bool


def _working_directory(cwd: str | os.PathLike[str] | None) -> Path:
    try:
        return Path(cwd or Path()).absolute()
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


def _named(path: Path, folder: Path, *, blame: str) -> _File:
    """A file that somebody asked for, so that it must be there."""
    file = _read(path, folder)
    if file is None:
        missing = f"has no [{TOOL}]" if os.path.exists(path) else "does not exist"
        raise ConfigError([Fault(blame, f"the file {str(path)!r} {missing}")])
    return file


def _read(path: Path, folder: Path) -> _File | None:
    """A config file; ``None`` if there is none, or if it is a ``pyproject.toml`` that says nothing of jobreporter."""
    where = one_line(str(path.relative_to(folder) if path.is_relative_to(folder) else path), 400)
    try:
        content, distrust = read_file(path, LIMIT)
    except FileNotFoundError:
        return None
    except Unusable as why:
        raise ConfigError([Fault(where, str(why))]) from None
    table = _parse_toml(content, where)
    tool = path.name == PYPROJECT
    if tool:
        tools = table.get("tool")
        if not isinstance(tools, Mapping) or "jobreporter" not in tools:
            return None
        table = tools["jobreporter"]
        if not isinstance(table, Mapping):
            raise ConfigError([Fault(where, f"expected [{TOOL}] to be a table")])
    if distrust:
        raise ConfigError([Fault(where, distrust)])
    return _File(path, where, table, tool)


def _parse_toml(content: bytes, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except RecursionError:
        problem = "is nested too deeply"
    except ValueError as error:  # a TOMLDecodeError, which names line and column, or an integer of too many digits
        problem = f"is not valid TOML: {one_line(str(error), 400)}"  # it may quote a key, of any length
    # Raised here and not above, so that the error doesn't carry the decoder's, which holds the whole text.
    raise ConfigError([Fault(where, problem)])
