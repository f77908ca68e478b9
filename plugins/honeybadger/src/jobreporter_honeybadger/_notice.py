"""A failure as a notice, Honeybadger's word for one occurrence of an error."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

from jobreporter import Failure, Job
from jobreporter_honeybadger._data import known, timestamp
from jobreporter_honeybadger._error import described
from jobreporter_honeybadger._server import Server
from jobreporter_honeybadger._version import __version__

NOTIFIER = {
    "name": "jobreporter-honeybadger",
    "version": __version__,
    "language": "python",
}


def notice_of(failure: Failure, server: Server, link: str | None = None) -> dict[str, Any]:
    """Everything that is known of the failure. link: the address of the page about its execution.

    The token that Honeybadger knows a notice by derives from the execution, so that one that is sent again is the same.
    """
    job = failure.job
    notice = {
        "notifier": NOTIFIER,
        "error": {"token": token_of(failure.job)} | described(failure, server.project_root),
        "request": request_of(failure, server) | known(url=link),
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


def token_of(job: Job) -> str:
    """The notice's token, always the same for an execution. Honeybadger wants it to look like a random UUID."""
    digest = sha256(job.execution_id.encode("utf-8", "replace")).digest()
    return str(UUID(bytes=digest[:16], version=4))


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
                exit_status=failure.exit_status,
                duration=failure.duration,
                queue_wait=failure.queue_wait,
                frames_omitted=failure.error.frames_omitted or None,
            ),
            tags=failure.tags,
        ),
    )


def job_of(job: Job) -> dict[str, Any]:
    """The job's own facts, but for its arguments."""
    facts = {field: getattr(job, field) for field in Job.__struct_fields__ if field not in ("args", "kwargs")}
    facts |= {moment: timestamp(facts[moment]) for moment in ("enqueued_at", "scheduled_at")}
    return known(**facts)
