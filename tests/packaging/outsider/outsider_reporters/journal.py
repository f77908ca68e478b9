"""Writes down every call of every hook, with every argument that the hook offers, as one line of JSON."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from msgspec import to_builtins

from jobreporter import (
    Aborted,
    Context,
    ErrorInfo,
    Failure,
    Frame,
    Job,
    Options,
    Secret,
    Started,
    Stopped,
    Success,
    hookimpl,
)


class JournalOptions(Options):
    """``[reporters.journal]``."""

    path: str
    token: Secret
    #: The name of a job on whose success the journal crashes.
    poison: str | None = None


class Journal(NamedTuple):
    """The state."""

    options: JournalOptions
    #: How many outcomes came since the start.
    outcomes: int = 0

    def write(self, hook: str, **arguments: object) -> None:
        """One call; of the state, what counts."""
        with open(self.options.path, "a", encoding="utf-8") as file:
            file.write(json.dumps([hook, to_builtins({**arguments, "state": self.outcomes})]) + "\n")

    def one_more(self) -> Journal:
        """The state after an outcome."""
        return self._replace(outcomes=self.outcomes + 1)


@hookimpl
def reporter_start(options: JournalOptions, context: Context) -> Journal:
    every: dict[str, Any] = {name: getattr(context, name) for name in context.__struct_fields__}
    facts = {name: fact for name, fact in every.items() if not callable(fact)}
    journal = Journal(options)
    journal.write("reporter_start", options=repr(options), context={**facts, "stats": sorted(context.stats())})
    return journal


# A hook names its arguments in any order.


@hookimpl
def handle_started(state: Journal, job: Job, meta: Started) -> None:
    state.write("handle_started", job=job, meta=meta)


@hookimpl
def handle_success(job: Job, meta: Success, state: Journal) -> Journal:
    state.write("handle_success", job=job, meta=meta)
    if job.name == state.options.poison:
        raise RuntimeError("poisoned")
    return state.one_more()


@hookimpl
def handle_aborted(meta: Aborted, state: Journal, job: Job) -> Journal:
    state.write("handle_aborted", job=job, meta=meta)
    return state.one_more()


@hookimpl
def handle_failure(stacktrace: tuple[Frame, ...], state: Journal, error: ErrorInfo, meta: Failure, job: Job) -> Journal:
    state.write("handle_failure", job=job, error=error, stacktrace=stacktrace, meta=meta)
    return state.one_more()


@hookimpl
def handle_stopped(meta: Stopped, job: Job, state: Journal) -> None:
    state.write("handle_stopped", job=job, meta=meta)


@hookimpl
def reporter_flush(state: Journal) -> None:
    state.write("reporter_flush")


@hookimpl
def reporter_stop(state: Journal) -> None:
    state.write("reporter_stop")
