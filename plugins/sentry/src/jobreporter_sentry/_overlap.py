"""Whether sentry-sdk's own integration for a job queue reports the same failures to the same place."""

from __future__ import annotations

import logging
import os

import sentry_sdk
from sentry_sdk.client import BaseClient
from sentry_sdk.utils import Dsn

from jobreporter import ErrorInfo, Job
from jobreporter_sentry._host import HostOutlet
from jobreporter_sentry._own import OwnOutlet

logger = logging.getLogger("jobreporter.sentry")

#: The integrations of job queues: each is called what jobreporter's source is called.
INTEGRATIONS = ("arq", "celery", "dramatiq", "huey", "rq")


class Overlap:
    """Leaves to such an integration what it sees, so that each failure is reported once, and says so once."""

    def __init__(self, outlet: OwnOutlet | HostOutlet) -> None:
        self._outlet = outlet
        self._told: set[str] = set()
        #: How many failures were left to an integration.
        self.left = 0
        self._tell([name for name in INTEGRATIONS if self._is_active(name)])

    def covers(self, job: Job, error: ErrorInfo) -> bool:
        """Whether the failure is left to an integration.

        It sees what is raised in the job's own process. An error without a stack was not, and neither was what another
        process tells of a job, such as a worker of the child that it has lost.
        """
        if job.source not in INTEGRATIONS or not error.frames or not _ran_here(job) or not self._is_active(job.source):
            return False
        self._tell([job.source])
        self.left += 1
        return True

    def _is_active(self, name: str) -> bool:
        host = sentry_sdk.get_client()
        if host.get_integration(name) is None:
            return False
        return isinstance(self._outlet, HostOutlet) or _project(host) == _project(self._outlet.client)

    def _tell(self, names: list[str]) -> None:
        if new := [name for name in names if name not in self._told]:
            self._told.update(new)
            logger.warning(
                "sentry-sdk's own integrations report failures to the same project: those of %s are left to them; to have"
                " jobreporter report them, pass them to sentry_sdk.init(disabled_integrations=[...])",
                ", ".join(new),
            )


def _ran_here(job: Job) -> bool:
    return job.worker is None or job.worker.endswith(f":{os.getpid()}")


def _project(client: BaseClient) -> tuple[str, str] | None:
    """Where a client reports, whatever key it has."""
    if not client.dsn:
        return None
    dsn = Dsn(client.dsn)
    return dsn.netloc, str(dsn.project_id)
