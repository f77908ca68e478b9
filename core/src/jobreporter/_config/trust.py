"""Whom a config may belong to, since it decides what code runs: root, this user, and whom the environment allows."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from jobreporter._config.wording import quoted
from jobreporter.text import one_line

TRUST = "JOBREPORTER_TRUST"
# Links from link to link; the system follows 40.
_MOST_LINKS = 40


def distrust_of_file(path: Path, status: os.stat_result, environ: Mapping[str, str]) -> str | None:
    """Why a config can't be trusted, and what to do about it; ``None`` if only root and this user may have written it.

    path: as it was asked for. A link on the way to the file counts as well: whoever owns it chose the file. status: that
    of the file itself, of the moment when it was read.
    """
    for link in _links(path):
        try:
            owner = os.lstat(link).st_uid
        except OSError:
            continue
        what = f"is reached through the link {one_line(str(link), 400)!r}, which "
        if problem := _distrust_of_owner(owner, link, environ, what=what):
            return problem
    if status.st_mode & stat.S_IWOTH:
        return "may be written by everybody, who could then decide what runs here: run chmod o-w on it"
    return _distrust_of_owner(status.st_uid, path, environ, what="")


def distrust_of_folder(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Why no code is taken from a folder, ``None`` if only root and this user may have put it there."""
    try:
        status = folder.stat()
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if status.st_mode & stat.S_IWOTH:
        return "may be written by everybody, who could then decide what runs here"
    return _distrust_of_owner(status.st_uid, folder, environ, what="")


def _distrust_of_owner(owner: int, path: Path, environ: Mapping[str, str], *, what: str) -> str | None:
    user = os.geteuid()
    entries = [Path(entry.strip()) for entry in environ.get(TRUST, "").split(":") if entry.strip()]
    # An entry that isn't absolute would depend on where this runs, and trust somebody there whom nobody thought of.
    if owner in (user, 0) or any(entry.is_absolute() and _covers(entry, path) for entry in entries):
        return None
    relative = next((entry for entry in entries if not entry.is_absolute()), None)
    return (
        f"{what}belongs to {_name(owner)}: expected it to belong to {_name(user)}, who runs this, or to root."
        f" Change its owner, or set {TRUST}={one_line(str(path), 400)} if you trust what is written there"
        + (f" (its entry {quoted(relative)} doesn't count, since it is no absolute path)" if relative else "")
    )


def _covers(trusted: Path, path: Path) -> bool:
    """Whether ``path`` itself, and not what it may be a link to, is ``trusted`` or lies within it."""
    place = Path(os.path.realpath(path.parent)) / path.name
    return any(place.is_relative_to(each) for each in (trusted, Path(os.path.realpath(trusted)))) or path == trusted


def _links(path: Path) -> Iterator[Path]:
    """The link that ``path`` is, and those that it leads to."""
    for _ in range(_MOST_LINKS):
        if not path.is_symlink():
            return
        yield path
        path = path.parent / os.readlink(path)


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name!r}"
    except KeyError:
        return f"user {uid}"
