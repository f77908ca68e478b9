"""Which executions are running, though any Started or Stopped may never have come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from jobreporter_prometheus._figures.families import Key

#: The most executions that are remembered as running.
MOST_RUNNING = 10_000
#: How many ends without a start are remembered, for the process that saw the start.
MOST_ENDED = 100


class Run(NamedTuple):
    """An execution that started. job: the values of its labels. at: when it started (Unix seconds)."""

    job: Key
    at: float


class Age(NamedTuple):
    """How many executions of a job are running, and for how many seconds the oldest of them has been."""

    runs: int
    oldest: float


class Running:
    """Executions by their id. One whose Stopped was lost is forgotten when it is older than ``limit`` seconds."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self.runs: dict[str, Run] = {}
        self.ended_elsewhere: deque[str] = deque(maxlen=MOST_ENDED)
        self._last_ended = ""

    def begin(self, execution_id: str, run: Run) -> None:
        """An execution started."""
        self.runs.pop(execution_id, None)
        self.runs[execution_id] = run
        oldest = next(iter(self.runs))
        if len(self.runs) > MOST_RUNNING or self.runs[oldest].at < run.at - self._limit:
            del self.runs[oldest]

    def end(self, execution_id: str) -> None:
        """An execution ended. It is told by its outcome and by its Stopped, of which one may be missing."""
        if self.runs.pop(execution_id, None) is None and execution_id != self._last_ended:
            self.ended_elsewhere.append(execution_id)
        self._last_ended = execution_id

    def ages(self, now: float) -> dict[Key, Age]:
        """What is running, by the labels of the job."""
        ages: dict[Key, Age] = {}
        ended = set(self.ended_elsewhere)
        for execution_id, run in self.runs.items():
            age = max(0.0, now - run.at)
            if age <= self._limit and execution_id not in ended:
                runs, oldest = ages.get(run.job, Age(0, 0.0))
                ages[run.job] = Age(runs + 1, max(oldest, age))
        return ages

    def add(self, other: Running, fit: Callable[[Key], Key]) -> None:
        """Take what runs in another process. fit: under which labels of a job its executions count here.

        An execution that both know counts once; one that ended in either is over.
        """
        self.runs.update({execution_id: Run(fit(run.job), run.at) for execution_id, run in other.runs.items()})
        self.ended_elsewhere = deque((*self.ended_elsewhere, *other.ended_elsewhere))

    def load(self, runs: dict[str, Run], ended_elsewhere: Iterable[str]) -> None:
        """Take what another process has written down."""
        self.runs = dict(runs)
        self.ended_elsewhere.extend(ended_elsewhere)
