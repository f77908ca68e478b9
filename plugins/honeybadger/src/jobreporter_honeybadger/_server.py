"""Where the reporter runs, as Honeybadger wants to know it."""

from __future__ import annotations

import os
from typing import NamedTuple

from jobreporter import Context
from jobreporter_honeybadger._options import HoneybadgerOptions


class Server(NamedTuple):
    """The facts that are the same for everything that this process sends."""

    project_root: str
    service: str | None
    environment: str | None
    revision: str | None
    hostname: str
    pid: int

    @classmethod
    def of(cls, options: HoneybadgerOptions, context: Context) -> Server:
        """What the options say, and where they don't, the context."""
        return cls(
            project_root=os.path.abspath(options.project_root or os.getcwd()),
            service=context.service,
            environment=options.environment or context.environment,
            revision=options.revision or context.release,
            hostname=options.hostname or context.host,
            pid=context.pid,
        )
