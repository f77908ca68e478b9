"""What this process got from whoever started it, before Python changed it: a command should get the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

#: What Python ignores from its start on, whatever was before.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)

# What Python puts into the environment as LC_CTYPE, where neither that nor anything else names a language.
_COERCED = (b"C.UTF-8", b"C.utf8", b"UTF-8")

# A shell ignores for itself what its commands have to ignore, and nothing else. That is not so of other programs.
_SHELLS = frozenset(["sh", "ash", "bash", "busybox", "dash", "fish", "ksh", "mksh", "zsh"])


class Inherited(NamedTuple):
    """By default nothing is known that a process of Python's own wouldn't know."""

    #: All of it, in place of this process's own.
    environment: Mapping[bytes, bytes] | None = None
    #: Those of `IGNORED_BY_PYTHON` that were ignored before.
    ignored: frozenset[int] = frozenset()
    #: The standard streams that were closed.
    closed: frozenset[int] = frozenset()


def inherited(closed: frozenset[int] = frozenset(), proc: Path = Path("/proc")) -> Inherited:
    """What can be found out about that. closed: the standard streams that had to be opened."""
    return Inherited(_environment(proc), _ignored(proc), closed)


def _environment(proc: Path) -> dict[bytes, bytes]:
    """As it was passed. Linux keeps it; elsewhere it is known what Python may have put there."""
    environment: dict[bytes, bytes] = {}
    try:
        block = (proc / "self" / "environ").read_bytes()
    except OSError:
        environment.update(os.environb)
        if environment.get(b"LC_CTYPE") in _COERCED and not {b"LANG", b"LC_ALL"} & environment.keys():
            del environment[b"LC_CTYPE"]
        return environment
    for entry in block.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals:
            environment.setdefault(name, value)  # of two with one name, the first is the one that programs see
    return environment


def _ignored(proc: Path) -> frozenset[int]:
    """Python leaves no trace of it. It is known of a service of systemd's, and of the commands of a shell.

    Of a service it is what systemd does unless its unit says ``IgnoreSIGPIPE=no``.
    """
    if os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()):
        return frozenset([signal.SIGPIPE])
    parent = proc / str(os.getppid())
    try:
        if os.fsdecode((parent / "comm").read_bytes()).strip() not in _SHELLS:
            return frozenset()
        mask = _ignored_mask((parent / "status").read_bytes())
    except OSError:
        return frozenset()
    return frozenset(number for number in IGNORED_BY_PYTHON if mask >> (number - 1) & 1)


def _ignored_mask(status: bytes) -> int:
    return next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith(b"SigIgn:")), 0)
