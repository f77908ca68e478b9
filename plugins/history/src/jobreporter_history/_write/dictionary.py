"""What many rows refer to by a number: series, releases, errors, incidents.

They are made before the rows, in a short transaction of their own: writers that meet a new job at the same time would
otherwise wait for each other, and for as long as a whole batch takes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jobreporter_history._calendar import table_of
from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._incidents.fingerprint import RULE, Fingerprint
from jobreporter_history._rows.error_body import Body
from jobreporter_history._rows.events import Begun, Ended
from jobreporter_history._rows.series import OTHERS, Release, Series
from jobreporter_history._write.batch import Batch

#: So many series are told apart, and so many incidents are kept; what is more counts as one.
MOST_SERIES = 2000
MOST_INCIDENTS = 10_000

_MOST_ERRORS = 10_000


class Dictionary:
    """The numbers that are known already."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        """Look everything up anew: it may have gone, or never have come."""
        self._series: dict[Series, int] = {}
        self._releases: dict[Release, tuple[int, float]] = {}
        self._errors: dict[str, int] = {}
        self._incidents: dict[str, int] = {}

    def series(self, series: Series) -> int:
        """The number of a series that was learnt."""
        return self._series[series]

    def release(self, release: Release | None) -> int | None:
        """The number of a release that was learnt."""
        return None if release is None else self._releases[release][0]

    def incident(self, fingerprint: Fingerprint | None) -> int | None:
        """The number of an incident that was learnt."""
        return None if fingerprint is None else self._incidents[fingerprint.value]

    def is_other(self, number: int) -> bool:
        """Whether the series stands for all that are too many."""
        return self._series.get(OTHERS) == number

    def learn(self, batch: Batch) -> None:
        """See to it that everything in the batch has a number."""
        told = [each for _, told in batch for each in (told.begun, told.ended) if each is not None]
        series = sorted({each.series for each in told} - self._series.keys())
        releases = self._new_releases(told)
        ended = [each for each in told if isinstance(each, Ended)]
        errors = self._new_errors(ended)
        incidents = {each.incident.value: each for each in ended if each.incident is not None}
        new = [incidents[value] for value in sorted(incidents.keys() - self._incidents.keys())]
        if not (series or releases or errors or new):
            return
        with self._database.writing() as connection:
            self._learn_series(connection, series)
            self._learn_releases(connection, releases)
            self._learn_errors(connection, errors)
            self._learn_incidents(connection, new)

    def _new_releases(self, told: Sequence[Begun | Ended]) -> dict[Release, float]:
        """The releases that are unknown, or now seen to be older than was known, with when they were seen."""
        found: dict[Release, float] = {}
        for each in told:
            if each.release is not None:
                at = min(each.at, found.get(each.release, each.at))
                if at < self._releases.get(each.release, (0, float("inf")))[1]:
                    found[each.release] = at
        return found

    def _new_errors(self, ended: Sequence[Ended]) -> dict[str, tuple[int, Body]]:
        """The bodies that aren't known to be there in that month."""
        found: dict[str, tuple[int, Body]] = {}
        for each in ended:
            if each.body is not None and self._errors.get(each.body.hash, 0) < (month := month_of(each.at)):
                found[each.body.hash] = (max(month, found.get(each.body.hash, (0,))[0]), each.body)
        return found

    def _learn_series(self, connection: Connection, series: Sequence[Series]) -> None:
        if not series:
            return
        columns = "service, environment, source, queue, name"
        known = {Series(*rest): number for number, *rest in connection.rows(f"SELECT id, {columns} FROM series")}
        room = max(MOST_SERIES - len(known), 0)
        new = [each for each in series if each not in known]
        wanted = new[:room] + ([OTHERS] if len(new) > room and OTHERS not in known else [])
        connection.run_many(
            f"INSERT INTO series ({columns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", sorted(wanted)
        )
        if wanted:
            known = {Series(*rest): number for number, *rest in connection.rows(f"SELECT id, {columns} FROM series")}
        for each in series:
            self._series[each] = known[each] if each in known else known[OTHERS]
        if OTHERS in known:
            self._series[OTHERS] = known[OTHERS]

    def _learn_releases(self, connection: Connection, releases: dict[Release, float]) -> None:
        for release in sorted(releases):
            at = releases[release]
            connection.run(
                "INSERT INTO release (service, environment, name, first_seen) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (service, environment, name) DO UPDATE SET first_seen = excluded.first_seen"
                " WHERE release.first_seen > excluded.first_seen",
                (*release, at),
            )
            number, first_seen = _known(
                connection.row(
                    "SELECT id, first_seen FROM release WHERE service = ? AND environment = ? AND name = ?", release
                )
            )
            self._releases[release] = (number, first_seen)

    def _learn_errors(self, connection: Connection, errors: dict[str, tuple[int, Body]]) -> None:
        connection.run_many(
            "INSERT INTO error (hash, used, body) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET used = excluded.used"
            " WHERE error.used < excluded.used",
            [(body.hash, month, body.stored) for _, (month, body) in sorted(errors.items())],
        )
        if len(self._errors) > _MOST_ERRORS:
            self._errors.clear()
        self._errors.update({body.hash: month for month, body in errors.values()})

    def _learn_incidents(self, connection: Connection, ended: Sequence[Ended]) -> None:
        if not ended:
            return
        [(count,)] = connection.rows("SELECT count(*) FROM incident")
        for each in ended:
            assert each.incident is not None  # noqa: S101 - the caller looked
            value = each.incident.value
            number = self._find(connection, value)
            if number is None and count >= MOST_INCIDENTS:
                # Whoever makes them up without end still gets told, of one incident.
                folded = Fingerprint(f"{RULE}{OTHERS.name}", (OTHERS.name,), "exception", "")
                number = self._find(connection, folded.value) or self._make(connection, each, folded)
            elif number is None:
                number = self._make(connection, each, each.incident)
                count += 1
            self._incidents[value] = number

    def _find(self, connection: Connection, value: str) -> int | None:
        found = connection.row("SELECT id FROM incident WHERE fingerprint = ?", (value,))
        return found[0] if found else None

    def _make(self, connection: Connection, ended: Ended, fingerprint: Fingerprint) -> int:
        series = ended.series
        connection.run(
            "INSERT INTO incident (fingerprint, service, environment, job, kind, type, parts, failed, final, state, seq)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 'pending', 0) ON CONFLICT DO NOTHING",
            (
                fingerprint.value,
                series.service,
                series.environment,
                series.name,
                fingerprint.kind,
                fingerprint.type,
                json.dumps(fingerprint.parts),
            ),
        )
        number: int = _known(connection.row("SELECT id FROM incident WHERE fingerprint = ?", (fingerprint.value,)))[0]
        return number


def month_of(at: float) -> int:
    """The month of a time, as a number that grows."""
    return int(table_of("bad", at).name.removeprefix("bad_"))


def _known(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    assert row is not None  # noqa: S101 - it was made a moment ago, in this transaction
    return row
