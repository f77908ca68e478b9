"""Takes the pictures of the documents with Debian's chromium: ``python examples/pictures.py``.

They show the page in both themes, the terminal, and the panels of the Grafana dashboard, after six hours of
``working_day.py``.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from pathlib import Path

from dashboard import take_dashboard
from page import served
from playwright.sync_api import Browser, sync_playwright
from stage import say
from working_day import working_day

from jobreporter_history._top.app import Top
from jobreporter_history._top.overview import Overview
from jobreporter_history.store import open_store

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 800
RANGE = "6h"
#: Columns and lines.
TERMINAL = (100, 26)
_ARGUMENTS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"
_LOOK = 0.05


def main() -> None:
    program = shutil.which("chromium")
    if program is None:
        sys.exit("There is no chromium here (Debian: apt install chromium)")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="jobreporter-pictures-") as folder:
        history = f"sqlite://{folder}/history.db"
        with working_day(history):
            drawn = asyncio.run(terminal(history))
            with served(history) as address, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS.split())
                for theme in ("light", "dark"):
                    take_page(browser, f"{address}?range={RANGE}", theme)
                take_terminal(browser, drawn)
                browser.close()
        take_dashboard(Path(folder), FOLDER / "dashboard.png")
    say(f"The pictures are in {FOLDER}")


def take_page(browser: Browser, url: str, theme: str) -> None:
    """A picture of the first page in one theme."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=theme)  # type: ignore[arg-type]  # light or dark
    page.goto(url)
    page.screenshot(path=FOLDER / f"page-{theme}.png", full_page=True)
    page.close()


def take_terminal(browser: Browser, drawn: str) -> None:
    """A picture of the terminal."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_content(f'<body style="margin: 0">{drawn}</body>')
    page.locator("svg").screenshot(path=FOLDER / "top.png", omit_background=True)
    page.close()


async def terminal(history: str) -> str:
    """What ``jobreporter top`` shows, as an SVG in a font that is here."""
    store = open_store(history)
    app = Top(store, Overview(range=RANGE))
    async with app.run_test(size=TERMINAL) as pilot:
        app.theme = "textual-dark"
        while app.view.answer is None:
            await pilot.pause(_LOOK)
        app.view.draw()
        await pilot.pause()
        drawn = app.export_screenshot(title="jobreporter top")
    store.close()
    return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")


if __name__ == "__main__":
    main()
