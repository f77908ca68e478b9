"""A directory in which the processes of one host add up what they count.

::

    TOKEN.live      one for each process, locked by it for as long as it lives
    TOKEN.json      its figures, replaced as a whole
    total.json      what processes counted that have ended

Whoever comes or reads adds the figures of ended processes to the total and removes their files, unless somebody is about
to. So there are never many more files than processes. Nobody waits for anybody: a process that stands still, or is killed
anywhere, holds up no other.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from jobreporter_prometheus._directory.folder import Folder, OddFile
from jobreporter_prometheus._directory.lock import Lock
from jobreporter_prometheus._figures.figures import Figures, Frame
from jobreporter_prometheus._figures.saved import Loaded, Unreadable, decode, encode
from jobreporter_prometheus._figures.sum import Part, Sum, add_up

logger = logging.getLogger("jobreporter.prometheus")

#: A process: its id, and eight digits that tell it from an earlier one with the same id.
TOKEN = re.compile(r"[0-9]{1,20}-[0-9a-f]{8}", re.ASCII)

TOTAL = "total.json"

#: How often the files are read anew because somebody added some up meanwhile.
READINGS = 10
#: The most problems that a process tells of.
MOST_TOLD = 20


class Directory:
    """The files.

    frame: what figures are made to; without one, as the youngest process has it. parents: whether the folder that it is in
    may be made as well.

    Every method raises OSError where the directory can't be used.
    """

    def __init__(self, path: Path, frame: Frame | None = None, *, parents: bool = True) -> None:
        self.path = path
        self._parents = parents
        self._frame = frame
        self._told: set[str] = set()

    def opened(self, *, make: bool = False) -> AbstractContextManager[Folder]:
        """The folder, for a block. make: also where it isn't there, or not any more, for this user alone."""
        if make:
            self.path.mkdir(mode=0o700, parents=self._parents, exist_ok=True)
        return Folder.opened(self.path)

    def join(self, folder: Folder, token: str, content: bytes) -> Lock:
        """Add a process with its figures, and add up those that ended. Returns the lock that says that it lives."""
        alive = folder.make_locked(f"{token}.live")
        try:
            folder.replace(f"{token}.json", content)
            self.tidy(folder)
        except BaseException:
            alive.release()
            raise
        return alive

    def read(self, own: Part | None = None) -> Figures:
        """The figures of all processes that have ever shared the directory.

        own: those of the process that asks. They are newer than its file, which may also be out of reach.
        """
        with self.opened() as folder:
            self.tidy(folder)
            for _ in range(READINGS):
                content = self._content(folder, TOTAL)
                found = self._sum(folder, self._decoded(TOTAL, content), own)
                if self._content(folder, TOTAL) == content:
                    break
        return found.all

    def tidy(self, folder: Folder) -> None:
        """Move the figures of processes that ended into the total, unless another process is at it."""
        lock = folder.lock()
        if lock is None:
            return
        try:
            self._tidy(folder)
        except OSError as error:
            # What is in the files is counted all the same, and moved when the disk has room again.
            self._tell(str(self.path), f"what ended processes counted can't be added up now: {error}")
        finally:
            lock.release()

    def _tidy(self, folder: Folder) -> None:
        content = self._content(folder, TOTAL)
        loaded = self._decoded(TOTAL, content)
        if content is not None and loaded is None:
            folder.put_aside(TOTAL)
        if loaded is not None:
            # Whoever wrote the total may have died before the files were gone of which it holds the figures.
            self._remove(folder, filter(TOKEN.fullmatch, loaded.added))
        found = self._sum(folder, loaded)
        if found.ended or found.has_new_names:
            folder.replace(TOTAL, encode(found.total, found.ended))
            self._remove(folder, found.ended)

    def _sum(self, folder: Folder, total: Loaded | None, own: Part | None = None) -> Sum:
        known = {own.token} if own else set()
        if total is not None:
            known.update(total.added)
        parts = [self._part(folder, token) for token in tokens(folder) if token not in known]
        found = [part for part in parts if part is not None] + ([own] if own else [])
        return add_up(total.figures if total else None, found, self._frame)

    def _part(self, folder: Folder, token: str) -> Part | None:
        """What a process has counted; ``None`` if it isn't to be had, or is in the total by now."""
        name = f"{token}.live"
        try:
            lives = folder.is_locked(name)
            content = self._content(folder, name := f"{token}.json")
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(name, f"{self.path / name} is left out: {error.strerror}")
            return None
        loaded = self._decoded(name, content)
        return Part(token, loaded.figures if loaded else None, lives)

    def _remove(self, folder: Folder, ended: Iterable[str]) -> None:
        for token in ended:
            # The one that is found by goes last.
            for suffix in ("json", "new", "live"):
                folder.remove(f"{token}.{suffix}")

    def _content(self, folder: Folder, name: str) -> bytes | None:
        """What a file has in it; ``None`` for one that isn't there or is none of ours.

        Raises OSError where it can't be read: to go on as if it weren't there might lose what it has in it.
        """
        try:
            return folder.read(name)
        except FileNotFoundError:
            return None
        except OddFile as error:
            self._tell(name, f"{self.path / name} counts as nothing: {error.strerror}")
            return None

    def _decoded(self, name: str, content: bytes | None) -> Loaded | None:
        try:
            return None if content is None else decode(content)
        except Unreadable as error:
            # It may have been written by another version, or by hand. What it counted is lost, and the rest is not.
            self._tell(name, f"{self.path / name} can't be read and counts as nothing: {error}")
            return None

    def _tell(self, subject: str, problem: str) -> None:
        """Log a problem once."""
        if subject not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(subject)
            logger.warning("%s", problem)


def tokens(folder: Folder) -> list[str]:
    """The processes that have a file there, the oldest first."""
    alive = [name for name in folder.names() if name.endswith(".live") and TOKEN.fullmatch(name.removesuffix(".live"))]
    return [name.removesuffix(".live") for name in folder.oldest_first(alive)]
