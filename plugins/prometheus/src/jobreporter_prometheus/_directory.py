"""A directory in which the processes of one host add up what they count.

::

    lock            held while the files of several processes are read or changed
    TOKEN.live      one for each process, locked by it for as long as it lives
    TOKEN.json      its figures, replaced as a whole
    total.json      what processes counted that have ended

Whoever comes or reads adds the figures of ended processes to the total and removes their files. So there are never many
more files than processes. What was read once never falls later, since nothing is read that isn't in a file.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jobreporter_prometheus._figures import Figures, Frame
from jobreporter_prometheus._lock import FileLock

logger = logging.getLogger("jobreporter_prometheus")

#: Of the layout of the files: those of another one can't be read.
VERSION = 1

#: Seconds to wait for another process to give the lock back, which it holds for milliseconds.
PATIENCE = 5.0


class Directory:
    """The files. Every method raises OSError where they can't be read or written."""

    def __init__(self, path: Path, frame: Frame, patience: float = PATIENCE) -> None:
        self.path = path
        self._frame = frame
        self._patience = patience

    def lock(self, name: str) -> FileLock:
        """A lock among the processes that share the directory."""
        return FileLock(self.path / name)

    def join(self, token: str) -> FileLock:
        """Add a process, and add up those that ended. Returns the lock that says that it lives."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        alive = self.lock(f"{token}.live")
        # Its file is seen by others only when it is locked, so the process can't be taken for one that has ended.
        with self.lock("lock").hold(self._patience):
            self._add_up()
            alive.take()
        return alive

    def read(self) -> Figures:
        """The figures of all processes that have ever shared the directory."""
        with self.lock("lock").hold(self._patience):
            total, living = self._add_up()
        for figures in living:
            total.add(figures, live=True)
        return total

    def write(self, name: str, text: str) -> None:
        """Replace a file of figures as a whole. text: what `encode` made of them."""
        beside = self.path / f"{name}.new"
        beside.write_text(text, encoding="ascii")
        os.replace(beside, self.path / f"{name}.json")

    def _add_up(self) -> tuple[Figures, list[Figures]]:
        """Move the figures of processes that ended into the total. Returns it, and those of the living."""
        total, added = self._load_total()
        # Whoever wrote the total may have died before the files were gone of which it holds the figures.
        self._remove(added)
        admitted, living, ended = total.caps.size, [], []
        for token in self._tokens():
            has_ended = self._has_ended(token)
            figures, _ = self._load(token) or (Figures(self._frame), [])
            if has_ended:
                total.add(figures, live=False)
                ended.append(token)
            else:
                # What counts under a name once must always do so, also when this process has ended.
                for key in (*figures.counters, *figures.gauges, *figures.histograms):
                    total.caps.fit(key)
                living.append(figures)
        if ended or total.caps.size > admitted:
            self.write("total", encode(total, added=ended))
            self._remove(ended)
        return total, living

    def _has_ended(self, token: str) -> bool:
        alive = self.lock(f"{token}.live")
        try:
            return alive.take()
        finally:
            alive.release()

    def _tokens(self) -> list[str]:
        """The processes, the oldest first."""
        with os.scandir(self.path) as entries:
            found = [(entry.stat().st_mtime, entry.name) for entry in entries if entry.name.endswith(".live")]
        return [name.removesuffix(".live") for _, name in sorted(found)]

    def _remove(self, tokens: Iterable[str]) -> None:
        for token in tokens:
            # The one that is found by goes last.
            for suffix in ("json", "new", "live"):
                (self.path / f"{token}.{suffix}").unlink(missing_ok=True)

    def _load_total(self) -> tuple[Figures, list[str]]:
        """What processes that ended had counted, and which of them were added last."""
        loaded = self._load("total")
        return loaded if loaded is not None else (Figures(self._frame), [])

    def _load(self, name: str) -> tuple[Figures, list[str]] | None:
        """The figures of a file, and which processes were added to them; ``None`` where there are none to be had."""
        path = self.path / f"{name}.json"
        try:
            plain = check_version(json.loads(path.read_bytes()))
            return Figures.from_plain(plain, self._frame), list(plain.get("added", []))
        except FileNotFoundError:
            return None
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # It may have been written by another version, or by hand. What it counted is lost, and the rest is not.
            logger.warning("%s can't be read and counts as nothing: %s", path, error)
            return None


def encode(figures: Figures, **more: Any) -> str:
    """Figures as the text of a file."""
    return json.dumps({"version": VERSION, **more, **figures.to_plain()}, separators=(",", ":"))


def check_version(plain: dict[str, Any]) -> dict[str, Any]:
    """The same. Raises ValueError if it is of another layout."""
    if plain["version"] != VERSION:
        raise ValueError(f"it is of version {plain['version']!r}, and this is version {VERSION}")
    return plain
