"""What happened to a job as Sentry's events."""

from __future__ import annotations

import copy
import platform
import re
from collections import deque
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sentry_sdk
from sentry_sdk.types import Event

from jobreporter import ABORT_REASONS, Aborted, Context, Failure, Job, Origin
from jobreporter_sentry._captured import LOGGER
from jobreporter_sentry._exceptions import exception_values
from jobreporter_sentry._frames import InApp, Stacks
from jobreporter_sentry._host import HostOutlet
from jobreporter_sentry._options import SentryOptions
from jobreporter_sentry._own import OwnOutlet

# What Sentry takes of a tag.
_KEY, _VALUE = 32, 200
_NOT_IN_KEYS = re.compile(r"[^a-zA-Z0-9_.:-]")

_TIMES = ("enqueued_at", "scheduled_at")
_NOT_FACTS = frozenset(["args", "kwargs"])


class Events:
    """Makes events. ``outlet`` is where they will go: a program's own client has a say in them."""

    def __init__(self, options: SentryOptions, context: Context, outlet: OwnOutlet | HostOutlet) -> None:
        self._options = options
        self._context = context
        self._breadcrumbs: deque[dict[str, Any]] = deque(maxlen=options.max_breadcrumbs)
        include, exclude = [*options.in_app_include], [*options.in_app_exclude]
        if isinstance(outlet, HostOutlet):
            include += outlet.client.options["in_app_include"]
            exclude += outlet.client.options["in_app_exclude"]
        self._in_app = InApp(include, exclude)
        self._sdk = _sdk(context.version) if isinstance(outlet, OwnOutlet) else None

    def failure(self, failure: Failure, origin: Origin) -> Event:
        """The event of a failure: its exceptions, and the job that it is about."""
        event = self._event(failure, origin)
        here = self._context.origin
        stacks = Stacks(
            self._in_app,
            source=self._options.include_source_context,
            files=origin.host == here.host,
            fresh=origin != here,
        )
        event["level"] = "error" if failure.final else self._options.retried_level
        event["exception"] = {"values": exception_values(failure.error, stacks)}
        if failure.kind == "timeout":  # where it ran out of time is chance
            event["fingerprint"] = ["jobreporter.timeout", failure.job.name]
        return event

    def aborted(self, aborted: Aborted, origin: Origin) -> Event:
        """The event of an aborted job: a message."""
        event = self._event(aborted, origin)
        reason = aborted.reason if aborted.reason in ABORT_REASONS else "other"
        event["level"] = "info"
        event["message"] = _summary(aborted)
        event["fingerprint"] = ["jobreporter.aborted", aborted.job.name, reason]
        return event

    def leave_breadcrumb(self, aborted: Aborted) -> None:
        """Keeps a note of an aborted job for the events to come."""
        job = aborted.job
        breadcrumb = {
            "type": "default",
            "category": "job.aborted",
            "level": "info",
            "message": _summary(aborted),
            "data": {"id": job.id, "source": job.source, "queue": job.queue, "attempt": job.attempt},
            "timestamp": instant(aborted.at),
        }
        self._breadcrumbs.append(breadcrumb)

    def _event(self, meta: Failure | Aborted, origin: Origin) -> Event:
        """What all events have."""
        job = meta.job
        event: Event = {
            "event_id": event_id(meta),
            "timestamp": instant(meta.at),
            "platform": "python",
            "logger": LOGGER,
            "transaction": job.name,
            "transaction_info": {"source": "task"},
            "tags": self._tags(meta, origin),
            "contexts": {"job": self._job_context(meta)},
        }
        if origin == self._context.origin:  # what runs an agent says nothing about a worker
            python: dict[str, object] = {
                "name": platform.python_implementation(),
                "version": platform.python_version(),
            }
            event["contexts"]["runtime"] = python
        if job.args or job.kwargs:  # apart from the facts, which would be cut for want of room
            event["contexts"]["job arguments"] = copy.deepcopy({"args": list(job.args), "kwargs": job.kwargs})
        if self._sdk is not None:
            event |= {"server_name": self._options.server_name or origin.host}
        event |= self.deployment(origin)
        if self._breadcrumbs:
            event["breadcrumbs"] = {"values": copy.deepcopy([*self._breadcrumbs])}
        if self._sdk is not None:
            event["sdk"] = self._sdk
        return event

    def deployment(self, origin: Origin) -> Event:
        """Environment and release of the process that ran the job, where the options don't say others.

        Nothing where the program's own client sends, which says this of itself.
        """
        options = self._options
        found: Event = {}
        if self._sdk is None:
            return found
        if (environment := options.environment or origin.environment) is not None:
            found["environment"] = environment
        if (release := options.release or origin.release) is not None:
            found["release"] = release
        return found

    def _job_context(self, meta: Failure | Aborted) -> dict[str, Any]:
        link = self._context.link(meta.job)
        return _facts_of(meta) | ({"page": link} if link is not None else {})

    def _tags(self, meta: Failure | Aborted, origin: Origin) -> dict[str, str]:
        """The tags that the job has set, and the facts that one searches for; of two of one name, the fact is kept."""
        job = meta.job
        facts = {
            "source": job.source,
            "queue": job.queue,
            "job": job.name,
            "attempt": str(job.attempt),
            "service": origin.service,
        }
        if isinstance(meta, Failure):
            facts["final"] = "true" if meta.final else "false"
        tags = meta.tags | {name: value for name, value in facts.items() if value is not None}
        return {_NOT_IN_KEYS.sub("_", name)[:_KEY]: " ".join(value.split())[:_VALUE] for name, value in tags.items()}


def instant(seconds: float | None) -> datetime | None:
    """Unix seconds as Sentry's SDK wants a time; ``None`` for what is none."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def event_id(meta: Failure | Aborted) -> str:
    """By which Sentry knows an event: always the same for an execution, so that one that is sent again is one there."""
    text = f"{type(meta).__name__} {meta.job.execution_id}"
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _facts_of(meta: Failure | Aborted) -> dict[str, Any]:
    """What is known of the job and of this attempt, without its arguments."""
    job = meta.job
    facts = {name: getattr(job, name) for name in Job.__struct_fields__ if name not in _NOT_FACTS}
    facts |= {name: instant(facts[name]) for name in _TIMES}
    names = ("kind", "final", "reason", "will_retry", "retry_delay", "exit_status", "duration", "queue_wait")
    facts |= {name: getattr(meta, name, None) for name in names}
    known = {name: value for name, value in facts.items() if value is not None and value != {}}
    return copy.deepcopy(known)


def _summary(aborted: Aborted) -> str:
    return f"{aborted.job.name} was aborted: {aborted.reason}"


def _sdk(version: str) -> dict[str, Any]:
    packages = [("sentry-sdk", sentry_sdk.VERSION), ("jobreporter", version)]
    return {
        "name": "sentry.python",
        "version": sentry_sdk.VERSION,
        "integrations": ["jobreporter"],
        "packages": [{"name": f"pypi:{name}", "version": version} for name, version in packages],
    }
