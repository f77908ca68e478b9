"""Looking whether the rollups are what the rows add up to, and making them anew while others write."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._open import open_database
from jobreporter_history._upkeep import adding_up
from jobreporter_history._upkeep.audit import audit
from jobreporter_history._upkeep.repair import repair

from .contents import contents, rows_equal_rollups
from .executions import failed, succeeded, write

DAY = 86_400


@pytest.fixture
def now() -> float:
    """Within a day: what is some minutes old is of the same day."""
    return time.time() // DAY * DAY - DAY / 2


@pytest.fixture
def database(url: str, now: float) -> Iterator[Database]:
    opened = open_database(url, lambda: now)
    yield opened
    opened.close()


def problems(database: Database, now: float) -> list[str]:
    with database.reading() as connection:
        return audit(connection, now)


def change(database: Database, sql: str, *parameters: object) -> None:
    with database.writing() as connection:
        assert connection.run(sql, parameters)


WRONG = {
    "ok = ok + 1": "2 successes in the rows, and 3 in the rollup",
    "retried = 1": "0 retried ones in the rows, and 1 in the rollup",
    "dsum = dsum - 1": "1000000 microseconds of durations in the rows, and 999999 in the rollup",
    "dh = wh": "its durations are others",
    "series = series + 1": "2 successes in the rows, and 0 in the rollup",
}


def test_every_sum_of_every_length_is_compared(url: str, database: Database, now: float) -> None:
    """Counts, sums of durations, and how long they were: by minutes, hours and days."""
    write(url, [*succeeded(now - 300), *succeeded(now - 299)])
    before = contents(url)
    assert problems(database, now) == []
    for res, (wrong, told) in itertools.product((60, 600, 3600, DAY), WRONG.items()):
        change(database, f"UPDATE rollup SET {wrong} WHERE res = {res}")
        [problem] = problems(database, now)
        assert f" of {res} s " in problem
        assert problem.endswith(told)
        assert repair(database) == (1, 0)
        assert problems(database, now) == []
    assert contents(url) == before


def test_a_day_whose_successes_went_is_compared_by_its_failures(url: str, database: Database, now: float) -> None:
    """Of a kind that isn't kept any more nobody knows; the other one is compared, and nothing is made anew of a half."""
    old = now - 3 * DAY
    write(url, [*succeeded(old), *failed(old), *succeeded(now - 300)])
    with database.writing() as connection:
        from jobreporter_history._schema import executions as schema

        schema.drop(connection, schema.existing(connection)[1])
    assert problems(database, now) == []
    change(database, "UPDATE rollup SET failed = 2 WHERE res = 86400 AND failed = 1")
    [problem] = problems(database, now)
    assert problem.endswith("1 failures in the rows, and 2 in the rollup")
    assert repair(database) == (1, 1)
    assert problems(database, now) == [problem]


def test_sums_of_rows_that_never_were_go(url: str, database: Database, now: float) -> None:
    """A day that only rollups have, between days that are kept, has nothing to add up."""
    write(url, [*succeeded(now - 5 * DAY), *succeeded(now - 300)])
    before = contents(url)
    change(
        database,
        "INSERT INTO rollup SELECT res, t + 172800, series, ok, aborted, failed, final, retried, dsum, dh, wsum, wh"
        " FROM rollup WHERE t < ? AND res >= 600",
        int(now - 2 * DAY),
    )
    assert len(problems(database, now)) == 2 + 1
    repair(database)
    assert problems(database, now) == []
    rollups = contents(url)["rollups"]
    assert set(rollups) <= set(before["rollups"])


class Interrupted:
    """A database into which somebody else writes before each of the next transactions."""

    def __init__(self, database: Database, url: str, now: float) -> None:
        self._database, self._url, self._now = database, url, now
        self.transactions = 0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.transactions += 1
        if self.transactions <= 8:
            write(self._url, [*succeeded(self._now - 600 - self.transactions), *failed(self._now - 7200)])
        with self._database.writing() as connection:
            yield connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)


def test_writers_go_on_while_it_is_made_anew(url: str, database: Database, now: float) -> None:
    """What is written while rows are added up is counted, once, in the cells of every length."""
    hours = range(1, 11)
    write(url, [event for hour in hours for event in succeeded(now - hour * 3600)])
    change(database, "UPDATE rollup SET ok = 9")
    interrupted = Interrupted(database, url, now)
    assert repair(interrupted) == (1, 0)  # type: ignore[arg-type]  # as much of one as it needs
    assert interrupted.transactions > len(hours)
    assert problems(database, now) == []
    assert rows_equal_rollups(url, shortest=600) == len(hours) + 16


def test_rows_are_added_up_a_part_at_a_time(
    url: str, database: Database, now: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many a day has, some thousand are in memory; parts add up to the whole."""
    write(url, [event for second in range(50) for event in (*succeeded(now - second), *failed(now - second))])
    monkeypatch.setattr(adding_up, "ROWS", 7)
    assert problems(database, now) == []
    with database.reading() as connection:
        [day] = [each for each in adding_up.days(connection, _tables(connection)) if each.begins == now // DAY * DAY]
        found = adding_up.add_up(connection, day.tables, day.begins, day.ends)
    assert found.rows == 100
    assert sum(cell.ok + cell.failed for key, cell in found.cells.items() if key.res == DAY) == 100


def test_a_day_that_is_older_than_its_hours_is_made_anew(url: str, database: Database, now: float) -> None:
    """Of what ended a year ago the days alone are kept; they are exact all the same."""
    old = now - 365 * DAY
    write(url, list(itertools.chain.from_iterable(succeeded(old + hour * 3600) for hour in range(10))))
    change(database, "UPDATE rollup SET ok = 1 WHERE res = 86400")
    assert len(problems(database, now)) == 1
    assert repair(database) == (1, 0)
    assert problems(database, now) == []


def _tables(connection: Connection) -> list[object]:
    from jobreporter_history._schema import executions as schema

    return list(schema.existing(connection))
