"""A job: its figures over time, its incidents, its latest executions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobreporter_history._display.ranges import RANGES
from jobreporter_history._display.text import about, duration, number, percent
from jobreporter_history._top import charts, wording
from jobreporter_history._top.lines import Line, Part, Style, blank, clipped, flow, heading, safe
from jobreporter_history._top.sections import listed
from jobreporter_history._top.subject import Room
from jobreporter_history._top.tables import table
from jobreporter_history.store import Execution, Figures, Incident, Point, Running, Store, Term

_NEWEST = 20


class FoundJob(NamedTuple):
    """What there is of a job."""

    since: float
    until: float
    step: float
    figures: Figures
    points: Sequence[Point]
    incidents: Sequence[Incident]
    running: Sequence[Running]
    rows: Sequence[Execution]


class OfJob(NamedTuple):
    """One job, wherever it runs."""

    name: str
    range: str

    @property
    def title(self) -> str:
        """Its name."""
        return safe(self.name)

    def ask(self, store: Store) -> FoundJob:
        """All about it."""
        now = store.now()
        since = now - RANGES[self.range]
        step, figures, points = store.job(self.name, since, now)
        return FoundJob(
            since // step * step,
            -(-now // step) * step,
            step,
            figures,
            points,
            store.incidents(("open", "flapping"), job=self.name, limit=_NEWEST),
            [each for each in store.running() if each.name == self.name],
            store.executions([Term("name", self.name)], limit=_NEWEST).rows,
        )

    def lines(self, found: FoundJob, room: Room) -> Sequence[Line]:
        """Its figures over time, its incidents, its latest executions."""
        width, figures = room.width, found.figures
        tall = room.height >= 36

        def drawn(title: str, values: Sequence[float], style: Style, top: str) -> list[Line]:
            if not any(values):
                return []
            height = 3 if tall else 1
            return [heading(title, width), *charts.chart(values, width, height, style, top)]

        runs = charts.steps(found.points, found.since, found.until, found.step, lambda each: each.runs)
        failed = charts.steps(found.points, found.since, found.until, found.step, lambda each: each.failed)
        slow = charts.steps(
            found.points, found.since, found.until, found.step, lambda each: each.durations.quantile(0.95) or 0.0
        )
        incidents = table(
            wording.INCIDENT_COLUMNS,
            wording.incidents(found.incidents, width, room.now, job=False),
            width,
            titled=False,
        )
        return [
            Line(clipped([Part(f"last {self.range}  ", "quiet"), Part(safe(self.name), "strong")], width)),
            *flow(
                [
                    [Part(number(figures.runs), "strong"), Part(" runs")],
                    [
                        Part(number(figures.failed), "bad" if figures.failed else "strong"),
                        Part(f" failed, {percent(figures.failed, figures.runs)}"),
                    ],
                    *(
                        [Part(f"{name} "), Part(about(figures.durations.quantile(q)), "strong")]
                        for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
                    ),
                    [Part("wait p95 "), Part(about(figures.waits.quantile(0.95)), "strong")],
                    [Part(number(len(found.running)), "strong"), Part(" running")],
                ],
                width,
            ),
            blank(),
            *drawn("Runs", runs, "quiet", f"{max(runs):,.0f}"),
            *drawn("Failures", failed, "bad", f"{max(failed):,.0f}"),
            *drawn("p95", slow, "quiet", duration(max(slow))),
            *(listed("Incidents", incidents, width) if found.incidents else ()),
            *listed("Latest", wording.executions(found.rows, width, room.now, name=False), width),
        ]
