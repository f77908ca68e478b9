"""Open pages follow the store: soon, without taking anything from whoever reads, and not at all while they are held."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import launched, opened
from tests.plugins.history.executions import failed, new_job, succeeded, write
from tests.plugins.history.filled import fill

from .test_command import Server

# What the page has been told, counted in front of its own listener.
_COUNTED = """window.told = 0; window.heard = () => {};
  window.EventSource = class extends EventSource { constructor(...given) {
    super(...given); this.addEventListener("changed", () => { window.told++; queueMicrotask(() => window.heard()); }); } };
  window.after = (seen) => new Promise((done) => { window.heard = () => window.told > seen && done(window.told); window.heard(); });"""
# Milliseconds, in which a page looks dozens of times whether it is still held.
_LONG = 20_000


class Followed(NamedTuple):
    """A page that is open, and the store behind it."""

    page: Page
    address: str
    url: str
    #: How often the page has asked for itself anew.
    asked: list[str]

    def open(self, path: str) -> None:
        """Go there, and wait until the page listens."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/events")):
            self.page.goto(f"{self.address}{path}")
        self.asked.clear()

    def tell(self, name: str) -> None:
        """Have an execution of a job, and wait until the page was told."""
        seen = self.page.evaluate("window.told")
        write(self.url, succeeded(time.time(), name=name))
        self.page.evaluate("seen => window.after(seen)", seen)

    def write(self, name: str) -> None:
        """The same, and wait until the page has new content."""
        self.page.evaluate("document.querySelector('#main > *').dataset.old = 1")
        self.tell(name)
        expect(self.page.locator("[data-old]")).to_have_count(0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, without a window."""
    with launched() as started:
        yield started


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store that these tests write."""
    url = f"sqlite://{tmp_path_factory.mktemp('followed')}/history.db"
    fill(url, time.time())
    return url


@pytest.fixture(scope="module")
def address(store_url: str) -> Iterator[str]:
    """Where its page is."""
    server = Server(store_url)
    yield f"http://127.0.0.1:{server.port}"
    server.close()


@pytest.fixture
def followed(browser: Browser, address: str, store_url: str) -> Iterator[Followed]:
    """A page of it, which complains of nothing."""
    with opened(browser, viewport={"width": 1280, "height": 600}) as (page, complaints):
        asked: list[str] = []
        page.add_init_script(_COUNTED)
        page.on("request", lambda request: request.resource_type == "fetch" and asked.append(request.url))
        yield Followed(page, address, store_url, asked)
        assert complaints == []


def test_a_write_appears_within_three_seconds(followed: Followed) -> None:
    """From the end of the write to the text on the page; the best of three, since other programs have the processor too."""
    followed.open("/executions")
    took = []
    for number in range(3):
        write(followed.url, succeeded(time.time(), name=f"soon.number_{number}"))
        began = time.monotonic()
        expect(followed.page.get_by_text(f"soon.number_{number}")).to_be_visible(timeout=20_000)
        took.append(time.monotonic() - began)
    assert min(took) < 3


def test_focus_and_scroll_are_kept(followed: Followed) -> None:
    """Rows that come on top move neither the focus, nor the row that the keys are at, nor what is being read."""
    page = followed.page
    followed.open("/executions")
    for _ in range(20):
        page.keyboard.press("j")
    page.mouse.wheel(0, 150)
    expect(page.locator("tr.at a")).to_be_focused()
    at = page.locator("tr.at a")
    href, place = at.get_attribute("href"), at.bounding_box()
    assert page.evaluate("scrollY") > 0
    assert place is not None
    followed.write("kept.focus")
    expect(page.get_by_text("kept.focus")).to_be_attached()
    expect(at).to_be_focused()
    assert at.get_attribute("href") == href
    now = at.bounding_box()
    assert now is not None
    assert abs(now["y"] - place["y"]) < 2


def test_the_focus_in_the_navigation_is_kept(followed: Followed) -> None:
    """The navigation is made anew too, since it counts incidents."""
    followed.open("/executions")
    link = followed.page.get_by_role("navigation", name="Pages").get_by_text("Jobs")
    link.focus()
    followed.write("kept.navigation")
    expect(followed.page.get_by_text("kept.navigation")).to_be_attached()
    expect(link).to_be_focused()


def test_what_is_open_scrolled_and_typed_is_kept(followed: Followed) -> None:
    """Of an argument that is scrolled, of a traceback that was opened, and of a field that was left half-way."""
    page = followed.page
    job = new_job(name="kept.scrolled", args=("long\n" * 2000,))
    write(followed.url, failed(time.time(), job=job))
    followed.open(f"/x/{quote(job.execution_id, safe='')}")
    arguments = page.locator(".arguments")
    arguments.evaluate("each => each.scrollTo(0, 321)")
    page.get_by_text("Plain traceback").click()
    followed.write("kept.scrolled")
    assert arguments.evaluate("each => each.scrollTop") == 321
    expect(page.locator("details pre")).to_be_visible()
    followed.open("/jobs")
    page.locator("#name").fill("half")
    page.locator("h1").click()
    followed.write("kept.typed")
    expect(page.get_by_text("kept.typed")).to_be_attached()
    expect(page.locator("#name")).to_have_value("half")


def _press(key: str) -> Callable[[Page], None]:
    return lambda page: page.keyboard.press(key)


def _ask(script: str) -> Callable[[Page], None]:
    return lambda page: page.evaluate(script)


HOLDS: dict[str, tuple[str, Callable[[Page], None], Callable[[Page], None] | None]] = {
    "paused": ("/executions", _press("p"), _press("p")),
    "typing": ("/executions", lambda page: page.locator("#find").focus(), _press("Escape")),
    "reading the help": ("/executions", _press("?"), _press("Escape")),
    "selecting": (
        "/executions",
        _ask("getSelection().selectAllChildren(document.querySelector('h1'))"),
        _ask("getSelection().removeAllRanges()"),
    ),
    "hidden": (
        "/executions",
        _ask("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })"),
        _ask("delete document.hidden"),
    ),
    "paging back": ("/executions?before=9000000000000000000", lambda page: None, None),
}


@pytest.mark.parametrize("held", HOLDS)
def test_a_page_that_is_held_does_not_change(followed: Followed, held: str) -> None:
    """Told of a change it asks for nothing, however long it takes; and as soon as it isn't held any more it shows it."""
    page, (path, hold, let_go) = followed.page, HOLDS[held]
    page.clock.install()  # so that its timers go when they are told to
    followed.open(path)
    hold(page)
    name = f"held.{held.replace(' ', '_')}"
    followed.tell(name)
    page.clock.run_for(_LONG)
    assert followed.asked == []
    expect(page.get_by_text(name)).to_have_count(0)
    if let_go is not None:
        let_go(page)
        page.clock.run_for(_LONG)
        expect(page.get_by_text(name)).to_be_visible()
