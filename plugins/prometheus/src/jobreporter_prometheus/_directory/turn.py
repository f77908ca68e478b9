"""Whose turn it is to serve the page of a directory."""

from __future__ import annotations

from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._directory.directory import Directory
from jobreporter_prometheus._directory.lock import Lock
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._serving.endpoint import Endpoint, is_taken
from jobreporter_prometheus._serving.request import Access


class PortTaken(OSError):  # noqa: N818 - it names what was found
    """The port belongs to a program that has no part in the directory."""


class Turn:
    """One process's part in serving the page: of those that share a directory and a port, one serves."""

    def __init__(self, access: Access, port: int, page: Page, directory: Directory, clock: Clock = SYSTEM) -> None:
        self._directory = directory
        self._port = port
        self._host = access.host
        self.endpoint = Endpoint(access, port, page, directory.path, clock)
        self._held: Lock | None = None

    def take(self) -> None:
        """Serve the page if no other process does. Raises PortTaken, or another OSError where it can't be served.

        Who serves holds a lock in the directory. Where somebody has removed that, it is taken anew; and a process that comes
        in between finds the port taken, and asks there who it is.
        """
        with self._directory.opened(make=True) as folder:
            name = f"port-{self._port}"
            if self._held is not None and folder.holds(name, self._held):
                return
            held, self._held = self._held, folder.lock_file(name)
        if held is not None:
            held.release()
        if self._held is None or self.endpoint.port is not None:
            return
        try:
            self.endpoint.open()
        except OSError as error:
            self._held.release()
            self._held = None
            if not is_taken(error):
                raise
            if not self.endpoint.is_served_by_another():
                problem = f"port {self._port} of {self._host} is in use by another program"
                raise PortTaken(problem) from error

    def give_up(self) -> None:
        """Free the port for another process."""
        self.endpoint.close()
        if self._held is not None:
            self._held.release()
            self._held = None
