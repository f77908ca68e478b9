"""The mode ``textfile``: a file that the node exporter reads."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import generate_latest

from jobreporter_prometheus._clock import Clock
from jobreporter_prometheus._directory.folder import Folder
from jobreporter_prometheus._directory.member import Member
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._options import PrometheusOptions

#: The node exporter runs as a user of its own, whatever the umask of the command.
MODE = 0o644


class Textfile:
    """Replaces the file as a whole, at the start and whenever something was counted.

    All that is in it has the path of the file as a label: the node exporter puts all files on one page, and refuses a page
    that has something twice.
    """

    def __init__(self, options: PrometheusOptions, member: Member, clock: Clock) -> None:
        self._path = Path(str(options.path))
        self._member = member
        self._page = Page(member.read, clock, more={"textfile": str(self._path.absolute())})
        self.flush()

    def flush(self) -> None:
        """Write the file."""
        self._member.write()
        with self._member.turn(), Folder.opened(self._path.parent) as folder:
            folder.replace(self._path.name, generate_latest(self._page.registry), MODE)

    def tick(self) -> None:
        """Write the file: what runs has grown older."""
        self.flush()

    def stop(self) -> None:
        """What was written stays there."""
        self._member.leave()
