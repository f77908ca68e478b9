"""Each screen, as lines: at every width, of everything that jobs can have written."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.cells import cell_len

from jobreporter_history._display.query import QueryError
from jobreporter_history._top.execution import OfExecution
from jobreporter_history._top.filter import Filter
from jobreporter_history._top.incident import OfIncident
from jobreporter_history._top.job import OfJob
from jobreporter_history._top.lines import Line, Target
from jobreporter_history._top.overview import ORDERS, Overview
from jobreporter_history._top.snapshot import narrowed, taken
from jobreporter_history._top.subject import Room, Subject
from jobreporter_history.store import Store, Term, open_store
from tests.plugins.history.executions import write

from .test_lines import UNSAFE

SIZES = ((1, 1), (7, 3), (20, 10), (40, 24), (80, 24), (150, 50), (300, 90))


def shown(subject: Subject, store: Store, width: int = 100, height: int = 30) -> Sequence[Line]:
    """The lines of a subject as they are now."""
    return subject.lines(subject.ask(store), Room(width, height, store.now()))


def text_of(lines: Sequence[Line]) -> str:
    """Lines as a text."""
    return "\n".join(line.text for line in lines)


def subjects(store: Store) -> list[Subject]:
    """Every screen that there is to see."""
    jobs = {job.name for job in store.overview(store.now() - 86_400, store.now()).jobs}
    runs = {each.execution_id for each in (*store.executions(limit=200).rows, *store.running())}
    return [
        Overview(),
        Overview("30d", Filter("-nothing"), "by name", frozenset({"needs", "running"})),
        *(OfIncident(each.id) for each in store.incidents()),
        OfIncident(4711),
        *(OfExecution(each) for each in sorted(runs)[:20]),
        *(OfExecution(each.execution_id) for each in store.executions([Term("outcome", "failure")]).rows),
        *(OfExecution(each.execution_id) for each in store.running()),
        OfExecution("none"),
        *(OfJob(name, "24h") for name in jobs),
        OfJob("none", "1h"),
    ]


def test_every_screen_fits(store: Store) -> None:
    """No line of any screen is wider than the terminal, and nothing in it steers one; every link leads somewhere."""
    for subject in subjects(store):
        found = subject.ask(store)
        for width, height in SIZES:
            lines = subject.lines(found, Room(width, height, store.now()))
            assert lines
            for line in lines:
                text = "".join(part.text for part in line.parts)
                assert cell_len(text) <= max(width, 2), (subject, width, text)
                assert {unicodedata.category(each) for each in text} & UNSAFE == set()


def test_the_first_screen(store: Store) -> None:
    """What needs somebody, what runs, and every job, each leading to more."""
    lines = shown(Overview(), store)
    targets = {line.target for line in lines if line.target}
    assert Target("incident", "1") in targets
    assert Target("job", "shop.tasks.charge_card") in targets
    assert [target.kind for target in targets].count("execution") == 1
    text = text_of(lines)
    for said in (
        "NEEDS YOU  ",
        "RUNNING NOW",
        "JOBS  6, most failures",
        " executions  ",
        "ReadTimeout in shop.tasks.charge",
    ):
        assert said in text


def test_sections_that_are_long_can_be_expanded(store: Store) -> None:
    """On a low screen a line says how many more there are, and Enter on it shows them."""
    found = Overview().ask(store)
    found = found._replace(needs=found.needs * 3, running=())
    room = Room(80, 16, store.now())
    lines = Overview().lines(found, room)
    assert [line.text for line in lines if line.target == Target("more", "needs")] == ["… 6 more"]
    assert len([line for line in lines if line.target and line.target.kind == "incident"]) == 3
    lines = Overview(expanded=frozenset({"needs"})).lines(found, room)
    assert len([line for line in lines if line.target and line.target.kind == "incident"]) == 9
    assert all(line.target is None or line.target.kind != "more" for line in lines)


@pytest.mark.parametrize("order", list(ORDERS))
def test_jobs_are_ordered(store: Store, order: str) -> None:
    """Each order puts another job first, and says what it is."""
    lines = shown(Overview(order=order), store)
    jobs = [line.target.name for line in lines if line.target and line.target.kind == "job"]
    firsts = {
        "most failures": "shop.tasks.charge_card",
        "most runs": "shop.tasks.charge",
        "slowest": "shop.tasks.charge_card",
        "by name": min(jobs),
    }
    assert jobs[0] == firsts[order]
    assert f"JOBS  6, {order}" in text_of(lines)


def test_an_incident(store: Store) -> None:
    """What failed, where, whom, why these are one, and what to type."""
    [number] = [each.id for each in store.incidents() if each.title == "ReadTimeout"]
    text = text_of(shown(OfIncident(number), store))
    for said in (
        *("ReadTimeout  shop.tasks.charge_card", "14 in all", "timed out", "EXECUTIONS", "customer:globex"),
        *("WHAT HAPPENED", "opened", "WHO AND WHERE", "release", "2.4.1", "WHY THESE ARE ONE"),
        f"jobreporter incidents resolve {number}",
    ):
        assert said in text


def test_an_execution(store: Store) -> None:
    """Its error, arguments, and facts; its incident and its job are a key away."""
    [found] = store.executions([Term("name", "crm.push")]).rows
    lines = shown(OfExecution(found.execution_id), store)
    text = text_of(lines)
    for said in (
        "■ failure  crm.push",
        "rq high",
        "no further attempt",
        "shop.errors.Declined",
        "no funds",
        found.job_id,
    ):
        assert said in text
    assert {"incident", "job"} <= {line.target.kind for line in lines if line.target}


def test_an_execution_that_runs(store: Store) -> None:
    """How long it has been, or that its process has gone silent."""
    [running] = store.running()
    text = text_of(shown(OfExecution(running.execution_id), store))
    assert "media.transcode" in text
    assert "has been running for" in text or "no sign of life" in text


def test_a_job(store: Store) -> None:
    """Its figures, its incident and its latest executions."""
    text = text_of(shown(OfJob("shop.tasks.charge_card", "7d"), store))
    for said in ("last 7d", "14 runs", "p95 ", "RUNS", "FAILURES", "INCIDENTS", "LATEST", "customer:globex"):
        assert said in text


def test_what_is_not_there_is_a_sentence(store: Store) -> None:
    """As it is for what is no longer kept."""
    assert "There is no incident 4711" in text_of(shown(OfIncident(4711), store))
    assert "There is no such execution" in text_of(shown(OfExecution("none"), store))
    assert "none is kept" in text_of(shown(OfJob("none", "1h"), store))


def test_an_empty_store(tmp_path: Path) -> None:
    """Says of each section that there is nothing."""
    url = f"sqlite://{tmp_path}/history.db"
    write(url, [])
    store = open_store(url)
    text = text_of(shown(Overview(), store))
    store.close()
    for said in ("0 executions", "nothing: no incident is open", "RUNNING NOW  nothing", "none ended in the last 24h"):
        assert said in text


@pytest.mark.parametrize(
    ("query", "jobs"),
    [
        ("", 6),
        ("charge", 2),
        ("-charge", 4),
        ("CHARGE card", 1),
        ("name:shop.*", 2),
        ("queue:webhooks", 1),
        ("source:rq", 1),
        ("-source:celery", 2),
        ('"crm.push"', 1),
        ("service:shop environment:production", 6),
        ("service:other", 0),
        ("deadbeef", 0),
    ],
)
def test_a_filter_leaves_jobs(store: Store, query: str, jobs: int) -> None:
    """The figures are those of the jobs that are left, and so are incidents and what runs."""
    snapshot = taken(store, "24h")
    view = narrowed(snapshot, Filter(query))
    assert len(view.overview.jobs) == jobs
    assert view.overview.figures.runs == sum(job.figures.runs for job in view.overview.jobs)
    assert sum(point.figures.runs for point in view.overview.points) == view.overview.figures.runs
    assert {each.job for each in view.needs} <= {job.name for job in view.overview.jobs}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("outcome:failure", "outcome: is about executions"),
        ("customer:acme", "customer: is about executions"),
        ("since:2h", "since: is about executions"),
        ('"open', "quotation mark"),
        ("name:", "name: has no value"),
    ],
)
def test_a_filter_that_can_not_be_is_refused(query: str, said: str) -> None:
    """In a sentence that says what can be."""
    with pytest.raises(QueryError, match=said):
        Filter(query)
