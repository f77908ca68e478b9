"""Figures of ranges of time, out of the rollups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._read.names import Names
from jobreporter_history._records.figures import Figures, JobFigures, Overview, Point, QueueFigures
from jobreporter_history._rollups import CELL, RESOLUTIONS, Cell
from jobreporter_history._rows.series import Series

# Steps that read well on an axis of time, in seconds. None is of half a day: whole ones are a cell each.
_STEPS = (60, 120, 300, 600, 1800, 3600, 10_800, 21_600, 86_400, 7 * 86_400)
_MOST_POINTS = 60
_COUNTS = ("ok", "aborted", "failed", "final", "retried")


def step_for(seconds: float) -> int:
    """The shortest step that makes no more points of a range than one can tell apart."""
    return next((step for step in _STEPS if seconds / step <= _MOST_POINTS), _STEPS[-1])


def resolution_for(step: float, since: float, now: float) -> int:
    """The longest cells that make up such steps; longer ones where the range is so old that no shorter ones are kept."""
    kept = [res for res, keep in RESOLUTIONS.items() if keep is None or since >= now - keep]
    fitting = [res for res in kept if step % res == 0]
    return max(fitting) if fitting else min(kept)


class Range(NamedTuple):
    """A range of time, as it is asked for."""

    since: float
    until: float
    now: float
    #: Seconds; ``None``: what reads well.
    step: int | None = None

    def grid(self) -> Grid:
        """The range as whole steps, and the steps as whole cells."""
        asked = self.step or step_for(self.until - self.since)
        res = resolution_for(asked, self.since, self.now)
        step = max(res, -(-asked // res) * res)  # cells can't be divided
        return Grid(res, step, int(self.since // step) * step, -int(-self.until // step) * step)


class Grid(NamedTuple):
    """Steps from ``begin`` to ``end``, of ``step`` seconds each, in cells of ``res`` seconds."""

    res: int
    step: int
    begin: int
    end: int


def overview(connection: Connection, names: Names, asked: Range) -> Overview:
    """Everything that ended within the range."""
    _, step, begin, end = grid = asked.grid()
    series = names.all_series(connection)
    totals = _totals(connection, begin, end, asked.now)
    counted = _counted(connection, grid)
    return Overview(
        since=begin,
        until=end,
        step=step,
        figures=_sum(totals.values()).figures(),
        points=_points(_by_step(counted.values())),
        queues=tuple(
            QueueFigures(**_fields(key, "service", "environment", "source", "queue"), figures=figures, points=points)
            for key, figures, points in _grouped(totals, counted, series, lambda each: each._replace(name=""))
        ),
        jobs=tuple(
            JobFigures(**key._asdict(), figures=figures, points=points)
            for key, figures, points in _grouped(totals, counted, series, lambda each: each)
        ),
    )


def job(connection: Connection, ids: Iterable[int], asked: Range) -> tuple[float, tuple[Point, ...]]:
    """The step, and the figures of each step for some series together, with their durations."""
    res, step, begin, end = asked.grid()
    cells: dict[int, Cell] = {}
    for number in ids:
        sql = f"SELECT t, {', '.join(CELL)} FROM rollup WHERE series = ? AND res = ? AND t >= ? AND t < ?"
        for t, *row in connection.rows(sql, (number, res, begin, end)):
            cells.setdefault(t // step * step, Cell()).add(tuple(row))
    return step, _points(cells)


def total_of(connection: Connection, ids: Iterable[int], asked: Range) -> Figures:
    """The figures of some series together within a range, to the minute."""
    return _sum(_of_series(connection, ids, asked).values()).figures()


def totals_of(connection: Connection, ids: Iterable[int], asked: Range) -> dict[int, Figures]:
    """The figures of each of some series within a range, to the minute. Those that nothing is known of are left out."""
    return {number: cell.figures() for number, cell in _of_series(connection, ids, asked).items()}


def _of_series(connection: Connection, ids: Iterable[int], asked: Range) -> dict[int, Cell]:
    return _totals(connection, int(asked.since // 60) * 60, -int(-asked.until // 60) * 60, asked.now, sorted(set(ids)))


def _totals(
    connection: Connection, begin: int, end: int, now: float, only: Sequence[int] | None = None
) -> dict[int, Cell]:
    """By series, out of as few cells as will do: long ones in the middle of the range, shorter ones at its ends.

    only: of these series; by default of all.
    """
    cells: dict[int, Cell] = {}
    for res, since, until in _cover(begin, end, sorted(RESOLUTIONS, reverse=True), now):
        sql = f"SELECT series, {', '.join(CELL)} FROM rollup WHERE res = ? AND t >= ? AND t < ?"
        parameters: list[Any] = [res, since, until]
        if only is not None:
            sql += f" AND {connection.any_of('series')}"
            parameters.append(connection.array(only))
        for number, *row in connection.rows(sql, parameters):
            cells.setdefault(number, Cell()).add(tuple(row))
    return cells


def _cover(begin: int, end: int, resolutions: list[int], now: float) -> Iterator[tuple[int, int, int]]:
    if begin >= end or not resolutions:
        return
    res, *shorter = resolutions
    kept = [each for each in shorter if (keep := RESOLUTIONS[each]) is None or begin >= now - keep]
    first, last = -(-begin // res) * res, end // res * res
    if not kept:  # the ends of so old a range are as exact as what is kept
        yield res, begin // res * res, end
    elif first >= last:
        yield from _cover(begin, end, kept, now)
    else:
        yield res, first, last
        yield from _cover(begin, first, kept, now)
        yield from _cover(last, end, kept, now)


def _counted(connection: Connection, grid: Grid) -> dict[int, list[Row]]:
    """By series: the counts of each step."""
    res, step, begin, end = grid
    sums = ", ".join(f"CAST(sum({column}) AS {connection.words.integer})" for column in _COUNTS)
    sql = f"SELECT series, t / {step} * {step} AS step, {sums} FROM rollup WHERE res = ? AND t >= ? AND t < ? GROUP BY 1, 2"
    found: dict[int, list[Row]] = {}
    for number, *row in connection.rows(sql, (res, begin, end)):
        found.setdefault(number, []).append(tuple(row))
    return found


def _grouped(
    totals: dict[int, Cell], counted: dict[int, list[Row]], series: dict[int, Series], key: Callable[[Series], Series]
) -> Iterator[tuple[Series, Figures, tuple[Point, ...]]]:
    """What belongs together by a key, in the order of the keys."""
    groups: dict[Series, list[int]] = {}
    for number in totals:
        if number in series:
            groups.setdefault(key(series[number]), []).append(number)
    for name in sorted(groups):
        figures = _sum(totals[number] for number in groups[name]).figures()
        yield name, figures, _points(_by_step(counted.get(number, []) for number in groups[name]))


def _by_step(rows: Iterable[Iterable[Row]]) -> dict[int, Cell]:
    cells: dict[int, Cell] = {}
    for several in rows:
        for t, *counts in several:
            cells.setdefault(t, Cell()).add((*counts, 0, b"", 0, b""))
    return cells


def _points(cells: dict[int, Cell]) -> tuple[Point, ...]:
    return tuple(Point(at=t, figures=cells[t].figures()) for t in sorted(cells))


def _sum(cells: Iterable[Cell]) -> Cell:
    whole = Cell()
    for cell in cells:
        whole.add_cell(cell)
    return whole


def _fields(series: Series, *names: str) -> dict[str, Any]:
    return {name: getattr(series, name) for name in names}
