"""The attempts at the job of an execution and the line that it belongs to, as the page and the terminal show them.

Ids of jobs are unique within one queue of one program alone: some count from 1. So others' jobs with the same id belong to
neither.
"""

from __future__ import annotations

from jobreporter_history.store import Execution, Running, Store

Run = Execution | Running


def attempts_at(store: Store, run: Run) -> list[Run]:
    """Those that have ended, the oldest first, and those that run; one that ended between the two questions is there once."""
    ended = store.attempts(run.job_id, source=run.source, service=run.service, environment=run.environment)
    running = store.running(job_id=run.job_id, source=run.source, service=run.service, environment=run.environment)
    known = {each.execution_id for each in ended}
    return [*ended, *(each for each in running if each.execution_id not in known)]


def line_of(store: Store, run: Run, limit: int) -> list[Run]:
    """The executions of its line, in no order, and some more than once. limit: of those that have ended, the newest.

    A line may lead through several queues and programs, all of one environment. Where two programs each have a first job
    with the same id, those are two lines.
    """
    root, environment = run.root_id or run.job_id, run.environment
    # The first job of a line need not say that it is the first.
    first: list[Run] = [
        *store.attempts(root, environment=environment),
        *store.running(job_id=root, environment=environment),
    ]
    found: list[Run] = [
        *store.line(root, environment=environment, limit=limit),
        *store.running(root_id=root, environment=environment),
        *first,
    ]
    begun_by = {_whose(each) for each in first}
    others = begun_by - {_whose(run)} if _whose(run) in begun_by else set()
    return [each for each in found if _whose(each) not in others]


def _whose(run: Run) -> tuple[str, str]:
    return run.source, run.service
