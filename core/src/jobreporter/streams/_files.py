"""Files that several processes have in common, of one user or of users in one group: whose they are, and how to mend that."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat

_SHARED = 0o660
_OWN = 0o600


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


def how_to_open(path: str, *more: str) -> str:
    """What to do about the first of these files and folders that this user may not use, behind a colon; else nothing."""
    for each in (path, *more):
        wanted = os.R_OK | os.W_OK | (os.X_OK if os.path.isdir(each) else 0)
        if os.path.lexists(each) and not may_use(each, wanted):
            return f": {how_to_share(each)}"
    return ""


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
