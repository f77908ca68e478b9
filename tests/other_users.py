"""Being somebody else for a while, where the tests run as root; and a folder that everybody can reach."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

#: Users and a group that no system has.
ANN, BOB, TEAM = 54_321, 54_322, 54_400


def is_root() -> bool:
    return os.geteuid() == 0


@contextmanager
def being(user: int, groups: Sequence[int] = (), umask: int = 0o022) -> Iterator[None]:
    """This process works as that user, whose own group has the same number."""
    before, had = os.umask(umask), os.getgroups()
    try:
        os.setgroups(groups)
        os.setegid(user)
        os.seteuid(user)
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(had)
        os.umask(before)


@contextmanager
def reachable_folder(group: int, mode: int) -> Iterator[Path]:
    """One of root's, with that group and mode."""
    folder = Path(tempfile.mkdtemp(prefix="jobreporter-"))
    try:
        os.chown(folder, -1, group)
        folder.chmod(mode)
        yield folder
    finally:
        shutil.rmtree(folder)
