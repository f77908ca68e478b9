"""The plugin that is looked at: its wheel's metadata and files, and its project's folder where there is one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlparse

import importlib_metadata
import msgspec

from jobreporter._nearest import did_you_mean_or_all
from jobreporter._plugins.installed import COMMANDS, REPORTERS, SOURCES, STREAMS, scan
from jobreporter.text import one_line

#: What plugins are for.
CORE = "jobreporter"
#: The groups whose entry points make a distribution a plugin.
GROUPS = (REPORTERS, SOURCES, STREAMS)
# Builds as an installer does, with what is installed here. Its arguments are the backend, its folders and the target.
_BUILD = """
import importlib, os, sys
backend, *paths, target = sys.argv[1:]
sys.path[:0] = paths
module, _, attribute = backend.partition(":")
found = importlib.import_module(module)
for name in filter(None, attribute.split(".")):
    found = getattr(found, name)
print(found.build_wheel(target))
"""


class NoSubject(Exception):  # noqa: N818 - it says that there is none
    """What was named is no plugin, or can't be looked at: in a sentence."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One distribution."""

    name: str
    version: str
    metadata: Message
    #: What it announces: group, name, and what that stands for.
    entries: tuple[tuple[str, str, str], ...]
    #: Groups of entry points that are named like ours, and are none.
    strange_groups: tuple[str, ...] = ()
    #: What an installer would write, by path.
    files: frozenset[str]
    #: Its project; ``None`` where only what was built of it is here.
    folder: Path | None

    def all(self, header: str) -> list[str]:
        """The values of a header of the metadata."""
        return [str(value) for value in self.metadata.get_all(header, [])]

    @property
    def readme(self) -> str:
        """What the package index would show."""
        return str(self.metadata.get_payload() or self.metadata["Description"] or "")

    @property
    def packages(self) -> set[str]:
        """The packages and modules that its entry points name."""
        return {re.split(r"[.:]", value)[0].strip() for _, _, value in self.entries}

    def above(self) -> Iterator[Path]:
        """The project's folder and those around it, as far as its repository goes."""
        if self.folder is None:
            return
        root = self.folder.resolve()
        around = [root, *root.parents]
        repository = next((at for at in around if (at / ".git").exists()), root)
        for at in around:
            yield at
            if at == repository:
                return


@contextmanager
def opened(target: str) -> Iterator[Subject]:
    """The plugin that is meant by the folder of a project, by a wheel, or by a name of what is installed.

    What is in its wheel can be imported meanwhile, and nothing else of its project. Raises `NoSubject`.
    """
    path = Path(target)
    with TemporaryDirectory(prefix="jobreporter-") as scratch:
        if path.is_dir():
            yield from _unpacked(_built(path, Path(scratch)), Path(scratch), path)
        elif path.suffix == ".whl" and path.is_file():
            yield from _unpacked(path, Path(scratch), None)
        else:
            distribution = _installed(target)
            folder = _editable(distribution)
            if folder is not None:
                yield from _unpacked(_built(folder, Path(scratch)), Path(scratch), folder)
            else:
                files = frozenset(str(file) for file in distribution.files or ())
                yield _subject(distribution.read_text("METADATA") or "", distribution.entry_points, files, None)


def _unpacked(wheel: Path, scratch: Path, folder: Path | None) -> Iterator[Subject]:
    site = scratch / "site"
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
            files = frozenset(archive.namelist())
    except (zipfile.BadZipFile, OSError) as error:
        raise NoSubject(f"{str(wheel)!r} can't be read as a wheel: {error}") from None
    info = next(site.glob("*.dist-info"), None)
    if info is None:
        raise NoSubject(f"{str(wheel)!r} is no wheel: it has no .dist-info")
    distribution = importlib_metadata.PathDistribution(info)
    sys.path.insert(0, str(site))
    try:
        yield _subject(distribution.read_text("METADATA") or "", distribution.entry_points, files, folder)
    finally:
        sys.path.remove(str(site))


def _subject(text: str, entries: importlib_metadata.EntryPoints, files: frozenset[str], folder: Path | None) -> Subject:
    metadata = HeaderParser().parsestr(text)
    if metadata["Name"] == CORE:
        raise NoSubject(f"{CORE!r} is the core itself, and no plugin")
    return Subject(
        name=str(metadata["Name"]),
        version=str(metadata["Version"]),
        metadata=metadata,
        entries=tuple(
            (entry.group, entry.name, entry.value) for entry in entries if entry.group in (*GROUPS, COMMANDS)
        ),
        strange_groups=tuple(
            sorted({group for group in entries.groups if group.startswith("jobreporter")} - {*GROUPS, COMMANDS})
        ),
        files=files,
        folder=folder,
    )


def _built(folder: Path, scratch: Path) -> Path:
    """The wheel of a project, built by its own backend."""
    try:
        pyproject = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoSubject(f"{str(folder)!r} is no project: there is no pyproject.toml in it") from None
    except (OSError, ValueError) as error:
        raise NoSubject(f"{str(folder / 'pyproject.toml')!r} can't be read: {error}") from None
    system = pyproject.get("build-system", {})
    backend = system.get("build-backend", "setuptools.build_meta:__legacy__")
    command = [sys.executable, "-c", _BUILD, backend, *system.get("backend-path", []), str(scratch)]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True)  # noqa: S603 - the project's own
    if done.returncode:
        said = _raised(done.stderr)
        needed = " ".join(f"'{each}'" for each in system.get("requires", []))
        remedy = f". It needs pip install {needed}" if said.startswith(("ModuleNotFoundError", "ImportError")) else ""
        raise NoSubject(f"no wheel could be built of {str(folder)!r} by {backend}: {said}{remedy}")
    [wheel] = scratch.glob("*.whl")
    return wheel


def _raised(stderr: str) -> str:
    """What the last traceback ends with, all of its lines; without one, the last line of all."""
    _, traceback, rest = stderr.rpartition("Traceback (most recent call last):\n")
    lines = [line for line in rest.splitlines() if line.strip() and not (traceback and line.startswith(" "))]
    return one_line(" ".join(lines if traceback else lines[-1:]) or "it said nothing", 400)


def _installed(target: str) -> importlib_metadata.IDistribution:
    providers = {name: each[0].distribution for group in GROUPS for name, each in scan(group).items()}
    try:
        return importlib_metadata.distribution(providers.get(target, target))
    except (importlib_metadata.PackageNotFoundError, ValueError):
        hint = did_you_mean_or_all(target, {*providers, *providers.values()}, "installed ones")
        raise NoSubject(f"{target!r} is no folder, no wheel, and nothing that is installed{hint}") from None


def _editable(distribution: importlib_metadata.IDistribution) -> Path | None:
    """The folder of a project that is installed from where it is."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlparse(origin["url"]).path))
