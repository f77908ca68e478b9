"""What executions add up to."""

from __future__ import annotations

import msgspec

from jobreporter_history._histogram import Histogram


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Executions that ended within some time, added up."""

    succeeded: int = 0
    aborted: int = 0
    failed: int = 0
    #: Of the failed ones, those that no further attempt follows.
    final: int = 0
    #: Of the failed and the aborted ones, those that another attempt follows.
    retried: int = 0
    #: Seconds, of all that have a known duration.
    duration_sum: float = 0.0
    durations: Histogram = Histogram()
    wait_sum: float = 0.0
    waits: Histogram = Histogram()

    @property
    def runs(self) -> int:
        """All that ended, whatever the outcome."""
        return self.succeeded + self.aborted + self.failed


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one step of time."""

    #: Where the step begins (Unix seconds).
    at: float
    figures: Figures


class JobFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One job in one queue."""

    service: str
    environment: str
    source: str
    queue: str
    name: str
    figures: Figures
    #: One for each step in which something ended, in order.
    points: tuple[Point, ...] = ()


class QueueFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One queue."""

    service: str
    environment: str
    source: str
    queue: str
    figures: Figures
    points: tuple[Point, ...] = ()


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that ended within a range of time."""

    #: The range (Unix seconds), wide enough that it begins and ends between two steps.
    since: float
    until: float
    #: Seconds.
    step: float
    figures: Figures
    points: tuple[Point, ...]
    queues: tuple[QueueFigures, ...]
    jobs: tuple[JobFigures, ...]
