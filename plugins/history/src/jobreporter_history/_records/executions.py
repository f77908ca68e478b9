"""What is known of one execution, as a reader gets it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from jobreporter import ErrorInfo

Outcome = Literal["success", "aborted", "failure"]


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One execution that has ended. Times are Unix seconds, durations are seconds."""

    #: Orders executions by their end, the newest highest: what `Store.executions` takes as ``before``.
    id: int
    execution_id: str
    job_id: str
    #: ``job_id`` of the first job of its line; `Store.line` finds all of them.
    root_id: str | None = None
    #: ``job_id`` of the job that enqueued it.
    parent_id: str | None = None
    correlation_id: str | None = None
    #: The program that ran it, as its ``[context]`` says; empty where that says nothing.
    service: str = ""
    environment: str = ""
    source: str
    #: Empty where the source has no queues.
    queue: str = ""
    #: What the queue calls the job.
    name: str
    outcome: Outcome
    #: Of a failure: ``exception``, ``timeout``, ``worker_lost``, ``exit_code``. Of an aborted job: the reason.
    kind: str | None = None
    #: Of a failure: whether no further attempt follows.
    final: bool = False
    #: ``None``: the source couldn't know.
    will_retry: bool | None = None
    retry_delay: float | None = None
    attempt: int = 1
    max_attempts: int | None = None
    priority: int | None = None
    enqueued_at: float | None = None
    scheduled_at: float | None = None
    #: ``None`` where neither the start was seen nor the duration is known.
    started_at: float | None = None
    #: To the millisecond.
    ended_at: float
    duration: float | None = None
    queue_wait: float | None = None
    #: ``host:pid`` that ran the job.
    worker: str | None = None
    #: ``host:pid`` that reported it.
    process: str | None = None
    release: str | None = None
    #: The number of the incident that the failure belongs to.
    incident: int | None = None
    #: Type and message of a failure's error.
    error_type: str | None = None
    message: str | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    tags: dict[str, str] = {}
    extra: dict[str, Any] = {}
    #: Whether arguments, tags or texts were left out or shortened, because the row would have been too long.
    shortened: bool = False


class ExecutionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One execution with its error as the worker captured it."""

    execution: Execution
    #: ``None`` if it isn't a failure.
    error: ErrorInfo | None = None


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that has started and not ended."""

    execution_id: str
    job_id: str
    root_id: str | None = None
    parent_id: str | None = None
    service: str = ""
    environment: str = ""
    source: str
    queue: str = ""
    name: str
    attempt: int = 1
    max_attempts: int | None = None
    enqueued_at: float | None = None
    scheduled_at: float | None = None
    started_at: float
    worker: str | None = None
    process: str | None = None
    release: str | None = None
    #: Whether the process that reported its start has shown no sign of life for a minute.
    lost: bool = False
    #: The last sign of life of that process.
    seen_at: float | None = None
    #: The median duration of the job's executions in the last day; ``None`` if none succeeded.
    usual: float | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    extra: dict[str, Any] = {}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a list of executions, the newest first."""

    rows: tuple[Execution, ...]
    #: What to pass as ``before`` to go on; ``None`` where nothing older is kept.
    before: int | None = None
    #: Set where the search took too long and ended before it had found as many as were asked for: everything that
    #: ended after this time was searched. Going on at ``before`` finds more.
    searched_back_to: float | None = None


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many executions a filter matches."""

    value: int
    #: Otherwise there are at least so many.
    exact: bool
