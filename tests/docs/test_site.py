"""The documentation as a site: built once, without a network and without a warning, and looked at in a real browser."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urldefrag

import pytest
from _site import versions
from playwright.sync_api import Browser, Route, expect

from tests.browser import launched, opened
from tests.packaging.documents import ROOT
from tests.packaging.surface import public

#: A phone that is held upright.
NARROW = 390
# Seconds that the build may take, on a machine that is busy with other tests.
PATIENCE = 170
_LOOK = """() => ({
  links: [...document.querySelectorAll('a[href]')].map(link => link.href),
  anchors: [...document.querySelectorAll('[id]')].map(element => element.id),
  width: document.documentElement.scrollWidth,
})"""


class Visit(NamedTuple):
    """What a page has: where its links lead, what may be linked to, and the pixels that it is wide."""

    links: list[str]
    anchors: list[str]
    width: int


class Crawl(NamedTuple):
    """Every page by its address, and what should not have happened on the way."""

    visits: dict[str, Visit]
    complaints: list[str]
    strangers: list[str]


#: The version that is built, and an older one that has less.
BUILT, OLDER = "0.2", "0.1"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, among those of other versions."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "tests.docs.offline", str(folder / "site" / BUILT), str(folder / "trees"), BUILT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    shutil.copytree(folder / "site" / BUILT, folder / "site" / OLDER)
    (folder / "site" / OLDER / "docs" / "top.html").unlink()
    versions.join(folder / "site", [BUILT, OLDER, versions.COMING])
    return folder / "site" / BUILT


@pytest.fixture(scope="module")
def hosted(site: Path) -> Iterator[str]:
    """Where the folders of all versions are."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site.parent)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="site")
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def served(hosted: str) -> str:
    """Where the site is."""
    return f"{hosted}{BUILT}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, without a window."""
    with launched() as started:
        yield started


@pytest.fixture(scope="module")
def crawl(site: Path, hosted: str, served: str, browser: Browser) -> Crawl:
    """Every page of the site, as a phone shows it."""
    strangers: list[str] = []

    def keep_here(route: Route) -> None:
        if route.request.url.startswith((hosted, "data:")):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    visits = {}
    with opened(browser, viewport={"width": NARROW, "height": 800}) as (page, complaints):
        page.context.route("**/*", keep_here)
        for path in sorted(site.rglob("*.html")):
            if path.name != "index.html":  # which leads elsewhere at once
                address = served + str(path.relative_to(site))
                page.goto(address)
                found: dict[str, Any] = page.evaluate(_LOOK)
                visits[address] = Visit(**found)
    return Crawl(visits, complaints, strangers)


def test_it_is_built(site: Path) -> None:
    """Without a network, and without a warning."""
    assert (site / "index.html").is_file()


def test_no_link_is_broken(site: Path, served: str, crawl: Crawl) -> None:
    """Each one inside the site leads to a page or a file, and behind ``#`` to what has that name there."""

    def leads_somewhere(link: str) -> bool:
        address, anchor = urldefrag(link)
        if visit := crawl.visits.get(address):
            return not anchor or anchor in visit.anchors
        return (site / address.removeprefix(served)).is_file()

    inside = {link for visit in crawl.visits.values() for link in visit.links if link.startswith(served)}
    assert len(inside) > len(crawl.visits)
    assert sorted(link for link in inside if not leads_somewhere(link)) == []


def test_every_page_fits_a_phone(crawl: Crawl) -> None:
    """None has to be scrolled sideways."""
    assert {address: visit.width for address, visit in crawl.visits.items() if visit.width > NARROW} == {}


def test_nothing_leaves_the_machine(crawl: Crawl) -> None:
    """No page asks for anything but the site's own files, and no page complains."""
    assert (crawl.strangers, crawl.complaints) == ([], [])


def test_every_document_is_a_page(served: str, crawl: Crawl) -> None:
    """At the address that is its path in the repository."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")]
    assert {served + str(path.relative_to(ROOT).with_suffix(".html")) for path in documents} <= set(crawl.visits)


def test_the_reference_has_every_public_name(crawl: Crawl) -> None:
    """Whatever the public modules publish, and each once."""
    anchors = [anchor for visit in crawl.visits.values() for anchor in visit.anchors]
    assert {name: anchors.count(name) for name, _ in public() if anchors.count(name) != 1} == {}


def test_the_address_of_the_site_leads_to_its_index(hosted: str, browser: Browser) -> None:
    """Whoever knows nothing but where the site is gets to the newest release."""
    with opened(browser) as (page, complaints):
        page.goto(hosted)
        page.wait_for_url(f"**/{BUILT}/docs/README.html")
        expect(page.locator("h1")).to_contain_text("Documentation")
        assert complaints == []


def test_a_page_leads_to_itself_in_another_version(served: str, browser: Browser) -> None:
    """Or, where that version lacks it, to its index."""
    with opened(browser) as (page, complaints):
        page.goto(f"{served}docs/cli.html")
        choice = page.get_by_label("Version")
        expect(choice.locator("option")).to_have_text([BUILT, OLDER, versions.COMING])
        expect(choice).to_have_value(BUILT)
        choice.select_option(OLDER)
        page.wait_for_url(f"**/{OLDER}/docs/cli.html")
        page.goto(f"{served}docs/top.html")
        assert complaints == []
        page.get_by_label("Version").select_option(OLDER)
        page.wait_for_url(f"**/{OLDER}/docs/README.html")


def test_a_folder_for_each_minor_version() -> None:
    """The newest release of it; what is no release has none."""
    tags = ["v0.9.1", "v0.10.0", "v0.9.0", "v0.10.2", "v0.10.10", "v1.0.0rc1", "docs", "v1.0"]
    assert list(versions.releases(tags).items()) == [("0.10", "v0.10.10"), ("0.9", "v0.9.1")]
    assert versions.releases([]) == {}


def test_search_finds_a_word(served: str, browser: Browser) -> None:
    """The box in the sidebar leads to the pages that have it, without a server that searches."""
    with opened(browser) as (page, complaints):
        page.goto(f"{served}docs/cli.html")
        page.get_by_placeholder("Search").fill("Pushgateway")
        page.get_by_placeholder("Search").press("Enter")
        result = page.locator("#search-results li a", has_text="jobreporter-prometheus").first
        result.click()
        expect(page.locator("h1")).to_contain_text("jobreporter-prometheus")
        assert complaints == []


def test_drawings_are_drawn(served: str, browser: Browser) -> None:
    """Mermaid's are pictures also where no script runs."""
    with opened(browser, java_script_enabled=False) as (page, _):
        page.goto(f"{served}docs/architecture.html")
        expect(page.locator(".drawing svg")).to_be_visible()
        expect(page.locator(".drawing svg")).to_contain_text("_dispatch")
        expect(page.get_by_text("flowchart TD")).to_have_count(0)
