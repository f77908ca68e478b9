"""What readers get: filters, pages, figures, and how far back a search got."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from jobreporter import Aborted, ErrorInfo, Failure, Started, Stopped, Success
from jobreporter.schedules import Schedule
from jobreporter.testing import make_error
from jobreporter_history._display.lineage import attempts_at, line_of
from jobreporter_history._engines.sqlite import SqliteConnection
from jobreporter_history._open import open_database
from jobreporter_history._read import figures, walk
from jobreporter_history._schedules.watch import Watch
from jobreporter_history._write import dictionary
from jobreporter_history.store import KEYS, Execution, Store, Term

from .conftest import Read, Run
from .executions import NOW, ORIGIN, failed, new_job, succeeded, write
from .postgresql_server import PostgresqlServer

DAY = 86_400.0


def event_of(number: int) -> list[Any]:
    """The number decides what it was, how it went, and when."""
    at = NOW - number * 1000.0
    job = new_job(
        id=f"job-id-{number:04}",
        execution_id=f"execution-{number:04}",
        name=("shop.tasks.charge", "shop.tasks.refund", "crm.sync")[number % 3],
        queue=("mail", "default", None)[number % 3],
        source=("celery", "rq")[number % 2],
        args=(number, f"Ärger with {'apples' if number % 4 else 'pears'}"),
        kwargs={"customer": f"customer-{number % 7}"},
        root_id=f"root-{number // 4}",
        attempt=1 + number % 3,
        worker=f"web-{number % 2}:{number % 5}",
    )
    tags = {"customer": f"acme-{number % 5}"} if number % 2 else {}
    wait = number / 100
    if number % 5 == 0:
        kind: Any = "timeout" if number % 10 == 0 else "exception"
        error = make_error(f"shop.errors.{'Declined' if number % 15 else 'Refused'}", f"no funds for {number}")
        outcome: Any = Failure(
            job=job,
            at=at,
            error=error,
            kind=kind,
            will_retry=number % 20 == 0,
            duration=number / 10,
            queue_wait=wait,
            tags=tags,
        )
    elif number % 7 == 0:
        outcome = Aborted(job=job, at=at, reason="expired", tags=tags)
    else:
        outcome = Success(job=job, at=at, duration=number / 10, queue_wait=wait, tags=tags)
    return [Started(job=job, at=at - 1), outcome, Stopped(job=job, at=at, outcome="success")]


COUNT = 600


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def week(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with six hundred executions over a week, which nobody writes to any more."""
    url = f"sqlite://{tmp_path_factory.mktemp('week')}/history.db"
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        url = server.new_database()
    events = [event for number in range(COUNT) for event in event_of(number)]
    for begin in range(0, len(events), 900):
        write(url, events[begin : begin + 900])
    return url


@pytest.fixture
def store(week: str, read: Read) -> Store:
    """That store."""
    return read(week, clock=lambda: NOW)


def everything(store: Store, terms: list[Term], limit: int = 170) -> list[Execution]:
    """All pages of a filter."""
    rows: list[Execution] = []
    before = None
    while True:
        page = store.executions(terms, before=before, limit=limit)
        rows += page.rows
        if page.before is None:
            return rows
        before = page.before


Predicate = Callable[[Execution], bool]
FILTERS: list[tuple[Term, Predicate]] = [
    (Term("text", "pears"), lambda each: "pears" in each.args[1]),
    (Term("text", "arger"), lambda each: True),
    (Term("text", "PEA", prefix=True), lambda each: "pears" in each.args[1]),
    (Term("text", "with pears"), lambda each: "pears" in each.args[1]),
    (Term("text", "pears with"), lambda each: False),
    (Term("text", "no funds"), lambda each: each.outcome == "failure"),
    (Term("text", "crm.sync"), lambda each: each.name == "crm.sync"),
    (Term("tag", "acme-3", tag="customer"), lambda each: each.tags.get("customer") == "acme-3"),
    (Term("tag", "acme", tag="customer"), lambda each: False),
    (Term("tag", "customer-3", tag="customer"), lambda each: False),
    (Term("name", "shop.tasks.charge"), lambda each: each.name == "shop.tasks.charge"),
    (Term("name", "shop.*"), lambda each: each.name.startswith("shop.")),
    (Term("name", "shop.[tr]*"), lambda each: False),
    (Term("queue", ""), lambda each: each.queue == ""),
    (Term("queue", "m*"), lambda each: each.queue == "mail"),
    (Term("source", "rq"), lambda each: each.source == "rq"),
    (Term("service", "shop"), lambda each: True),
    (Term("environment", "staging"), lambda each: False),
    (Term("outcome", "failure"), lambda each: each.outcome == "failure"),
    (Term("outcome", "aborted"), lambda each: each.outcome == "aborted"),
    (Term("final", True), lambda each: each.final),
    (Term("kind", "timeout"), lambda each: each.kind == "timeout"),
    (Term("kind", "expired"), lambda each: each.kind == "expired"),
    (Term("error", "Refused"), lambda each: each.error_type == "shop.errors.Refused"),
    (Term("error", "shop.errors.Declined"), lambda each: each.error_type == "shop.errors.Declined"),
    (Term("error", "errors"), lambda each: False),
    (Term("worker", "web-1:3"), lambda each: each.worker == "web-1:3"),
    (Term("worker", "web-1"), lambda each: str(each.worker).startswith("web-1:")),
    (Term("attempt", 2), lambda each: each.attempt == 2),
    (Term("slower", 45.0), lambda each: each.duration is not None and each.duration > 45),
    (Term("waited", 5.5), lambda each: each.queue_wait is not None and each.queue_wait > 5.5),
    (Term("since", NOW - 2 * DAY), lambda each: each.ended_at >= NOW - 2 * DAY),
    (Term("until", NOW - 2 * DAY), lambda each: each.ended_at < NOW - 2 * DAY),
    (Term("incident", 1), lambda each: each.incident == 1),
    (Term("release", "1.0"), lambda each: True),
    (Term("release", "2.0"), lambda each: False),
    (Term("id", "execution-0042"), lambda each: each.execution_id == "execution-0042"),
    (Term("id", "job-id-0"), lambda each: True),
    (Term("id", "job-id-01"), lambda each: each.job_id.startswith("job-id-01")),
    (Term("root", "root-12"), lambda each: each.root_id == "root-12"),
]


def test_filters_find_what_they_say(store: Store) -> None:
    """Each key, and its negation, finds exactly the executions for which it holds; pages have no gap and no repetition."""
    every = everything(store, [], limit=37)
    assert len(every) == COUNT
    assert [each.ended_at for each in every] == sorted((each.ended_at for each in every), reverse=True)
    assert {term.key for term, _ in FILTERS} == KEYS.keys()
    for term, holds in FILTERS:
        expected = [each.execution_id for each in every if holds(each)]
        assert [each.execution_id for each in everything(store, [term])] == expected, term
        negated = Term(term.key, term.value, negated=True, prefix=term.prefix, tag=term.tag)
        rest = [each.execution_id for each in every if not holds(each)]
        assert [each.execution_id for each in everything(store, [negated])] == rest, negated


def test_filters_are_anded(store: Store) -> None:
    """Of two or three terms, all hold; the count is that of the pages."""
    every = everything(store, [])
    for step in (3, 5, 11):
        for (one, holds), (other, holds_too) in zip(FILTERS, FILTERS[step:] + FILTERS[:step], strict=True):
            expected = [each.execution_id for each in every if holds(each) and holds_too(each)]
            assert [each.execution_id for each in everything(store, [one, other])] == expected, (one, other)
            assert store.count([one, other], budget=60).value == len(expected)


def test_counts_are_exact_where_rollups_know(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of jobs, queues and outcomes any number is known; of the rest, as many as were looked at."""
    monkeypatch.setattr("jobreporter_history._read.counting.MOST", 50)
    assert store.count().value == COUNT
    assert store.count([Term("outcome", "failure")]).value == COUNT // 5
    assert store.count([Term("name", "crm.sync"), Term("outcome", "success", negated=True)]).exact
    many = store.count([Term("attempt", 2)])
    assert (many.value, many.exact) == (50, False)
    few = store.count([Term("attempt", 2), Term("incident", 1)])
    assert few.exact


def test_a_search_that_takes_too_long_says_how_far_it_got(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends in time with what it has found, says back to when it searched, and gets on with every continuation."""
    monkeypatch.setattr(walk, "_SHORTEST", 6 * 3_600_000 << 20)
    page = store.executions([Term("worker", "nobody")], budget=0.0)
    assert page.rows == ()
    assert page.before is not None
    assert page.searched_back_to is not None
    assert NOW - 2 * DAY < page.searched_back_to < NOW + DAY
    wanted = [Term("worker", "web-0:4")]
    found: list[str] = []
    before, steps = None, 0
    while True:
        page = store.executions(wanted, before=before, budget=0.0)
        found += [each.execution_id for each in page.rows]
        if page.before is None:
            break
        assert before is None or page.before < before
        before = page.before
        steps += 1
    assert found == [f"execution-{number:04}" for number in range(4, COUNT, 10)]
    assert steps > 10


@pytest.mark.parametrize(("key", "column"), [("slower", "dh"), ("waited", "wh")])
def test_days_without_anything_long_are_passed_over(
    key: Any, column: str, url: str, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their rollups say so, and their tables aren't looked at. What lies right beside the time that is asked for is found."""
    waits = (0.0011, 0.5, 40.0, 41.0, 41.000001, 600.0)
    for day, seconds in enumerate(waits):
        at, job = NOW - day * DAY, new_job(execution_id=f"execution-{day}")
        write(
            url,
            [
                Started(job=job, at=at - seconds),
                Success(job=job, at=at, duration=seconds, queue_wait=seconds),
            ],
        )
    store = read(url, clock=lambda: NOW)
    looked = []
    rows = walk.Walk._rows

    def seen(self: Any, tables: Any, lowest: int, limit: int) -> Any:
        looked.append(len(tables))
        return rows(self, tables, lowest, limit)

    monkeypatch.setattr(walk.Walk, "_rows", seen)
    for asked in (0.001, 0.4999, 0.5, 40.5, 41.0, 599.0, 600.0, 1e6):
        expected = [f"execution-{day}" for day, seconds in enumerate(waits) if seconds > asked]
        found = store.executions([Term(key, asked)])
        assert [each.execution_id for each in found.rows] == expected, asked
    looked.clear()
    assert store.executions([Term(key, 599.0), Term("name", "shop.tasks.*")]).rows
    sought = len(looked)
    looked.clear()
    assert store.executions([Term(key, 1e6)]).rows == ()
    assert looked == []
    assert sought < 12
    assert len(store.executions([Term(key, 1e6, negated=True)]).rows) == len(waits)


def test_pages_hold_while_others_write(url: str, read: Read) -> None:
    """A page begins where the last one ended, whatever was written meanwhile."""
    write(url, [event for number in range(100) for event in event_of(number)])
    store = read(url)
    first = store.executions(limit=50)
    write(url, [event for number in range(-20, 0) for event in event_of(number)])
    second = store.executions(limit=50, before=first.before)
    assert [each.execution_id for each in (*first.rows, *second.rows)] == [
        f"execution-{number:04}" for number in range(100)
    ]


def test_one_execution_with_its_error(store: Store) -> None:
    """It has all that was told of it, and the error as it was captured; one that isn't there is none."""
    found = store.execution("execution-0015")
    assert found is not None
    execution, error = found.execution, found.error
    assert (execution.args, execution.kwargs) == ((15, "Ärger with apples"), {"customer": "customer-1"})
    assert (execution.tags, execution.release, execution.process) == ({"customer": "acme-0"}, "1.0", "web-1:7")
    assert execution.started_at == execution.ended_at - 1
    assert isinstance(error, ErrorInfo)
    assert error == make_error("shop.errors.Refused", "no funds for 15")
    assert store.execution("execution-9999") is None
    succeeded = store.execution("execution-0001")
    assert succeeded is not None
    assert succeeded.error is None


def test_attempts_and_lines(url: str, read: Read) -> None:
    """The attempts of a job in order; and every job that the first one led to, itself included."""
    events: list[Any] = []
    for attempt in (1, 2, 3):
        job = new_job(id="first", execution_id=f"first/{attempt}", attempt=attempt, root_id="first")
        events.append(Success(job=job, at=NOW + attempt, duration=0.5))
    child = new_job(id="child", execution_id="child/1", root_id="first", parent_id="first")
    events += [Success(job=child, at=NOW + 90_000), Started(job=new_job(id="other", root_id="first"), at=NOW + 5)]
    write(url, events)
    store = read(url)
    assert [each.attempt for each in store.attempts("first")] == [1, 2, 3]
    assert [each.execution_id for each in store.line("first")] == ["first/1", "first/2", "first/3", "child/1"]
    assert [each.job_id for each in store.running(root_id="first")] == ["other"]
    assert [each.job_id for each in store.running(job_id="other")] == ["other"]
    assert [each.job_id for each in store.running(execution_id="other/1")] == ["other"]
    assert store.running(execution_id="first/1") == ()
    assert store.attempts("nobody") == store.line("nobody") == ()


def test_jobs_of_others_with_the_same_id_are_no_attempts(url: str, read: Read) -> None:
    """Ids that count from 1 are those of one queue, in one program and environment."""
    for number, (source, environment) in enumerate([("huey", "staging"), ("rq", "staging"), ("huey", "production")]):
        for attempt in (1, 2):
            job = new_job(id="1", execution_id=f"{number}/{attempt}", source=source, attempt=attempt)
            ends = [Success(job=job, at=NOW + attempt)] if attempt == 1 else []
            origin = msgspec.structs.replace(ORIGIN, environment=environment)
            write(url, [Started(job=job, at=NOW + attempt - 0.5), *ends], origin)
    store = read(url)
    for number in range(3):
        [run] = store.running(execution_id=f"{number}/2")
        assert [each.execution_id for each in attempts_at(store, run)] == [f"{number}/1", f"{number}/2"]
        assert store.attempts("1", source="nobody's") == ()


def test_programs_whose_ids_count_from_1_share_no_line(url: str, read: Read) -> None:
    """Each has a first job 1. A line leads on into other programs all the same, but into no other environment."""

    def lead(source: str, service: str, environment: str, *, runs: bool = False) -> None:
        name = f"{source} {service} {environment}".strip()
        first = new_job(id="1", execution_id=name, source=source)
        child = new_job(id="2", execution_id=f"{name} 2", source=source, root_id="1", parent_id="1")
        ends = [] if runs else [Success(job=first, at=NOW + 1)]
        origin = msgspec.structs.replace(ORIGIN, service=service, environment=environment)
        write(url, [Started(job=first, at=NOW), *ends, Success(job=child, at=NOW + 2)], origin)

    lead("rows", "shop", "production")
    lead("rows", "post", "production", runs=True)
    lead("rows", "shop", "staging")
    elsewhere = new_job(id="far", execution_id="far", source="celery", root_id="1", parent_id="2")
    write(url, [Success(job=elsewhere, at=NOW + 3)], msgspec.structs.replace(ORIGIN, service="mail"))
    store = read(url)

    def line(execution_id: str) -> set[str]:
        detail = store.execution(execution_id)
        run = detail.execution if detail else store.running(execution_id=execution_id)[0]
        return {each.execution_id for each in line_of(store, run, 10)}

    ours = {"rows shop production", "rows shop production 2", "far"}
    assert line("rows shop production") == line("rows shop production 2") == ours
    assert line("rows post production") == {"rows post production", "rows post production 2", "far"}
    assert line("rows shop staging") == {"rows shop staging", "rows shop staging 2"}
    assert line("far") > ours
    assert [each.execution_id for each in store.line("1", source="rows", service="post")] == ["rows post production 2"]
    assert [each.service for each in store.running(job_id="1", service="post")] == ["post"]
    assert store.running(job_id="1", service="shop") == ()


@pytest.mark.parametrize(("most", "limit"), [(100, 5), (2, 20)])
def test_jobs_of_others_take_no_room(
    most: int, limit: int, url: str, monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    """As much is found of one program's job as was asked for, however much of others has the same id; some are found as well
    where they stand in the series for all that are too many."""
    monkeypatch.setattr(dictionary, "MOST_SERIES", most)
    services = ["ours", "theirs", "late", "later"]
    for number, service in enumerate(services):
        origin = msgspec.structs.replace(ORIGIN, service=service)
        jobs = [new_job(id="1", execution_id=f"{service}/{attempt}") for attempt in range(5)]
        write(url, [Success(job=job, at=NOW + number * 10 + at) for at, job in enumerate(jobs)], origin)
    store = read(url)
    for service in services:
        found = store.attempts("1", service=service, limit=limit)
        assert [each.execution_id for each in found] == [f"{service}/{attempt}" for attempt in range(5)]


def test_what_runs_has_its_usual_duration(url: str, read: Read) -> None:
    """The median of the job's last day stands beside what runs, the longest first."""
    events: list[Any] = [Success(job=new_job(), at=NOW - number, duration=number / 10) for number in range(100)]
    events += [Started(job=new_job(id="late"), at=NOW - 5), Started(job=new_job(id="early"), at=NOW - 50)]
    write(url, events)
    store = read(url, clock=lambda: NOW)
    early, late = store.running()
    assert (early.job_id, late.job_id) == ("early", "late")
    assert early.usual == pytest.approx(4.95, rel=0.05)
    assert store.running_count() == 2


@pytest.mark.parametrize(
    ("length", "step"), [(3600, 60), (6 * 3600, 600), (DAY, 1800), (7 * DAY, 10_800), (30 * DAY, DAY)]
)
def test_overviews_add_up(store: Store, length: float, step: float) -> None:
    """At every range, the steps, the queues and the jobs add up to the whole, which is what the list has."""
    found = store.overview(NOW - length, NOW)
    assert found.step >= step
    assert found.since <= NOW - length
    assert found.until >= NOW
    rows = [each for each in everything(store, []) if found.since <= each.ended_at < found.until]
    each: Any
    parts: Any
    for parts in (found.points, found.queues, found.jobs):
        assert sum(part.figures.runs for part in parts) == found.figures.runs == len(rows)
        assert sum(part.figures.failed for part in parts) == sum(each.outcome == "failure" for each in rows)
    assert found.figures.final == sum(each.final for each in rows)
    assert found.figures.durations.count == sum(each.duration is not None for each in rows)
    for each in (*found.jobs, *found.queues):
        assert sum(point.figures.runs for point in each.points) == each.figures.runs
    assert len(found.points) <= 61


def test_one_job_by_steps(store: Store) -> None:
    """The figures of each step have durations, and a job may be asked for in one queue alone."""
    step, figures, points = store.job("shop.tasks.charge", NOW - 7 * DAY, NOW + 60)
    rows = everything(store, [Term("name", "shop.tasks.charge")])
    assert figures.runs == sum(point.figures.runs for point in points) == len(rows)
    assert sum(point.figures.durations.count for point in points) == figures.durations.count
    assert step == 10_800
    longest = max(each.duration for each in rows if each.duration is not None)
    assert figures.durations.quantile(1.0) == pytest.approx(longest, rel=0.1)
    assert store.job("shop.tasks.charge", NOW - 7 * DAY, NOW, queue="default")[1].runs == 0
    assert store.job("nobody", NOW - 7 * DAY, NOW)[1:] == (store.job("nobody", NOW - 7 * DAY, NOW)[1], ())


def test_incidents_and_facets(store: Store) -> None:
    """Incidents by job; the newest failures of one by release, host, message and tag."""
    listed = store.incidents(order="failed")
    assert listed
    assert [each.failed for each in listed] == sorted((each.failed for each in listed), reverse=True)
    assert {each.job for each in store.incidents(job="crm.sync")} == {"crm.sync"}
    facets = store.facets(listed[0].id)
    assert facets.of == listed[0].failed
    assert [share.value for share in facets.releases] == ["1.0"]
    assert [share.value for share in facets.messages] == ["no funds for <number>"]
    assert facets.hosts[0].count == facets.of
    assert set(facets.tags) <= {"customer"}


def test_no_more_is_searched_than_has_seen_a_release(store: Store) -> None:
    """Of a release that nobody has seen, nothing; of another, what ended since it was first seen."""
    page = store.executions([Term("release", "2.0")], budget=0.0)
    assert (page.rows, page.before, page.searched_back_to) == ((), None, None)
    assert store.executions([Term("release", "1.0")], budget=0.0).searched_back_to is not None


def test_incidents_at_a_glance(store: Store) -> None:
    """Of those that are asked for: what the newest failure said, and the hours of the last day in which one was."""
    first, second, *_ = store.incidents(order="failed")
    assert store.glimpses([]) == {}
    found = store.glimpses([first.id, second.id, 4711])
    assert (found[4711].message, found[4711].hours) == ("", ())
    for each in (first, second):
        newest, *_ = store.executions([Term("incident", each.id)], limit=1).rows
        assert found[each.id].message == newest.message
        detail = store.incident(each.id)
        assert detail is not None
        lately = [cell for cell in detail.cells if cell.at >= store.now() - DAY]
        assert sum(hour.failed for hour in found[each.id].hours) == sum(cell.failed for cell in lately)
        assert {hour.at for hour in found[each.id].hours} == {cell.at // 3600 * 3600 for cell in lately}


def test_a_mark_changes_with_what_is_written(url: str, read: Read) -> None:
    """Whoever looks again and again sees by it whether anything is new."""
    write(url, [])
    store = read(url, clock=lambda: NOW)
    marks = [store.mark()]
    job = new_job()
    for events in ([Started(job=job, at=NOW)], [Success(job=job, at=NOW + 1)], event_of(5)):
        write(url, events)
        marks.append(store.mark())
        assert store.mark() == marks[-1]
    assert len(set(marks)) == 4


def test_a_mark_changes_with_signs_of_life_and_with_time(url: str, read: Read, run: Run) -> None:
    """Silence, lateness and what is lost are told by time alone: nothing is written when they come about."""
    session = run(url)
    now = session.now
    store = read(url, clock=lambda: now)
    marks = [store.mark()]
    session.tick(15)
    marks.append(store.mark())  # a process has shown itself
    plan = Schedule(name="hourly", job="shop.hourly", every=3600.0)
    for look in (15, 30):
        Watch(session.database, [plan], ORIGIN).look(now + look)
        marks.append(store.mark())
    assert len(set(marks)) == 4
    assert store.mark() == marks[-1]
    now += 15
    assert store.mark() != marks[-1]


def test_threads_share_a_store(store: Store) -> None:
    """Eight threads that ask at the same time get the same answers."""
    answers: list[int] = []

    def ask() -> None:
        for _ in range(5):
            answers.append(len(store.executions([Term("text", "pears")], limit=500, budget=60).rows))  # noqa: PERF401 - what was answered before an error counts

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {COUNT // 4}
    assert len(answers) == 40


@pytest.mark.parametrize(
    ("key", "value", "more", "problem"),
    [
        ("quueue", "x", {}, "'quueue' is no key of a term"),
        ("attempt", "two", {}, "attempt can't be 'two': it is a number"),
        ("attempt", True, {}, "attempt can't be True"),
        ("outcome", "failed", {}, "outcome can't be 'failed': it is success, aborted or failure"),
        ("final", "yes", {}, "final can't be 'yes'"),
        ("name", 3, {}, "name can't be 3"),
        ("tag", "acme", {}, "a term with the key tag names a tag"),
        ("name", "x", {"tag": "customer"}, "and no other does: found name, tag='customer'"),
    ],
)
def test_terms_that_make_no_sense_are_refused(key: str, value: Any, more: dict[str, Any], problem: str) -> None:
    """The sentence has the key, the value and what it can be."""
    with pytest.raises(ValueError, match=problem):
        Term(key, value, **more)


def test_hostile_text_is_kept_and_found(url: str, read: Read) -> None:
    """Zero bytes, halves of surrogate pairs, quotes and megabytes of text harm neither database, and are found."""
    hostile = "\0'\"; DROP TABLE live; -- \ud800 %s ? <script> " + "ß" * 5
    job = new_job(
        id=hostile,
        execution_id=hostile * 20,
        name=hostile,
        queue=hostile,
        root_id=hostile,
        args=(hostile.replace("\ud800", ""), "x" * 1_000_000),
        kwargs={"n": 2**62},
    )
    error = make_error(message=hostile * 10_000)
    write(url, [Started(job=job, at=NOW), Failure(job=job, at=NOW + 1, error=error, tags={"k\0": "v'"}, duration=1.0)])
    store = read(url)
    [found] = store.executions([Term("text", "drop table live")]).rows
    assert found.shortened
    assert found.name == hostile.replace("\0", "\u2400").replace("\ud800", "?")
    assert store.executions([Term("id", hostile)]).rows == (found,)
    assert store.attempts(hostile) == store.line(hostile) == (found,)
    assert store.executions([Term("name", found.name)]).rows == (found,)
    detail = store.execution(hostile * 20)
    assert detail is not None
    assert detail.error is not None
    assert len(detail.error.message) < 20_000


def test_what_is_usual_is_asked_once(url: str, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many jobs run, the rollups are gone through once for what they usually take, and for those jobs alone."""
    for number in range(12):
        write(url, [*succeeded(NOW - 600, float(number + 1), name=f"job-{number}")])
    write(url, [event for number in range(8) for event in succeeded(NOW, name=f"job-{number}")[:1]])
    asked: list[int] = []
    totals = figures._totals

    def counted(*given: Any) -> Any:
        found = totals(*given)
        asked.append(len(found))
        return found

    monkeypatch.setattr(figures, "_totals", counted)
    running = read(url, clock=lambda: NOW).running()
    assert asked == [8]
    assert {each.name: round(each.usual or 0) for each in running} == {
        f"job-{number}": number + 1 for number in range(8)
    }


def test_no_table_is_gone_through_for_a_few_rows(sqlite_url: str, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an id, a line, an incident, or what is no first attempt, SQLite goes along the index of that, also where it could go
    by time."""
    job = new_job(id="0123456789abcdef", root_id="0123456789abcdef")
    write(sqlite_url, [*succeeded(NOW, job=job), *failed(NOW + 1)])
    store = read(sqlite_url, clock=lambda: NOW + 2)
    asked: list[tuple[str, Any]] = []
    rows = SqliteConnection.rows

    def seen(connection: SqliteConnection, sql: str, parameters: Any = ()) -> Any:
        asked.append((sql, parameters))
        return rows(connection, sql, parameters)

    monkeypatch.setattr(SqliteConnection, "rows", seen)
    [incident] = store.incidents()
    asked.clear()
    terms = Term("id", job.id), Term("id", job.id[:8]), Term("root", job.id), Term("incident", incident.id)
    for term in (*terms, Term("attempt", 3), Term("attempt", 1, negated=True)):
        assert len(store.executions([term]).rows) == (term in terms)
    store.incident(incident.id)
    store.facets(incident.id)
    monkeypatch.undo()
    database = open_database(sqlite_url)
    with database.reading() as connection:
        looked = [each for each in asked if " FROM ok_" in each[0] or " FROM bad_" in each[0]]
        plans = [connection.rows(f"EXPLAIN QUERY PLAN {sql}", parameters)[0][-1] for sql, parameters in looked]
    database.close()
    assert len(plans) > 8
    assert [plan for plan in plans if "SCAN" in plan or "PRIMARY KEY" in plan] == []
