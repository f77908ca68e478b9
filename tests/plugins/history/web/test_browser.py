"""The page in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from jobreporter_history._display.ranges import RANGES
from tests.browser import launched, opened
from tests.plugins.history.conftest import Run
from tests.plugins.history.executions import failed, succeeded

from .axe import COLOURS, violations
from .test_command import Server

# Whether times below a chart touch each other, or an edge.
_CROWDED = """() => [...document.querySelectorAll("svg.axis")].some(axis => {
  const boxes = [...axis.children].map(e => e.getBoundingClientRect()).filter(box => box.width);
  return boxes.some((box, i) => i && box.left < boxes[i - 1].right + 3) || boxes[0].left < axis.getBoundingClientRect().left;
})"""
# What is of one piece, such as a key and its name, or how often something runs, and what hides a part of itself at its side.
_BROKEN = """() => [
  ...[...document.querySelectorAll("main .one")].filter(e => e.getClientRects().length > 1 || getComputedStyle(e).whiteSpace != "nowrap"),
  ...[...document.querySelectorAll("main nav")].filter(e => e.scrollWidth > e.clientWidth),
].map(e => e.textContent)"""
PATHS = (
    *(f"/?range={name}" for name in RANGES),
    *(
        "/incidents?state=all",
        "/executions",
        "/jobs",
        "/schedules",
        "/reporters",
        "/incidents/1",
        "/incidents/2",
        "/incidents/3",
    ),
    *("/job?name=shop.tasks.charge_card", "/executions?q=outcom:failure"),
)

#: Pages that differ in their times alone.
_ALIKE = PATHS[1 : len(RANGES)]
#: Each width with each scheme, and the rules that can say something new there.
LOOKS = ((1280, "light", None), (1280, "dark", COLOURS), (390, "dark", None), (390, "light", COLOURS))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, without a window."""
    with launched() as started:
        yield started


@pytest.fixture(scope="module")
def served(full: str) -> Iterator[str]:
    """The address of the full store's page."""
    server = Server(full)
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def test_every_page_fits_and_is_for_everybody(browser: Browser, served: str) -> None:
    """No page complains, runs what jobs wrote, or scrolls sideways; axe objects to none, and the focus shows everywhere."""
    with opened(browser) as (page, complaints):
        page.goto(f"{served}/executions?q=outcome:failure")
        ids = page.eval_on_selector_all(
            ".what > a", "links => links.slice(0, 2).map(link => link.getAttribute('href'))"
        )
        assert len(ids) == 2
        for path in (*PATHS, *ids):
            page.goto(f"{served}{path}")
            for width, scheme, rules in LOOKS:
                page.set_viewport_size({"width": width, "height": 800})
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # light or dark
                where = (path, width, scheme)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, where
                assert not page.evaluate(_CROWDED), where
                assert page.evaluate(_BROKEN) == [], where
                if path not in _ALIKE:
                    assert violations(page, rules) == [], where
            assert page.evaluate(
                "[...document.querySelectorAll('input:not([type=hidden])')].every(e => e.labels.length)"
            )
            assert page.evaluate("[...document.querySelectorAll('table')].every(e => e.tHead && e.tHead.rows.length)")
        assert complaints == []


def test_what_happened_to_an_incident_fits_a_phone(browser: Browser, sqlite_url: str, run: Run) -> None:
    """However much decided it: numbers are of something, and no line is wider than the screen."""
    running = run(sqlite_url, now=time.time() - 7200)
    assert running.write(failed(running.now, event={"will_retry": False}))
    running.tick(5)
    running.tick(1000)
    assert running.write([event for _ in range(40) for event in succeeded(running.now)])
    running.tick(5)
    server = Server(sqlite_url)
    try:
        with opened(browser) as (page, complaints):
            page.goto(f"http://127.0.0.1:{server.port}/incidents/1")
            page.set_viewport_size({"width": 390, "height": 800})
            expect(page.locator(".log li").first).to_contain_text("succeeded, 1 failed, 1 final, 1 success, 1 needed")
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            assert complaints == []
    finally:
        server.close()


def test_without_scripts(browser: Browser, served: str) -> None:
    """With scripts off each page has its content, and searches, lists, details and the navigation work."""
    with opened(browser, java_script_enabled=False) as (page, complaints):
        for path in PATHS:
            if path not in _ALIKE:
                page.goto(f"{served}{path}")
                expect(page.locator("h1")).to_be_visible()
                for needs_scripts in ("#live", ".keys", "dialog"):
                    expect(page.locator(needs_scripts)).to_be_hidden()
        page.get_by_role("link", name="Jobs").click()
        page.locator("#name").fill("charge_card")
        page.locator("#name").press("Enter")
        expect(page.locator("td.what")).to_have_count(1)
        page.get_by_role("link", name="Incidents").click()
        page.get_by_role("link", name="all", exact=True).click()
        page.locator("#within").fill("readtimeout")
        page.locator("#within").press("Enter")
        expect(page.locator("td.what")).to_have_count(1)
        page.locator("td.what > a").click()
        page.get_by_text("Plain traceback").click()
        expect(page.get_by_label("Plain traceback")).to_be_visible()
        page.get_by_role("link", name="Executions", exact=True).click()
        first = page.locator("td.what > a").first.get_attribute("href")
        page.get_by_role("link", name="Older").click()
        expect(page.locator(f'a[href="{first}"]')).to_have_count(0)
        page.get_by_role("link", name="Newest").click()
        expect(page.locator(f'a[href="{first}"]')).to_have_count(1)
        page.locator("#find").fill("error:Declined")
        page.locator("#find").press("Enter")
        expect(page.locator("#count")).to_have_text("1 execution matches.")
        page.locator(".what > a").click()
        expect(page.locator("h1")).to_contain_text("crm.push")
        assert complaints == []


def test_the_keys(browser: Browser, served: str) -> None:
    """``/`` searches, ``j`` and ``k`` move, Enter opens, ``p`` pauses, ``?`` helps, Esc leaves."""
    with opened(browser) as (page, complaints):
        page.goto(f"{served}/executions")
        page.keyboard.press("/")
        expect(page.locator("#find")).to_be_focused()
        page.keyboard.type("j")
        expect(page.locator("#find")).to_have_value("j")
        page.keyboard.press("Escape")
        expect(page.locator("#find")).not_to_be_focused()
        for key, row in (("j", 0), ("j", 1), ("k", 0)):
            page.keyboard.press(key)
            expect(page.locator("main tbody tr").nth(row).locator(".what > a")).to_be_focused()
        page.keyboard.press("?")
        expect(page.locator("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_be_hidden()
        page.keyboard.press("p")
        expect(page.locator("#live")).to_have_text("Paused")
        page.keyboard.press("Enter")
        page.wait_for_url("**/x/**")
        assert complaints == []
