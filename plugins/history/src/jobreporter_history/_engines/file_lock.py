"""A lock beside the file, for what must not happen while another process opens it or puts it aside."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jobreporter_history._engines.trouble import Refused, Unavailable

#: Seconds to wait for another process, which holds it for milliseconds.
_PATIENCE = 5.0
_LOOK = 0.005
_MARK = "jobreporter-history\n"


@contextmanager
def locked(path: Path, gives_way: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Hold the lock of the file. Raises `Unavailable` if another process holds it for too long.

    gives_way: whether it is not to be waited for any longer.
    """
    lock = _lock_of(path)
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except FileNotFoundError as error:
        raise Refused(f"there is no folder {path.parent} for {path.name}") from error
    except PermissionError as error:
        raise Refused(f"this user may not write to {lock}") from error
    try:
        _take(descriptor, lock, gives_way)
        yield
    finally:
        os.close(descriptor)


def mark(path: Path) -> None:
    """Note beside the file, while its lock is held, that it is a history, whatever may become of the file itself."""
    with _lock_of(path).open("r+", encoding="ascii") as lock:
        if lock.read() != _MARK:
            lock.seek(0)
            lock.write(_MARK)


def is_marked(path: Path) -> bool:
    """Whether the file was a history before."""
    try:
        return _lock_of(path).read_text(encoding="ascii", errors="replace") == _MARK
    except OSError:
        return False


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _take(descriptor: int, lock: Path, gives_way: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline or gives_way():
                raise Unavailable(f"another process holds {lock}") from None
            time.sleep(_LOOK)
        else:
            return
