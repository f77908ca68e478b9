"""The pages, asked as a browser with its scripts off would."""

from __future__ import annotations

import csv
import io
import re
import time
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from jobreporter.schedules import Schedule
from jobreporter_history._schedules.watch import Watch
from jobreporter_history.store import Store, open_store
from jobreporter_history.web import create_app
from tests.plugins.history.executions import ORIGIN, succeeded, write
from tests.plugins.history.filled import HOSTILE

PATHS = (
    *("/", "/?range=1h", "/?range=30d", "/?range=nonsense", "/incidents", "/incidents?state=all&order=failed&page=2"),
    *("/executions", "/executions?q=outcome:failure", "/jobs", "/jobs?find=charge", "/schedules", "/reporters"),
    *("/job?name=shop.tasks.charge_card", "/incidents/1"),
)


def links(page: str) -> list[str]:
    """Every link of a page."""
    return [unescape(each) for each in re.findall(r'(?:href|src|action)="([^"]*)"', page)]


@pytest.mark.parametrize("path", PATHS)
def test_each_page_answers(page: TestClient, path: str) -> None:
    """Every page is HTML with a heading, without a style attribute or a script of its own."""
    answer = page.get(path)
    assert answer.status_code == 200, answer.text
    assert "<h1" in answer.text
    markup = re.sub(r'"[^"]*"', '""', answer.text)
    assert not re.search(r"<[^>]* (style|on\w+)=", markup)
    assert re.findall(r"<script(?! src=)", answer.text) == []


def test_every_link_leads_somewhere(page: TestClient) -> None:
    """From the first page on, each link of the site is answered without an error of the server, hostile ids included."""
    seen, waiting = set(), ["/"]
    while waiting and len(seen) < 150:
        path = waiting.pop(0)
        if path in seen or path.startswith("#") or path == "/events":
            continue
        seen.add(path)
        answer = page.get(path)
        assert answer.status_code == 200, (path, answer.text[-500:])
        if answer.headers["content-type"].startswith("text/html"):
            waiting += links(answer.text)
    assert {"/reporters", "/executions.csv", "/static/page.js"} <= {each.partition("?")[0] for each in seen}
    assert any(each.startswith("/x/%3Dx%2F..%2F") for each in seen)


def test_hostile_text_is_shown(page: TestClient, store: Store) -> None:
    """What jobs wrote is text on the page, and neither markup nor a control character."""
    [evil] = [each for each in store.executions(limit=50).rows if each.error_type == "shop.Odd"]
    for path in ("/", "/executions", "/incidents", "/jobs"):
        assert_inert(page.get(path).text)
    [link] = {each for each in links(page.get("/executions?q=error:shop.Odd").text) if each.startswith("/x/")}
    whole = page.get(link).text
    assert_inert(whole)
    assert "\\u202e" in whole
    assert "&lt;script&gt;" in whole
    assert evil.name.startswith("<script>")


def assert_inert(page: str) -> None:
    """Nothing of the hostile text is markup, obeyed by a terminal, or a template's expression."""
    assert "<script>" not in page
    assert "<svg onload" not in page
    assert not set(page) & {"\u202e", "\x1b"}
    assert "49" not in re.findall(r"\[/\]([^<]{2})", page)


def test_exports_agree_with_the_list(page: TestClient, store: Store) -> None:
    """List, count, CSV and JSON of one query speak of the same executions."""
    query = {"q": "outcome:failure"}
    rows = list(csv.DictReader(io.StringIO(page.get("/executions.csv", params=query).text)))
    records = page.get("/executions.json", params=query).json()
    listed = page.get("/executions", params=query).text
    assert len(rows) == len(records) == 16
    assert "16 executions match." in listed
    assert listed.count('class="what"') == 16
    assert {each["outcome"] for each in records} == {"failure"}
    assert page.get("/executions.json", params={"q": "name:nothing"}).json() == []


def test_the_export_has_no_formulas(page: TestClient) -> None:
    """A cell that begins like a formula is quoted, and a control character is an escape."""
    [row] = csv.DictReader(io.StringIO(page.get("/executions.csv", params={"q": "error:shop.Odd"}).text))
    assert row["message"].startswith("'=cmd()")
    assert row["job_id"].startswith("'=x/")
    assert "\x1b" not in "".join(row.values())


def test_paging_goes_through_all_once(page: TestClient, store: Store) -> None:
    """Following "Older" shows each execution once, and ends."""
    seen: list[str] = []
    path = "/executions"
    for _ in range(10):
        text = page.get(path).text
        seen += [each for each in links(text) if each.startswith("/x/")]
        older = re.search(r'rel="next" href="([^"]*)"', text)
        if older is None:
            break
        path = unescape(older[1])
    assert len(seen) == len(set(seen)) == store.count().value


def test_the_line_of_jobs_is_shown(page: TestClient, store: Store) -> None:
    """An execution's page has the jobs that led to it and those that it led to."""
    [found] = [each for each in store.executions(limit=50).rows if each.job_id == "0123456789abcdef"]
    text = page.get(f"/x/{found.execution_id}").text
    assert "every job that the first one led to" in text
    assert "crm.push" in text


def test_what_runs_is_shown(sqlite_url: str) -> None:
    """A job that has started and not ended runs, and is lost where its process shows no sign of life."""
    now = time.time()
    write(sqlite_url, succeeded(now, 0.0, name="media.transcode")[:1] + succeeded(now, 7200, name="media.silent")[:1])
    opened = open_store(sqlite_url)
    with TestClient(create_app(opened)) as client:
        needs, _, runs = client.get("/").text.partition("Running now")
        assert "media.silent" in needs
        assert "media.transcode" in runs
        pages = {each.name: client.get(f"/x/{quote(each.execution_id, safe='')}").text for each in opened.running()}
    assert "has been running for" in pages["media.transcode"]
    assert "no sign of life" in pages["media.silent"]
    opened.close()


@pytest.mark.parametrize(
    "path", ["/nothing", "/x/unknown", "/incidents/99999", "/incidents/x", "/job?name=none", "/job"]
)
def test_what_is_not_there_says_so(page: TestClient, path: str) -> None:
    """A page that there is none of is a sentence and a way on."""
    answer = page.get(path)
    assert answer.status_code == 404
    assert 'href="/executions"' in answer.text


@pytest.mark.parametrize("way", ["given", "given and kept", "mounted"])
def test_links_stay_under_the_root_path(store: Store, way: str) -> None:
    """Under a root path each link begins with it, whether the proxy takes it off, keeps it, or the page is mounted."""
    app: Any = create_app(store, root_path="/jobs/page")
    if way == "mounted":
        app = Starlette(routes=[Mount("/jobs/page", create_app(store))])
    base = "" if way == "given" else "/jobs/page"
    with TestClient(app) as client:
        for path in (*PATHS, "/nothing"):
            text = client.get(f"{base}{path}").text
            assert {each for each in links(text) if not each.startswith(("/jobs/page/", "#"))} == set()
        assert client.get(f"{base}/static/page.css").status_code == 200


def test_a_store_that_cannot_be_read(tmp_path: Path) -> None:
    """A store that is missing, damaged or not readable is a sentence with 503 on every page, and never a traceback."""
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"no" * 5000)
    for file in (tmp_path / "missing.db", damaged, tmp_path):
        if file.is_dir():
            file = file / "folder.db"  # noqa: PLW2901 - the place of a file, where a folder is
            file.mkdir()
        opened = open_store(f"sqlite://{file}")
        with TestClient(create_app(opened)) as client:
            for path in ("/", "/executions", "/executions.csv", "/x/a", "/reporters"):
                answer = client.get(path)
                assert answer.status_code == 503, (file, path)
                assert "<section" in answer.text
        opened.close()


def test_schedules_that_need_somebody_come_first(sqlite_url: str, run: Any) -> None:
    """One that was missed, one that is late, and those that are as they should be."""
    now = time.time()
    session = run(sqlite_url, now=now - 2 * 3600)
    schedules = [
        Schedule(name="fine", job="shop.fine", every=3 * 3600.0),
        Schedule(name="late", job="shop.late", every=2 * 3600.0 - 120),
        Schedule(name="missed", job="shop.missed", every=3600.0, timezone="Asia/Tokyo"),
        Schedule(name="yearly", job="shop.yearly", cron="0 3 1 1 *", timezone="Asia/Tokyo"),
    ]
    watch = Watch(session.database, schedules, ORIGIN)
    while session.now < now:
        watch.look(session.now)
        session.now += 55
    watch.look(now)
    session.database.close()
    store = open_store(sqlite_url)
    with TestClient(create_app(store)) as client:
        rows = re.findall(r"<tr><td>(.*?)</tr>", client.get("/schedules").text)
    store.close()
    rows = rows[: len(schedules)]  # the incident is below
    told = [re.sub(r"<[^>]*>|\s+", " ", row).split() for row in rows]
    assert [(each[0], each[1]) for each in told] == [
        ("missed", "shop.missed"),
        ("late", "shop.late"),
        ("ok", "shop.fine"),
        ("ok", "shop.yearly"),
    ]
    assert "1 in a row" in " ".join(told[0])
    assert "due" in told[1]
    assert "0 3 1 1 * Asia/Tokyo none yet in" in " ".join(told[3])


def test_an_empty_store(sqlite_url: str, run: Any) -> None:
    """Where nothing has happened yet, each page says so."""
    run(sqlite_url).close()
    opened = open_store(sqlite_url)
    with TestClient(create_app(opened)) as client:
        for path in ("/", "/incidents", "/executions", "/jobs", "/schedules", "/reporters"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert 'class="empty"' in answer.text
        assert client.get("/executions.json").json() == []
    opened.close()


def test_the_hostile_text_is_hostile() -> None:
    """The text has each of the ways out that the pages are held to."""
    assert {"<", '"', "'", "\x1b", "\u202e", "[", "{"} <= set(HOSTILE)
