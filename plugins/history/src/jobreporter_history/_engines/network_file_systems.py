"""Whether a path lies on a network file system, where SQLite's write-ahead log can't work."""

from __future__ import annotations

import re
from pathlib import Path

# They don't share memory between the machines, or lose locks. A local disk behind FUSE can't be told from a network.
_NETWORK = re.compile(
    r"nfs\d*|cifs|smb\w*|afs|ncpfs|coda|ceph|lustre|gpfs|glusterfs|ocfs2|gfs2|beegfs|orangefs|pvfs2|9p|vboxsf|prl_fs"
    r"|fuse(\..+)?|fuseblk|davfs2?|sshfs|acfs"
)
_MOUNTS = Path("/proc/self/mountinfo")


def network_file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the network file system that the path lies on; ``None`` if it lies on none, or nobody can say.

    path: need not exist. mounts: the kernel's list.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None  # no Linux
    found = path.resolve()
    # Where several are mounted over one another, the last one is seen.
    best, kind = -1, None
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) > 4 and after:
            point = Path(_unescaped(fields[4]))
            if found.is_relative_to(point) and len(point.parts) >= best:
                best, kind = len(point.parts), after.split()[0]
    return kind if kind is not None and _NETWORK.fullmatch(kind) else None


def _unescaped(field: str) -> str:
    """Blanks and backslashes are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
