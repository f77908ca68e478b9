"""Files that several processes have in common, of one user or of users in one group: whose they are, and how to mend that."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import re
import stat
from collections.abc import Iterable

_SHARED = 0o660
_OWN = 0o600
_SMALL_DISK = 256 * 1024 * 1024
# Locks, appends and atomic renames are not to be relied on there: on some not between machines, on some not at all.
_REFUSED_KINDS = re.compile(r"nfs\d*|cifs|smb\w*|fuse(\..*)?|ceph|afs|lustre|glusterfs")


def share(file: int | str, folder: str) -> None:
    """Let the folder's group have a file that this process has made, and nobody else, whatever the umask is.

    Where this user isn't in that group, the file is the user's alone: the group that it would have instead was meant for
    other things. Raises OSError.
    """
    group = os.stat(folder).st_gid
    if os.stat(file).st_gid != group:
        try:
            os.chown(file, -1, group)
        except PermissionError:
            os.chmod(file, _OWN)
            return
    os.chmod(file, _SHARED)


def has_less_than(size: int, folder: str, more: int = 0) -> bool:
    """Whether fewer bytes of a disk are free, and ``more``. Of one of less than 256 MiB, size is the same part. Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize + more < size * min(1.0, disk.f_blocks * disk.f_frsize / _SMALL_DISK)


def unreliable(folder: str) -> str:
    """Why files in a folder can't be shared there, for behind the folder's name; empty where they can."""
    kind = kind_of_file_system(os.path.realpath(folder))
    if kind is None or not _REFUSED_KINDS.fullmatch(kind):
        return ""
    return f"is on a file system of kind {kind}, whose locks can't be relied on"


def kind_of_file_system(path: str, mounts: Iterable[str] | None = None) -> str | None:
    """What kind of file system an absolute path is on, as Linux calls it; ``None`` where that can't be known."""
    if mounts is None:
        try:
            with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
                mounts = file.readlines()
        except OSError:
            return None
    nearest, kind = "", None
    for line in mounts:
        # 36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw
        left, _, right = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), left.split(" ")[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts at one place, the later one hides the other.
        if inside and len(point) >= len(nearest):
            nearest, kind = point, right.split(" ")[0]
    return kind


def how_to_open(path: str, *more: str) -> str:
    """What to do about the first of these files and folders that this user may not use, behind a colon; else nothing."""
    for each in (path, *more):
        wanted = os.R_OK | os.W_OK | (os.X_OK if os.path.isdir(each) else 0)
        if os.path.lexists(each) and not may_use(each, wanted):
            return f": {how_to_share(each)}"
    return ""


def missing_folder(path: str) -> str:
    """What to do where the folder that a file is to be in doesn't exist, behind a colon; else nothing."""
    folder = os.path.dirname(os.path.abspath(path))
    return "" if os.path.lexists(folder) else f": make the folder {folder!r}, which workers and agents have to share"


def may_use(path: str, wanted: int) -> bool:
    """Whether this process may, as whom it works, where the system can tell that from as whom it was started."""
    return os.access(path, wanted, effective_ids=os.access in os.supports_effective_ids)


def refuse_closed(folder: str) -> None:
    """Raise PermissionError if this user may not make files in a folder."""
    if not may_use(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def how_to_share(path: str) -> str:
    """Whose a file is that this user may not use, or the folder where it is to be, and what to do; for behind a colon."""
    while not os.path.lexists(path) and path not in ("/", ""):
        path = os.path.dirname(path)
    try:
        found = os.stat(path)
    except OSError:
        return "the folders on the way to it are not open to this user"
    user, group = _user(found.st_uid), _group(found.st_gid)
    folder = path if stat.S_ISDIR(found.st_mode) else os.path.dirname(path)
    return (
        f"{path!r} belongs to user {user} and group {group}, with mode {stat.S_IMODE(found.st_mode):04o}, and this is user"
        f" {_user(os.geteuid())}. Run workers and agents as one user, or give them a group in common: chgrp GROUP"
        f" {folder!r}, chmod 2770 {folder!r}, and the same for the files in it"
    )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
