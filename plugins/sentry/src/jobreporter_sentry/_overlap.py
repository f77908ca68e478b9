"""One report of each failure, though the program's own Sentry client reports some of them to the same place."""

from __future__ import annotations

import logging

from sentry_sdk.integrations.logging import ignore_logger

from jobreporter import Failure, Secret
from jobreporter_sentry import _captured
from jobreporter_sentry._projects import is_the_programs

logger = logging.getLogger("jobreporter.sentry")

# Job queues whose own Sentry integrations, and whose log lines, come while the job is still the current execution.
_WHILE_IT_RUNS = frozenset(["celery", "dramatiq", "huey", "rq"])

# What happens to a job from outside, in the words of a failure's kind.
_OF_LOST_PROCESSES = frozenset(["worker_lost", "timeout"])

# What the reporter `log` writes of a failure would be an event of its own, beside the failure's.
ignore_logger("jobreporter.events")


class Overlap:
    """Leaves to the program's own client what that has captured, and says so once.

    dsn: the reporter's own; ``None`` where it sends through the program's client.
    """

    def __init__(self, dsn: Secret | None) -> None:
        self._dsn = dsn
        self._has_told = False

    def may_come_later(self, failure: Failure) -> bool:
        """Whether the program's client may capture the failure after its execution is over: it is worth to wait a moment.

        Of a job whose process is lost, Celery's main process logs it.
        """
        outside = failure.job.source not in _WHILE_IT_RUNS or failure.kind in _OF_LOST_PROCESSES
        return outside and is_the_programs(self._dsn)

    def covers(self, failure: Failure) -> bool:
        """Whether the program's client has captured the failure already, to the same project."""
        later = self.may_come_later(failure)
        if not _captured.take(failure.job.execution_id, failure.error, outside=later) or not is_the_programs(self._dsn):
            return False
        if not self._has_told:
            self._has_told = True
            logger.info(
                "the program's own Sentry client has captured a failure of a %s job and sends it to the same project:"
                " such failures are left to it, and are reported once",
                failure.job.source,
            )
        return True
