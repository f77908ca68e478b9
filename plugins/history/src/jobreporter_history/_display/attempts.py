"""The attempts at the job of an execution, as the page and the terminal show them."""

from __future__ import annotations

from jobreporter_history.store import Execution, Running, Store


def attempts_at(store: Store, run: Execution | Running) -> list[Execution | Running]:
    """Those that have ended, the oldest first, and those that run; one that ended between the two questions is there once.

    Ids of jobs are unique within one queue of one program alone: some count from 1. So others' jobs with the same id aren't
    among them.
    """
    ended = store.attempts(run.job_id)
    known = {each.execution_id for each in ended}
    running = [each for each in store.running(job_id=run.job_id) if each.execution_id not in known]
    found: list[Execution | Running] = [*ended, *running]
    return [each for each in found if _whose(each) == _whose(run)]


def _whose(run: Execution | Running) -> tuple[str, ...]:
    return run.source, run.service, run.environment
