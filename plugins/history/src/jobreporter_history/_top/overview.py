"""The first screen: what needs somebody, what runs, and every job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jobreporter_history._display.ranges import USUAL_RANGE
from jobreporter_history._display.text import about, ago, duration, number, percent
from jobreporter_history._top import charts, wording
from jobreporter_history._top.filter import Filter
from jobreporter_history._top.lines import Line, Part, Target, blank, cut, flow, heading, safe
from jobreporter_history._top.snapshot import Snapshot, View, narrowed, taken
from jobreporter_history._top.subject import Room
from jobreporter_history._top.tables import Column, Row, table
from jobreporter_history.store import Figures, JobFigures, Running, Store

#: Times its usual duration, after which an execution is marked.
_LONG = 4.0
_MOST_JOBS = 500

#: How jobs can be ordered, each with what comes first.
ORDERS: dict[str, Callable[[JobFigures], Any]] = {
    "most failures": lambda each: (-each.figures.failed, -each.figures.runs, each.name),
    "most runs": lambda each: (-each.figures.runs, each.name),
    "slowest": lambda each: (-(each.figures.durations.quantile(0.95) or 0.0), each.name),
    "by name": lambda each: (each.name, each.source, each.queue),
}


class Overview(NamedTuple):
    """The subject of the first screen."""

    range: str = USUAL_RANGE
    only: Filter = Filter()
    order: str = next(iter(ORDERS))
    #: The sections that are shown in full.
    expanded: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """What is left of everything."""
        return safe(self.only.text)

    def ask(self, store: Store) -> Snapshot:
        """A snapshot of the store."""
        return taken(store, self.range)

    def lines(self, found: Snapshot, room: Room) -> Sequence[Line]:
        """Numbers and charts, then the three sections."""
        view = narrowed(found, self.only)
        return [
            *_numbers(view, room.width),
            *_charts(view, room),
            blank(),
            *self._needs(view, room),
            blank(),
            *self._running(view, room),
            blank(),
            *self._jobs(view, room.width),
        ]

    def _needs(self, view: View, room: Room) -> list[Line]:
        rows = [*wording.incidents(view.needs, room.width, room.now), *(_lost(each, room.now) for each in view.lost)]
        if not rows:
            return [heading("Needs you", room.width, "nothing: no incident is open, no execution is lost")]
        shown, more = self._limited("needs", rows, max(room.height // 4, 3), room.width)
        return [
            heading("Needs you", room.width, number(len(rows))),
            *table(wording.INCIDENT_COLUMNS, shown, room.width, titled=False),
            *more,
        ]

    def _running(self, view: View, room: Room) -> list[Line]:
        if not view.running:
            return [heading("Running now", room.width, "nothing")]
        columns = (
            Column("job", tail=True),
            Column("queue", 2),
            Column("worker", 1),
            Column("usually", 6, right=True),
            Column("for", 9, right=True),
        )
        rows = [
            Row(
                (
                    Part(safe(each.name)),
                    wording.queue(each),
                    Part(safe(each.worker or each.process or ""), "quiet"),
                    Part("" if each.usual is None else f"usually {about(each.usual)}", "quiet"),
                    Part(
                        duration(took := max(room.now - each.started_at, 0.0)),
                        "warn" if each.usual and took > _LONG * each.usual else "strong",
                    ),
                ),
                Target("execution", each.execution_id),
            )
            for each in view.running
        ]
        shown, more = self._limited("running", rows, max(room.height // 5, 3), room.width)
        note = f"{number(view.running_count)}, the longest first"
        return [heading("Running now", room.width, note), *table(columns, shown, room.width, titled=False), *more]

    def _jobs(self, view: View, width: int) -> list[Line]:
        jobs = sorted(view.overview.jobs, key=ORDERS[self.order])
        if not jobs:
            nothing = "no job that the filter takes ended" if self.only else "none ended"
            return [heading("Jobs", width, f"{nothing} in the last {view.range}")]
        columns = (
            Column("job", tail=True),
            Column("queue", 3),
            Column("runs", 8, right=True),
            Column("", 5),
            Column("failed", 9, right=True),
            Column("", 4),
            Column("p50", 2, right=True),
            Column("p95", 7, right=True),
            Column("wait p95", 1, right=True),
        )
        cells = 12 if width < 120 else 24
        rows = [_job(each, view, cells) for each in jobs[:_MOST_JOBS]]
        note = f"{number(len(jobs))}, {self.order}"
        return [heading("Jobs", width, note), *table(columns, rows, width)]

    def _limited(self, section: str, rows: list[Row], most: int, width: int) -> tuple[list[Row], list[Line]]:
        if len(rows) <= most or section in self.expanded:
            return rows, []
        said = cut(f"… {number(len(rows) - most + 1)} more", width)
        return rows[: most - 1], [Line([Part(said, "quiet")], Target("more", section))]


def _numbers(view: View, width: int) -> list[Line]:
    figures = view.overview.figures
    return flow(
        [
            [Part(number(figures.runs), "strong"), Part(" executions")],
            [
                Part(number(figures.failed), "bad" if figures.failed else "strong"),
                Part(f" failed, {percent(figures.failed, figures.runs)}"),
            ],
            [Part(number(figures.final), "bad" if figures.final else "strong"), Part(" final")],
            [Part(about(figures.waits.quantile(0.95)), "strong"), Part(" wait p95")],
            [Part(number(view.running_count), "strong"), Part(" running")],
        ],
        width,
    )


def _charts(view: View, room: Room) -> list[Line]:
    def each_step(value: Callable[[Figures], float]) -> list[float]:
        overview = view.overview
        return charts.steps(overview.points, overview.since, overview.until, overview.step, value)

    runs, failed = each_step(lambda each: each.runs), each_step(lambda each: each.failed)
    if not any(runs):
        return []
    tall = room.height >= 36
    tops = [f"{max(runs):,.0f} runs", f"{max(failed):,.0f} failed"]
    widest = max(map(len, tops if any(failed) else tops[:1]))
    lines = charts.chart(runs, room.width, 3 if tall else 1, "quiet", tops[0].ljust(widest))
    if any(failed):
        lines += charts.chart(failed, room.width, 2 if tall else 1, "bad", tops[1].ljust(widest))
    return lines


def _lost(run: Running, now: float) -> Row:
    return Row(
        (
            wording.state("lost"),
            Part(safe(f"{run.name} on {run.worker or run.process or 'a worker'}"), "strong"),
            Part(""),
            Part(""),
            Part(ago(run.seen_at or run.started_at, now), "quiet"),
        ),
        Target("execution", run.execution_id),
    )


def _job(job: JobFigures, view: View, cells: int) -> Row:
    figures = job.figures
    overview = view.overview

    def spark(value: Callable[[Figures], float]) -> str:
        return charts.spark(charts.steps(job.points, overview.since, overview.until, overview.step, value), cells)

    return Row(
        (
            Part(safe(job.name)),
            wording.queue(job),
            Part(number(figures.runs)),
            Part(spark(lambda each: each.runs), "quiet"),
            Part(
                percent(figures.failed, figures.runs) if figures.failed else "0", "bad" if figures.failed else "quiet"
            ),
            Part(spark(lambda each: each.failed) if figures.failed else "", "bad"),
            Part(about(figures.durations.quantile(0.5))),
            Part(about(figures.durations.quantile(0.95))),
            Part(about(figures.waits.quantile(0.95)), "quiet"),
        ),
        Target("job", job.name),
    )
