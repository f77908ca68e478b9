"""A folder of files that is used without trusting what else lies in it.

Files are reached by name beneath the open folder, and made anew whenever they are written. So a link is never followed,
nothing outside is touched, and what is no plain file is neither waited for nor changed.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Self

from jobreporter_prometheus._directory.lock import Lock, lock

logger = logging.getLogger("jobreporter.prometheus")

#: The most bytes of a file that are read: many times what the most label sets take.
MOST_BYTES = 64 * 1024 * 1024

_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class OddFile(OSError):  # noqa: N818 - it names what was found
    """What stands at a file's name is no plain file, or one of a size that can't be right."""


class Folder:
    """An open folder. Every method raises OSError where the system refuses."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._owner = os.fstat(descriptor)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        """The folder for the length of a block."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            refuse_foreign_links(path)
            yield cls(path, descriptor)
        finally:
            os.close(descriptor)

    def names(self) -> list[str]:
        """What is in it, in no order."""
        return os.listdir(self._descriptor)

    def oldest_first(self, names: Iterable[str]) -> list[str]:
        """Those of the names at which something stands, by its age."""
        found: list[tuple[float, str]] = []
        for name in names:
            try:
                found.append((self._look_at(name).st_mtime, name))
            except FileNotFoundError:
                continue  # it has gone meanwhile
        return [name for _, name in sorted(found)]

    def has(self, name: str) -> bool:
        """Whether something stands at this name."""
        try:
            self._look_at(name)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """A file's content. Raises FileNotFoundError, or OddFile for what is none of ours."""
        with os.fdopen(self._open(name, os.O_RDONLY), "rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise OddFile(errno.EFBIG, f"it has more than {MOST_BYTES:,} bytes", str(self.path / name))
        return content

    def replace(self, name: str, content: bytes, mode: int | None = None) -> None:
        """Write a file as a whole: who reads it sees the old one or the new one.

        Only one process may write a name at a time. mode: who may read it, whatever the umask says; without one,
        whoever may write into the folder by its owner and group.
        """
        beside = f"{Path(name).stem}.new"
        self.remove(beside)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600, dir_fd=self._descriptor)
        try:
            with os.fdopen(descriptor, "wb") as file:
                self._hand_over(descriptor, mode)
                file.write(content)
            self._move(beside, name)
        except BaseException:
            self.remove(beside)
            raise

    def remove(self, name: str) -> None:
        """Remove a file, or the link that stands in its place; a folder is put aside."""
        try:
            os.unlink(name, dir_fd=self._descriptor)
        except FileNotFoundError:
            pass
        except OSError:
            if not stat.S_ISDIR(self._look_at(name).st_mode):
                raise
            self.put_aside(name)

    def put_aside(self, name: str) -> None:
        """Give what stands at this name another one, and tell. Nothing of it is lost."""
        aside = f"{name}.{token_hex(4)}.odd"
        os.rename(name, aside, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        logger.warning("%s is not what it should be, and is now called %s", self.path / name, aside)

    def lock(self) -> Lock | None:
        """Lock the folder itself; ``None`` if another process has it."""
        return lock(os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._descriptor))

    def make_locked(self, name: str) -> Lock:
        """Make a file that is locked when it is first seen. Whatever stood at this name is gone."""
        beside = f"{Path(name).stem}.new"
        self.remove(beside)
        made = lock(self._make(beside))
        if made is None:
            raise OddFile(errno.EBUSY, "another process has locked it", str(self.path / beside))
        try:
            self._move(beside, name)
        except BaseException:
            made.release()
            raise
        return made

    def lock_file(self, name: str) -> Lock | None:
        """Lock a file, which is made if it isn't there; ``None`` if another process has it."""
        try:
            return lock(self._make(name))
        except FileExistsError:
            return self._lock_existing(name)

    def is_locked(self, name: str) -> bool:
        """Whether a process holds the lock of a file. Raises FileNotFoundError, or OddFile."""
        found = lock(self._open(name, os.O_RDONLY), shared=True)
        if found is None:
            return True
        found.release()
        return False

    def holds(self, name: str, held: Lock) -> bool:
        """Whether the file of this name is still the one that was locked."""
        try:
            found = self._look_at(name)
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == held.identity

    def _lock_existing(self, name: str) -> Lock | None:
        try:
            return lock(self._open(name, os.O_RDWR))
        except OddFile:
            self.put_aside(name)
            return lock(self._make(name))

    def _look_at(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)

    def _make(self, name: str) -> int:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600, dir_fd=self._descriptor)
        self._hand_over(descriptor, None)
        return descriptor

    def _open(self, name: str, flags: int) -> int:
        if not stat.S_ISREG(self._look_at(name).st_mode):
            raise OddFile(errno.EINVAL, "it is no plain file", str(self.path / name))
        descriptor = os.open(name, flags | _SAFELY, dir_fd=self._descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OddFile(errno.EINVAL, "it is no plain file", str(self.path / name))
        return descriptor

    def _move(self, name: str, to: str) -> None:
        try:
            os.replace(name, to, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except IsADirectoryError:
            self.put_aside(to)
            os.replace(name, to, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def _hand_over(self, descriptor: int, mode: int | None) -> None:
        """Give a new file to those whose the folder is: what root counted there is read by the folder's user."""
        owner = self._owner
        for_group = bool(owner.st_mode & stat.S_IWGRP)
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        elif for_group and owner.st_gid in os.getgroups():
            os.fchown(descriptor, -1, owner.st_gid)
        os.fchmod(descriptor, (0o660 if for_group else 0o600) if mode is None else mode)


def refuse_foreign_links(path: Path) -> None:
    """Raises OSError where the way to a folder leads through a symbolic link that is neither this user's nor root's."""
    for part in (path, *path.parents):
        found = part.lstat()
        if stat.S_ISLNK(found.st_mode) and found.st_uid not in {os.geteuid(), 0}:
            raise OSError(errno.EACCES, f"it is a symbolic link of another user (uid {found.st_uid})", str(part))
