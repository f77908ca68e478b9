"""Where an event comes from, as Honeybadger wants to know it."""

from __future__ import annotations

import os
from typing import NamedTuple

from jobreporter import Origin
from jobreporter_honeybadger._options import HoneybadgerOptions


class Server(NamedTuple):
    """The facts that are the same for everything that a process publishes."""

    #: ``None`` where nobody says it: another process has another working directory.
    project_root: str | None
    service: str | None
    environment: str | None
    revision: str | None
    hostname: str
    pid: int

    @classmethod
    def of(cls, options: HoneybadgerOptions, origin: Origin, here: Origin) -> Server:
        """What the options say, and where they don't, the origin. here: this process, which may be an agent."""
        root = options.project_root
        if origin == here:
            root = os.path.abspath(root or os.getcwd())
        return cls(
            project_root=root,
            service=origin.service,
            environment=options.environment or origin.environment,
            revision=options.revision or origin.release,
            hostname=options.hostname or origin.host,
            pid=origin.pid,
        )
