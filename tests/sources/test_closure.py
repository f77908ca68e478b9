"""Every execution closes: started at most once, one outcome, stopped last, whatever happens to the jobs and their workers.

``CLOSURE_JOBS`` says how many jobs to draw for each queue, ``CLOSURE_SEED`` how.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter, defaultdict

import pytest
from conftest import MakeBench
from scenarios import CASES, CUT_OFF, FAILED, FAILED_AT_FIRST, SUCCEEDED, Execution, ran, summary
from suites import SUITES, Suite
from workers import PATIENCE, Bench

JOBS = int(os.environ.get("CLOSURE_JOBS", "60"))
SEED = int(os.environ.get("CLOSURE_SEED", "1"))

#: How a job may end, with how often of a hundred, and what must be reported of its attempts, one by one.
ENDS: dict[str, tuple[int, tuple[Execution, ...]]] = {
    "success": (40, (SUCCEEDED,)),
    "failure": (20, (FAILED_AT_FIRST, FAILED)),
    "flaky": (20, (FAILED_AT_FIRST, SUCCEEDED)),
    "abort": (12, (ran("aborted skipped"),)),
    "death": (8, CASES["child_killed"].executions),
}

CLOSED = re.compile(r"(started; )?(success|aborted|failure)\b[^;]*; stopped \2")


def draw(suite: type[Suite]) -> list[str]:
    """The names of the jobs, each of which says how it ends."""
    weights = {end: weight for end, (weight, _) in ENDS.items()}
    if "child_killed" in suite.not_observable:
        del weights["death"]
    ends = random.Random(SEED).choices(list(weights), weights.values(), k=JOBS)  # noqa: S311 - to be drawn again
    return [f"random-{number}-{end}" for number, end in enumerate(ends)]


def reported(bench: Bench) -> dict[str, list[Execution]]:
    """The executions of each job, in the order of their first events."""
    jobs: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    for call in bench.calls():
        if call.meta is not None:
            jobs[call.meta.job.id].setdefault(call.meta.job.execution_id, []).append(summary(call.meta))
    return {job: [tuple(events) for events in executions.values()] for job, executions in jobs.items()}


def allowed(suite: type[Suite], name: str) -> tuple[list[Execution], ...]:
    """What may be reported of this job."""
    end = name.rpartition("-")[2]
    if end != "death":
        return (list(ENDS[end][1]),)
    # A queue that still has a retry may try the job again, and then nobody kills it.
    return suite.expected("child_killed"), [ran("failure worker_lost will retry"), SUCCEEDED]


def wait_for_all(bench: Bench, suite: type[Suite], names: list[str]) -> None:
    """Wait until all is told, or nothing more has come for a while."""
    told, deadline = -1, 0.0
    while True:
        jobs = reported(bench)
        if all(jobs.get(name) in allowed(suite, name) for name in names):
            return
        if told != (told := sum(map(len, jobs.values()))):
            deadline = time.monotonic() + PATIENCE
        if time.monotonic() > deadline:
            return
        time.sleep(0.05 + JOBS / 10_000)  # between two looks at a file, not in place of one


#: One kind of worker of each source, with children where there are any.
CLOSED_BY = [suite for suite in SUITES if suite.kind == [*suite.source.has_children, *suite.source.kinds][0]]


@pytest.mark.parametrize("suite", CLOSED_BY, ids=lambda suite: suite.__name__)
def test_every_execution_closes(suite: type[Suite], make_bench: MakeBench) -> None:
    """Jobs that succeed, fail, are retried, given up or killed with their process, two at a time."""
    bench = make_bench(suite.source, suite.kind)
    names = draw(suite)
    bench.send(*names)
    bench.start(workers=2)
    wait_for_all(bench, suite, names)
    bench.stop()
    jobs = reported(bench)

    told = f"CLOSURE_JOBS={JOBS} CLOSURE_SEED={SEED}\n{bench.what_the_worker_said()[-2000:]}"
    wrong = {name: jobs.get(name) for name in names if jobs.get(name) not in allowed(suite, name)}
    assert not wrong, told
    cut_off = suite.expected("child_killed") == [CUT_OFF]
    for name, executions in jobs.items():
        for execution in executions:
            if not (cut_off and name.endswith("-death")):
                assert CLOSED.fullmatch("; ".join(execution)), f"{name}: {execution}\n{told}"
    assert Counter(name.rpartition("-")[2] for name in jobs) == Counter(name.rpartition("-")[2] for name in names)
