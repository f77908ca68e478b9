"""Where an event comes from, as Honeybadger wants to know it."""

from __future__ import annotations

import os
from typing import NamedTuple

from jobreporter import Origin
from jobreporter_honeybadger._options import HoneybadgerOptions


class Server(NamedTuple):
    """The facts that are the same for everything that a process publishes."""

    project_root: str
    service: str | None
    environment: str | None
    revision: str | None
    hostname: str
    pid: int

    @classmethod
    def of(cls, options: HoneybadgerOptions, origin: Origin) -> Server:
        """What the options say, and where they don't, the origin."""
        return cls(
            project_root=os.path.abspath(options.project_root or os.getcwd()),
            service=origin.service,
            environment=options.environment or origin.environment,
            revision=options.revision or origin.release,
            hostname=options.hostname or origin.host,
            pid=origin.pid,
        )
