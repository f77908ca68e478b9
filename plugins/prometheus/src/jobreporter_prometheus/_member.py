"""This process's part in a shared directory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from jobreporter_prometheus._directory import PATIENCE, Directory, encode
from jobreporter_prometheus._figures import Figures, Read


class Member:
    """Writes what this process counts, and reads what all have counted.

    read: this process's own figures. Raises OSError where the directory can't be used.
    """

    def __init__(self, directory: Directory, read: Read) -> None:
        self.directory = directory
        self._read = read
        self._token = f"{os.getpid()}-{token_hex(4)}"
        self._alive = directory.join(self._token)
        self._lock = threading.Lock()
        self._left = False
        self._written = ""
        self.write()

    def write(self) -> None:
        """Write what this process has counted up to now. A member that has left writes nothing any more."""
        with self._lock:
            if self._left:
                return
            text = encode(self._read())
            if text != self._written:
                self.directory.write(self._token, text)
                self._written = text

    def read(self) -> Figures:
        """What all have counted, this process included. Also where it ends right after this, its part is in the file."""
        self.write()
        return self.directory.read()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Held by a process that reads what all have counted and sends it on, so that nothing older is sent later."""
        with self.directory.lock("turn").hold(PATIENCE):
            yield

    def leave(self) -> None:
        """Write for the last time, and count as ended."""
        try:
            self.write()
        finally:
            with self._lock:
                self._left = True
                self._alive.release()
