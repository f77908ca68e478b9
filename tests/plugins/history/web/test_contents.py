"""What each page says, and in which order."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from jobreporter import Context, Frame, LaneStats, Origin
from jobreporter.schedules import Schedule
from jobreporter.testing import make_error
from jobreporter_history._open import open_database
from jobreporter_history._schedules.watch import Watch
from jobreporter_history._upkeep.heartbeat import Heartbeat
from jobreporter_history.store import Store
from jobreporter_history.web import create_app
from tests.plugins.history.conftest import Read, Run
from tests.plugins.history.executions import NOW, ORIGIN, failed, new_job, succeeded, write

from .test_pages import links


def told(html: str) -> str:
    """The text of a piece of a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def rows(html: str) -> list[str]:
    """The texts of the rows of its tables, without their heads."""
    return [
        told(row)
        for body in re.findall(r"<tbody>(.*?)</tbody>", html, re.DOTALL)
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


def page_of(store: Store, path: str) -> str:
    """A page of the store."""
    with TestClient(create_app(store)) as client:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def with_incidents(url: str, states: dict[str, tuple[str, str, str | None]]) -> None:
    """One incident for each name: its state, its kind, and what happened to it last."""
    # Those that need somebody most failed longest ago.
    for number, name in enumerate(states):
        write(url, failed(NOW + number, name=f"jobs.{name}", event={"error": make_error(f"shop.{name}", "no")}))
    database = open_database(url)
    with database.writing() as connection:
        for name, (state, kind, happening) in states.items():
            [(number,)] = connection.rows("SELECT id FROM incident WHERE job = ?", (f"jobs.{name}",))
            silenced = NOW + 9e6 if name == "silenced" else None
            connection.run(
                "UPDATE incident SET state = ?, kind = ?, silenced_until = ? WHERE id = ?",
                (state, kind, silenced, number),
            )
            if happening:
                connection.run(
                    "INSERT INTO incident_log (incident, seq, at, happening, cause, quiet, state, facts)"
                    " VALUES (?, 1, ?, ?, '', 0, ?, '{}')",
                    (number, NOW, happening, state),
                )
    database.close()


def test_what_needs_somebody_most_comes_first(url: str, read: Read) -> None:
    """Missed runs, then what has come back, what is open, what flaps, what is silenced, and last what is lost."""
    states = {
        "missed": ("open", "missed", "missed"),
        "regressed": ("open", "exception", "regressed"),
        "open": ("open", "exception", "opened"),
        "flapping": ("flapping", "exception", "flapping"),
        "silenced": ("open", "missed", "regressed"),
        "resolved": ("resolved", "exception", "resolved"),
        "pending": ("pending", "exception", None),
    }
    with_incidents(url, states)
    write(url, succeeded(NOW, 1.0, name="jobs.lost")[:1])
    store = read(url, clock=lambda: NOW + 1000)
    needs = page_of(store, "/").partition("In numbers")[0]
    assert re.findall(r"jobs\.(\w+)", told(needs)) == ["missed", "regressed", "open", "flapping", "silenced", "lost"]
    everything = page_of(store, "/incidents?state=all")
    assert re.findall(r"jobs\.(\w+)", told(everything)) == list(states)


def test_more_than_are_shown(url: str, read: Read) -> None:
    """The most urgent are shown even where hundreds are newer, and a link leads to the others."""
    with_incidents(
        url,
        {"first": ("open", "missed", "missed")}
        | {f"other{number}": ("open", "exception", None) for number in range(24)},
    )
    for number in range(15):
        write(url, succeeded(NOW, 1.0, name=f"lost.job_{number}")[:1])
    store = read(url, clock=lambda: NOW + 1000)
    page = page_of(store, "/")
    needs = page.partition("In numbers")[0]
    assert "in jobs.first no 1 failed" in rows(needs)[0]
    assert 'aria-label="Failures in 24 hours: 1"' in needs
    assert "and 15 more" in rows(needs)
    assert "and 10 more that are lost" in rows(needs)
    assert "/?range=24h&lost=all" in links(needs)
    assert told(page_of(store, "/?lost=all").partition("In numbers")[0]).count("lost.job_") == 15
    assert '<span class="badge">25' in page


def test_where_nobody_looks_nobody_knows(url: str, read: Read, run: Run) -> None:
    """A schedule that nobody has looked at for a minute is neither late nor missed, whatever was said of it before."""
    session = run(url)
    now = session.now
    plans = [
        Schedule(name="late", job="shop.late", every=600.0, grace=3600.0),
        Schedule(name="missed", job="shop.missed", every=600.0),
    ]
    watch = Watch(session.database, plans, ORIGIN)
    for at in range(0, 1000, 50):
        watch.look(now + at)
    looked = now + 950
    store = read(url, clock=lambda: now)
    now = looked + 60
    assert [row.split()[0] for row in rows(page_of(store, "/schedules"))[:2]] == ["missed", "late"]
    now = looked + 61
    assert [each.late for each in store.schedules()] == [None, None]
    told_of = rows(page_of(store, "/schedules"))[:2]
    assert [row.split()[0] for row in told_of] == ["unwatched", "unwatched"]
    assert all("unknown" in row for row in told_of)


LEDGER = LaneStats(
    accepted=2000,
    handled=1000,
    failed=1,
    filtered=300,
    dropped={"capacity": 40, "closed": 2},
    dead=5,
    expired=6,
    unknown=7,
    pending=639,
    lost_by_reporter={"rate_limited": 8, "disk": 1},
    lag_seconds=12.5,
)


def test_ledgers_add_up(url: str, read: Read, run: Run) -> None:
    """All that a reporter was given is somewhere in its row, with the reasons, and what it lost by itself beside that."""
    session = run(url)
    context = Context(host="web-2", pid=8, version="0.1.0", stats=lambda: {"vendor": LEDGER})
    Heartbeat(session.database, context, NOW).beat(NOW + 10, agent=False)
    page = page_of(read(url, clock=lambda: NOW + 11), "/reporters")
    [row] = re.findall(r"<tr><td class=\"what\">vendor.*?</tr>", page, re.DOTALL)
    counts = {name: int(value.replace(",", "")) for name, value in re.findall(r'data-label="([^"]*)">([\d,]+)<', row)}
    lost = counts.pop("lost by itself")
    accepted = counts.pop("accepted")
    assert accepted == sum(counts.values()) == 2000
    assert counts["dropped"] == 42
    assert lost == 9
    assert "dropped: capacity 40, closed 2" in told(row)
    assert "lost by itself: rate_limited 8, disk 1" in told(row)


@pytest.mark.parametrize(
    "ledger", ['{"old": {}}', '{"odd": {"accepted": "many", "dropped": 3, "lost_by_reporter": {"x": null}}}']
)
def test_ledgers_of_other_versions(url: str, read: Read, run: Run, ledger: str) -> None:
    """What another version told is shown as far as it is understood."""
    session = run(url)
    session.tick(15)
    with session.database.writing() as connection:
        connection.run("UPDATE process SET ledger = ?", (ledger,))
    assert ">\N{EN DASH}<" in page_of(read(url, clock=lambda: session.now), "/reporters")


def frame(module: str, *, in_app: bool | None) -> Frame:
    """A frame of a module."""
    return Frame(module=module, function="call", filename=f"{module}.py", lineno=3, line="call()", in_app=in_app)


def test_runs_of_library_frames_fold(url: str, read: Read) -> None:
    """Each run of frames that aren't the program's own is folded away; one's own, and those that nobody knows of, are not."""
    frames = (
        frame("shop.tasks", in_app=True),
        *(frame(f"requests.{name}", in_app=False) for name in ("api", "sessions")),
        frame("urllib3.pool", in_app=False),
        frame("shop.hooks", in_app=None),
        frame("ssl", in_app=False),
    )
    error = make_error("shop.Odd", "no")
    write(
        url,
        failed(NOW, job=(job := new_job()), event={"error": type(error)(type="shop.Odd", message="no", frames=frames)}),
    )
    page = page_of(read(url, clock=lambda: NOW + 1), f"/x/{job.execution_id}")
    folded = re.findall(r"<details><summary>(.*?)</summary>(.*?)</details>", page, re.DOTALL)
    assert [told(summary) for summary, _ in folded[:2]] == ["3 frames of requests, urllib3", "1 frame of ssl"]
    assert "urllib3.pool" in folded[0][1]
    own = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    assert "shop.tasks" in own
    assert "shop.hooks" in own


SEARCHES = {
    "CHARGE_c": {"shop.tasks.charge_card"},
    "timeout": {"shop.tasks.charge_card"},
    "10 % of": {"crm.push"},
    "sold_out": {"crm.sync"},
    "Ärger": {"crm.push"},
    'say "hi"': {"crm.push"},
    "crm": {"crm.push", "crm.sync"},
    "100%": set(),
    "o_a": set(),
    "\0": set(),
}


@pytest.mark.parametrize("find", SEARCHES)
def test_incidents_can_be_searched(url: str, read: Read, find: str) -> None:
    """By the name of a job, the error's type, its message, and what the fingerprint is made of; as it is written."""
    for name, error in {
        "shop.tasks.charge_card": make_error("requests.ReadTimeout", "api.example"),
        "crm.push": make_error("shop.Odd", 'only 10 % of Ärger, they say "hi"'),
        "crm.sync": make_error("shop.Error", "sold_out"),
    }.items():
        write(url, failed(NOW, name=name, event={"error": error}))
    store = read(url, clock=lambda: NOW)
    assert {each.job for each in store.incidents(find=find)} == SEARCHES[find]
    assert store.incident_count(find=find) == len(SEARCHES[find])
    with TestClient(create_app(store)) as client:
        text = client.get("/incidents", params={"state": "all", "find": find}).text
    assert {name for row in rows(text) for name in re.findall(r"in (\S+)", row)} == SEARCHES[find]
    kept = [each for each in links(text) if each.startswith("/incidents?")]
    assert kept
    assert all("find=" in each for each in kept)


def test_an_incident_is_found_by_the_failure_that_outlives_its_table(url: str, read: Read) -> None:
    """Where no failure is kept any more, the sample still has the message."""
    write(url, failed(NOW, name="crm.push", event={"error": make_error("shop.Odd", 'the "drain" is\nclogged')}))
    store = read(url, clock=lambda: NOW)
    [detail] = [store.incident(each.id) for each in store.incidents()]
    database = open_database(url)
    with database.writing() as connection:
        assert detail is not None
        sample = msgspec.json.encode(detail.sample).decode()
        connection.run("INSERT INTO sample (incident, execution) VALUES (?, ?)", (detail.incident.id, sample))
        connection.run("UPDATE incident SET parts = '[]'")
        for (name,) in connection.rows("SELECT name FROM days"):
            connection.run(f"DELETE FROM {name}")
    database.close()
    assert [each.job for each in store.incidents(find='"Drain" is\n')] == ["crm.push"]
    # What else is in the sample isn't its message.
    assert store.incidents(find="execution_id") == ()


def test_commands_of_an_incident(url: str, read: Read) -> None:
    """The page has what the terminal can do with it, the end of a silence only where there is one."""
    with_incidents(url, {"open": ("open", "exception", None), "silenced": ("open", "exception", None)})
    store = read(url, clock=lambda: NOW)
    pages = {each.job: page_of(store, f"/incidents/{each.id}") for each in store.incidents()}
    for page in pages.values():
        assert "--release VERSION" in page
    assert "incidents unsilence" not in pages["jobs.open"]
    assert "incidents unsilence" in pages["jobs.silenced"]
    assert "Silenced until" in pages["jobs.silenced"]


@pytest.mark.parametrize("ended", [True, False])
def test_facts_of_an_execution(url: str, read: Read, ended: bool) -> None:
    """When it was to run is among the facts, and what it correlates with."""
    fields: dict[str, Any] = {"scheduled_at": NOW - 60, "enqueued_at": NOW - 100}
    job = new_job(correlation_id="order-4711", **fields)
    events = succeeded(NOW, job=job)
    write(url, events if ended else events[:1], Origin(host="web-1", pid=7, version="0.1.0"))
    text = told(page_of(read(url, clock=lambda: NOW + 1), f"/x/{job.execution_id}"))
    assert "Scheduled 2023-11-14T22:12:20.000Z" in text
    assert ("Correlation order-4711" in text) == ended
