"""Retention: what is due goes, and nothing else; what has to outlive it stays."""

from __future__ import annotations

import re
from pathlib import Path

from jobreporter_history._calendar import DAY
from jobreporter_history._schema import executions as schema
from jobreporter_history._upkeep.retention import Keep, prune

from .conftest import Read, Run
from .contents import rows_equal_rollups
from .executions import NOW, failed, succeeded, write
from .sessions import Running

#: The beginning of a month: 2023-11-01T00:00:00Z.
NOVEMBER = 1_698_796_800.0
HOUR = 3600.0


def tables(running: Running) -> list[str]:
    """The tables of executions that there are."""
    with running.database.reading() as connection:
        return [table.name for table in schema.existing(connection)]


def test_thirty_days(url: str, run: Run, read: Read) -> None:
    """Day by day exactly the tables go that are due, the file stops growing, and one failure of each incident stays."""
    running = run(url, now=NOVEMBER, keep_success="7d", keep_failure="10d")
    path = Path(url.removeprefix("sqlite://"))
    sizes = []
    for day in range(30):
        begin = NOVEMBER + day * DAY
        for hour in range(0, 24, 4):
            at = begin + hour * HOUR
            running.now = at
            assert running.write(event for each in range(40) for event in succeeded(at + each, args=["x" * 300]))
            if day % 3 == 0:
                assert running.write(failed(at, name=f"shop.tasks.job_{day}", args=[day]))
        running.now = begin + DAY
        running.tick()
        days = [f"ok_202311{number + 1:02}" for number in range(max(0, day - 6), day + 1)]
        assert [name for name in tables(running) if name.startswith("ok")] == days
        sizes.append(path.stat().st_size if path.exists() else 0)
    assert sizes[-1] <= sizes[12] * 1.25
    # November is over, and its failures stay until its last day is ten days old.
    assert [name for name in tables(running) if name.startswith("bad")] == ["bad_202311"]
    running.now = NOVEMBER + 30 * DAY + 10 * DAY - 1
    running.tick()
    assert tables(running) == ["bad_202311"]
    running.tick(61)
    assert tables(running) == []

    store = read(url, clock=lambda: running.now)
    incidents = store.incidents()
    assert len(incidents) == 10
    for incident in incidents:
        found = store.incident(incident.id)
        assert found is not None
        assert found.sample is not None
        assert found.sample.execution.name == incident.job
        assert found.sample.error is not None
        assert found.sample.error.message == "no funds"
    glimpses = store.glimpses([each.id for each in incidents])
    assert {(each.message, each.hours) for each in glimpses.values()} == {("no funds", ())}
    # What is gone is still in the figures.
    overview = store.overview(NOVEMBER, NOVEMBER + 30 * DAY)
    assert (overview.figures.succeeded, overview.figures.failed) == (30 * 6 * 40, 10 * 6)


def test_rollups_get_coarser(url: str, run: Run) -> None:
    """Minutes are kept for six hours, ten minutes for a week, hours for 90 days, and days for ever."""
    running = run(url, now=NOW)
    assert running.write(succeeded(NOW))
    lengths = {0.0: [60, 600, 3600, 86_400], 7 * HOUR: [600, 3600, 86_400], 8 * DAY: [3600, 86_400], 91 * DAY: [86_400]}
    for age, expected in lengths.items():
        prune(running.database, Keep(success=1000 * DAY), NOW + age)
        with running.database.reading() as connection:
            assert [res for (res,) in connection.rows("SELECT res FROM rollup ORDER BY res")] == expected


def test_the_oldest_days_go_where_there_is_too_much(url: str, run: Run, read: Read) -> None:
    """Beyond `max_bytes` the oldest days go, then the oldest months, and never today."""
    running = run(url, now=NOW, keep_success="1000d", keep_failure="1000d", keep_incident="1000d")
    for day in range(6):
        at = NOW - (5 - day) * DAY
        assert running.write(event for each in range(100) for event in succeeded(at + each, args=["x" * 2000]))
    assert running.write(failed(NOW - 40 * DAY))
    store = read(url, clock=lambda: NOW)
    size = store.health().bytes
    gone = prune(running.database, Keep(success=1000 * DAY, failure=1000 * DAY, max_bytes=size * 2 // 3), NOW)
    assert gone == sorted(gone)
    assert 1 <= len(gone) <= 4
    assert store.health().bytes <= size * 2 // 3
    assert rows_equal_rollups(url, store.health().oldest_success or 0, 3600)
    gone += prune(running.database, Keep(success=1000 * DAY, failure=1000 * DAY, max_bytes=1), NOW)
    assert [re.sub(r"\d", "", name) for name in gone] == [*["ok_"] * 5, "bad_"]
    assert store.count().value == 100


def test_the_oldest_days_go_where_the_disk_has_too_little_room(sqlite_url: str, run: Run) -> None:
    """Before it is full: below `min_free` the oldest days go, and never today."""
    running = run(sqlite_url, now=NOW)
    for day in (3, 2, 1, 0):
        assert running.write(succeeded(NOW - day * DAY))
    assert prune(running.database, Keep(success=1000 * DAY, min_free=0), NOW) == []
    gone = prune(running.database, Keep(success=1000 * DAY, min_free=10**18), NOW)
    assert gone == ["ok_20231111", "ok_20231112", "ok_20231113"]
    assert tables(running) == ["ok_20231114"]


def test_what_nobody_needs_any_more_goes(url: str, run: Run, read: Read) -> None:
    """Silent processes, executions that never ended, errors without a failure and resolved incidents go in their time; an
    incident that is open stays."""
    running = run(url, now=NOW, keep_failure="90d", keep_incident="365d")
    assert running.write([*failed(NOW, name="shop.tasks.open"), *failed(NOW, name="shop.tasks.fixed")])
    assert running.write(succeeded(NOW)[:1])
    running.tick(20)
    store = read(url, clock=lambda: running.now)
    [number] = [incident.id for incident in store.incidents() if incident.job == "shop.tasks.fixed"]
    store.resolve(number)
    running.tick(5)
    assert store.running_count() == 1
    with running.database.writing() as connection:
        connection.run("UPDATE process SET pid = 99")
    running.tick(400 * DAY)
    assert store.running_count() == 0
    assert [each.pid for each in store.processes()] == [7]
    assert [each.job for each in store.incidents()] == ["shop.tasks.open"]
    with running.database.reading() as connection:
        assert connection.rows("SELECT count(*) FROM error") == [(0,)]
        assert connection.rows("SELECT count(DISTINCT incident) FROM incident_log") == [(1,)]


def test_a_failure_of_an_incident_that_went_is_a_new_incident(url: str, run: Run, read: Read) -> None:
    """A process that still knows the number of an incident which another one took away begins it anew."""
    running = run(url, now=NOW)
    assert running.write(failed(NOW))
    with running.database.writing() as connection:
        connection.run("DELETE FROM incident")
    assert running.write(failed(NOW + 1))
    store = read(url)
    [incident] = store.incidents()
    assert incident.failed == 1


def test_a_wrong_clock_makes_no_tables_of_the_future(url: str, run: Run) -> None:
    """What says that it ends years from now has ended now."""
    running = run(url, now=NOW)
    assert running.write(succeeded(NOW + 5000 * DAY))
    assert tables(running) == ["ok_20231114"]


def test_an_old_day_is_written_again(url: str, run: Run) -> None:
    """Executions of a day whose table went come late: the table is made again, and goes again."""
    running = run(url, now=NOW)
    assert running.write(succeeded(NOW - 20 * DAY))
    running.tick(61)
    assert tables(running) == []
    write(running.database, succeeded(NOW - 20 * DAY))
    assert running.write(succeeded(NOW - 20 * DAY))
    assert len(tables(running)) == 1


def test_an_execution_takes_little_room(url: str, run: Run, read: Read) -> None:
    """With arguments and a text index, 650 bytes in SQLite and 1,300 in PostgreSQL, whose rows have heads; the error of all
    failures is the same, and kept once."""
    running = run(url)
    store = read(url, clock=lambda: running.now)
    empty = store.health().bytes
    count = 4000
    for begin in range(0, count, 400):
        events = [
            event
            for number in range(begin, begin + 400)
            for event in (failed if number % 20 == 0 else succeeded)(
                NOW + number / 10, args=[number, "a report, in three parts", 2.5], name=f"shop.tasks.job_{number % 20}"
            )
        ]
        assert running.write(events)
    each = (store.health().bytes - empty) / count
    assert each <= (650 if url.startswith("sqlite") else 1300)
