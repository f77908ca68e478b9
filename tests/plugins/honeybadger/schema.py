"""What Honeybadger takes, field by field, as its documentation has it. Nothing else may be sent."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1)]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]

USER_AGENT = re.compile(r"^jobreporter-honeybadger \d+\.\d+\.\d+; \w+ 3\.\d+\S*; \w+ \w+$")


class Notifier(Struct, forbid_unknown_fields=True):
    name: Text
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$")]
    language: Text


class Call(Struct, forbid_unknown_fields=True):
    number: int
    file: Text
    method: Text
    source: dict[Annotated[str, Meta(pattern=r"^\d+$")], Text] = {}


class Cause(Struct, forbid_unknown_fields=True):
    class_: Text = msgspec.field(name="class")
    message: str
    backtrace: list[Call]


class Error(Struct, forbid_unknown_fields=True):
    token: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    class_: Text = msgspec.field(name="class")
    message: str
    backtrace: list[Call]
    tags: list[Annotated[str, Meta(pattern=r"^[^\s,]+$")]]
    fingerprint: Annotated[str, Meta(pattern=r"^[0-9a-f]{40}$")] | None
    causes: list[Cause]


class Job(Struct, forbid_unknown_fields=True):
    id: Text
    execution_id: Text
    name: Text
    source: Text
    attempt: int
    queue: Text | None = None
    max_attempts: int | None = None
    enqueued_at: Moment | None = None
    scheduled_at: Moment | None = None
    priority: int | None = None
    worker: Text | None = None
    correlation_id: Text | None = None
    root_id: Text | None = None
    parent_id: Text | None = None
    extra: dict[str, Any] = {}


class Failed(Struct, forbid_unknown_fields=True):
    kind: Text
    final: bool
    will_retry: bool | None = None
    retry_delay: float | None = None
    duration: float | None = None
    queue_wait: float | None = None
    frames_omitted: int | None = None


class Context(Struct, forbid_unknown_fields=True):
    job: Job
    failure: Failed
    service: Text | None = None
    tags: dict[str, str] = {}
    trimmed: bool = False


class Params(Struct, forbid_unknown_fields=True):
    args: list[Any] = []
    kwargs: dict[str, Any] = {}


class Request(Struct, forbid_unknown_fields=True):
    component: Text
    action: Text
    context: Context
    params: Params = msgspec.field(default_factory=Params)
    local_variables: dict[str, Any] = {}
    url: Annotated[str, Meta(pattern=r"^https?://\S+$")] | None = None


class Server(Struct, forbid_unknown_fields=True):
    project_root: Text
    hostname: Text
    pid: int
    time: Moment
    environment_name: Text | None = None
    revision: Text | None = None


class Correlation(Struct, forbid_unknown_fields=True):
    request_id: Text


class Notice(Struct, forbid_unknown_fields=True):
    notifier: Notifier
    error: Error
    request: Request
    server: Server
    correlation_context: Correlation | None = None


class Line(Struct, forbid_unknown_fields=True):
    """One Insights event. Honeybadger asks for ``ts`` and ``event_type``; the rest is as the reporter's README has it."""

    ts: Moment
    event_type: Annotated[str, Meta(pattern=r"^job\.(started|success|aborted|failure|stopped)$")]
    job: Text
    job_id: Text
    execution_id: Text
    source: Text
    attempt: int
    hostname: Text
    queue: Text | None = None
    max_attempts: int | None = None
    worker: Text | None = None
    correlation_id: Text | None = None
    service: Text | None = None
    environment: Text | None = None
    revision: Text | None = None
    duration_ms: float | None = None
    queue_wait_ms: float | None = None
    reason: Text | None = None
    will_retry: bool | None = None
    kind: Text | None = None
    final: bool | None = None
    error_class: Text | None = None
    error_message: Text | None = None
    outcome: Text | None = None
    tags: dict[str, str] = {}


def check_notice(body: bytes) -> None:
    """Raises msgspec.ValidationError or DecodeError, which say what is wrong, if the body is no notice."""
    msgspec.json.decode(body, type=Notice)


def check_lines(body: bytes) -> None:
    """Likewise for newline-delimited events, at least one."""
    if not body.endswith(b"\n"):
        raise msgspec.ValidationError("the last line has no end")
    for line in body[:-1].split(b"\n"):
        msgspec.json.decode(line, type=Line)
