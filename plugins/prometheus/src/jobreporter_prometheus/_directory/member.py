"""This process's part in a shared directory."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._directory.directory import Directory
from jobreporter_prometheus._directory.folder import Folder
from jobreporter_prometheus._directory.lock import Lock
from jobreporter_prometheus._figures.figures import Figures, Read
from jobreporter_prometheus._figures.saved import encode
from jobreporter_prometheus._figures.sum import Part

logger = logging.getLogger("jobreporter.prometheus")

#: Seconds to wait for another process that reads what all have counted and sends it on.
PATIENCE = 5.0
#: Seconds between two tries to be next.
_BETWEEN_TRIES = 0.005


class Member:
    """Writes what this process counts, and reads what all have counted.

    read: this process's own figures. Raises OSError where the directory can't be used.
    """

    def __init__(self, directory: Directory, read: Read, clock: Clock = SYSTEM) -> None:
        self.directory = directory
        self._read = read
        self._clock = clock
        self._token = f"{os.getpid()}-{token_hex(4)}"
        self._lock = threading.Lock()
        self._alive: Lock | None = None
        self._left = False
        self._written = b""
        self.write()

    def write(self) -> Figures:
        """Write what this process has counted up to now, and return it. A member that has left writes nothing any more.

        Where somebody has removed its files, or the whole directory, it joins anew.
        """
        with self._lock:
            figures = self._read()
            if not self._left:
                self._write(encode(figures))
            return figures

    def read(self) -> Figures:
        """What all have counted, this process included. Also where it ends right after this, its part is in the file.

        On a disk that is full the figures of this process are in nobody's file yet, and are shown all the same.
        """
        try:
            figures = self.write()
        except OSError as error:
            logger.debug("what this process counts can't be written now: %s", error)
            figures = self._read()
        return self.directory.read(None if self._left else Part(self._token, figures))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Held by a process that reads what all have counted and sends it on, so that nothing older is sent later."""
        deadline = self._clock.monotonic() + PATIENCE
        while (lock := self._try_turn()) is None:
            if self._clock.monotonic() >= deadline:
                raise TimeoutError(
                    f"another process has sent figures of {self.directory.path} for more than {PATIENCE:g} s"
                )
            self._clock.sleep(_BETWEEN_TRIES)
        try:
            yield
        finally:
            lock.release()

    def leave(self) -> None:
        """Write for the last time, and count as ended."""
        try:
            self.write()
        finally:
            with self._lock:
                self._left = True
                if self._alive is not None:
                    self._alive.release()

    def _write(self, content: bytes) -> None:
        with self.directory.opened(make=True) as folder:
            if self._alive is None or not folder.holds(f"{self._token}.live", self._alive):
                self._join(folder, content)
            elif content != self._written or not folder.has(f"{self._token}.json"):
                folder.replace(f"{self._token}.json", content)
            self._written = content

    def _join(self, folder: Folder, content: bytes) -> None:
        if self._alive is not None:
            logger.warning("the files of this process in %s were removed, and are written anew", self.directory.path)
            self._alive.release()
            self._alive = None
        self._alive = self.directory.join(folder, self._token, content)

    def _try_turn(self) -> Lock | None:
        with self.directory.opened(make=True) as folder:
            return folder.lock_file("turn")
