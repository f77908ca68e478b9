"""An incident: what failed, where, whom, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobreporter_history._display.states import status_of
from jobreporter_history._display.text import ago, clock, fact, number, percent
from jobreporter_history._top import charts, wording
from jobreporter_history._top.lines import Line, Part, blank, flow, heading, safe, wrapped
from jobreporter_history._top.sections import error_lines, listed, titled
from jobreporter_history._top.subject import Room
from jobreporter_history._top.tables import Column, Row, table
from jobreporter_history.store import Execution, Facets, Incident, IncidentDetail, Share, Store, Term

_HOUR = 3600
_HOURS = 72
_NEWEST = 20
_MOST_LOG = 10
_MOST_SHARES = 4


class FoundIncident(NamedTuple):
    """What there is of an incident."""

    detail: IncidentDetail
    facets: Facets
    rows: Sequence[Execution]


class OfIncident(NamedTuple):
    """One incident."""

    number: int

    @property
    def title(self) -> str:
        """Its number."""
        return f"incident {self.number}"

    def ask(self, store: Store) -> FoundIncident | None:
        """All about it."""
        detail = store.incident(self.number)
        if detail is None:
            return None
        rows = store.executions([Term("incident", self.number)], limit=_NEWEST).rows
        return FoundIncident(detail, store.facets(self.number), rows)

    def lines(self, found: FoundIncident | None, room: Room) -> Sequence[Line]:
        """What failed, where, whom, and what happened."""
        width, now = room.width, room.now
        if found is None:
            return wrapped(f"There is no incident {self.number}: old ones that don't fail any more go.", width)
        incident, sample = found.detail.incident, found.detail.sample
        day = sum(cell.failed for cell in found.detail.cells if cell.at >= now - 86_400)
        return [
            *titled(
                [wording.state(status_of(incident)), Part(f" {safe(incident.title)}", "strong")], incident.job, width
            ),
            blank(),
            *flow(
                [
                    [Part(number(day), "bad" if day else "strong"), Part(" in 24 h")],
                    [Part(number(incident.failed), "strong"), Part(" in all")],
                    [Part(number(incident.final), "strong"), Part(" final")],
                    [Part("first "), Part(ago(incident.first_seen, now), "strong")],
                    [Part("last "), Part(ago(incident.last_fail, now), "strong")],
                ],
                width,
            ),
            *_by_hours(found.detail, room),
            *(error_lines(sample.error, width) if sample and sample.error else ()),
            *listed("Executions", wording.executions(found.rows, width, now, name=False), width),
            *_log(found.detail, room),
            *_facets(found.facets, width),
            *_why(incident, width),
        ]


def _by_hours(detail: IncidentDetail, room: Room) -> list[Line]:
    until = -(-room.now // _HOUR) * _HOUR
    hours = [0.0] * _HOURS
    for cell in detail.cells:
        back = int((until - cell.at - 1) // _HOUR)
        if 0 <= back < _HOURS:
            hours[-1 - back] += cell.failed
    if not any(hours):
        return []
    return charts.chart(hours, room.width, 3 if room.height >= 36 else 1, "bad", f"{max(hours):,.0f} an hour, 72 h")


def _log(detail: IncidentDetail, room: Room) -> list[Line]:
    columns = (Column("at", 5), Column("what", 9), Column("why"))
    rows = [
        Row(
            (
                Part(clock(each.at, room.now), "quiet"),
                wording.state(each.happening),
                Part(
                    safe(
                        ", ".join(
                            filter(None, (each.cause, *(fact(name, value) for name, value in each.facts.items())))
                        )
                    ),
                    "quiet",
                ),
            )
        )
        for each in detail.log[:_MOST_LOG]
    ]
    return listed("What happened", table(columns, rows, room.width, titled=False), room.width) if rows else []


def _facets(facets: Facets, width: int) -> list[Line]:
    shares: list[tuple[str, tuple[Share, ...]]] = [
        ("release", facets.releases),
        *facets.tags.items(),
        ("host", facets.hosts),
        ("message", facets.messages),
    ]
    columns = (Column("", 9, right=True), Column("", 5), Column(""))
    rows = [
        Row((Part(percent(each.count, facets.of), "strong"), Part(safe(name), "quiet"), Part(safe(each.value))))
        for name, found in shares
        # What every failure has a value of its own of tells nothing of who or where.
        if found and (found[0].count > 1 or facets.of == 1)
        for each in found[:_MOST_SHARES]
    ]
    if not rows:
        return []
    note = f"of the newest {number(facets.of)}"
    return [blank(), heading("Who and where", width, note), *table(columns, rows, width, titled=False)]


def _why(incident: Incident, width: int) -> list[Line]:
    return [
        blank(),
        heading("Why these are one", width),
        *(line for part in incident.parts for line in wrapped(part, width, "quiet", most=2, indent=2)),
        blank(),
        heading("From the shell", width),
        *wrapped(f"jobreporter incidents resolve {incident.id}", width, indent=2),
        *wrapped(f"jobreporter incidents silence {incident.id} --for 2h", width, indent=2),
    ]
