"""A failure as a notice, Honeybadger's word for one occurrence of an error."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from jobreporter import Failure, Job
from jobreporter_honeybadger._error import described
from jobreporter_honeybadger._known import known, timestamp
from jobreporter_honeybadger._server import Server
from jobreporter_honeybadger._version import __version__

NOTIFIER = {
    "name": "jobreporter-honeybadger",
    "version": __version__,
    "language": "python",
}


def notice_of(failure: Failure, server: Server) -> dict[str, Any]:
    """Everything that is known of the failure. Each call makes another token, which the retries of a notice share."""
    job = failure.job
    notice = {
        "notifier": NOTIFIER,
        "error": {"token": str(uuid4())} | described(failure, server.project_root),
        "request": request_of(failure, server),
        "server": known(
            project_root=server.project_root,
            environment_name=server.environment,
            hostname=server.hostname,
            revision=server.revision,
            pid=server.pid,
            time=timestamp(failure.at),
        ),
    }
    if job.correlation_id:
        notice["correlation_context"] = {"request_id": job.correlation_id}
    return notice


def request_of(failure: Failure, server: Server) -> dict[str, Any]:
    """The job in the place of a web request: its module and function are component and action, its arguments the params."""
    job = failure.job
    module, _, function = job.name.rpartition(".")
    innermost = failure.error.frames[-1] if failure.error.frames else None
    return known(
        component=module or job.source,
        action=function or job.name,
        params=known(args=job.args, kwargs=job.kwargs),
        local_variables=innermost.locals if innermost else None,
        context=known(
            service=server.service,
            job=job_of(job),
            failure=known(
                kind=failure.kind,
                final=failure.final,
                will_retry=failure.will_retry,
                retry_delay=failure.retry_delay,
                duration=failure.duration,
                queue_wait=failure.queue_wait,
                frames_omitted=failure.error.frames_omitted or None,
            ),
            tags=failure.tags,
        ),
    )


def job_of(job: Job) -> dict[str, Any]:
    """The job's own facts, but for its arguments."""
    return known(
        id=job.id,
        execution_id=job.execution_id,
        name=job.name,
        source=job.source,
        queue=job.queue,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        enqueued_at=timestamp(job.enqueued_at),
        scheduled_at=timestamp(job.scheduled_at),
        priority=job.priority,
        worker=job.worker,
        correlation_id=job.correlation_id,
        root_id=job.root_id,
        parent_id=job.parent_id,
        extra=job.extra,
    )
