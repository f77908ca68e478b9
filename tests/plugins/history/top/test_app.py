"""The live view, driven by Textual's own pilot: keys, filters, what is written meanwhile, and a store in trouble."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Input

from jobreporter_history._top.app import Top
from jobreporter_history._top.overview import Overview
from jobreporter_history._top.widgets import Lines
from jobreporter_history.store import Store, open_store
from tests.plugins.history.executions import succeeded, write

#: Seconds until something that has to come counts as missing.
PATIENCE = 30.0
FIRST = Overview()
Use = Callable[["Screen"], Awaitable[None]]


class Screen:
    """What a person sees and does."""

    def __init__(self, app: Top, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    def text(self) -> str:
        """Everything on the screen."""
        rows = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in row) for row in rows)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self._pilot.press(*keys)

    async def shows(self, said: str, *, not_any_more: bool = False) -> str:
        """Wait until this is on the screen, or isn't any more. Returns the screen."""
        deadline = time.monotonic() + PATIENCE
        while (said in self.text()) is not_any_more:
            assert time.monotonic() < deadline, f"{said!r} in:\n{self.text()}"
            await self._pilot.pause(0.02)
        return self.text()

    async def resize(self, width: int, height: int) -> None:
        """Make the terminal another one."""
        await self._pilot.resize_terminal(width, height)

    @property
    def row(self) -> str:
        """The line that the cursor is on."""
        lines = self.app.view.query_one(Lines)
        assert lines.cursor is not None
        return lines._lines[lines.cursor].text


def used(store: Store, use: Use, size: tuple[int, int] = (100, 30), overview: Overview = FIRST) -> None:
    """Run the program on a screen without a terminal, have it used, and end it."""

    async def run() -> None:
        app = Top(store, overview)
        async with app.run_test(size=size) as pilot:
            await use(Screen(app, pilot))

    asyncio.run(run())


def test_it_shows_everything(store: Store) -> None:
    """Numbers, what needs somebody, what runs, and jobs; the bar says how it stands, and the keys what can be done."""

    async def use(screen: Screen) -> None:
        text = await screen.shows("JOBS  6, most failures")
        lines = text.splitlines()
        assert lines[0].startswith("jobreporter top")
        assert lines[0].endswith("live")
        assert "24h" in lines[0]
        assert "NEEDS YOU" in text
        assert lines[-1].startswith("q quit  Enter open  / filter")

    used(store, use)


def test_the_cursor(store: Store) -> None:
    """Goes over what leads somewhere, by letters and arrows alike, and to the ends."""

    async def use(screen: Screen) -> None:
        await screen.shows("RUNNING NOW")
        await screen.press("j")
        assert "Odd in" in screen.row
        await screen.press("down", "j")
        assert "ReadTimeout" in screen.row
        await screen.press("k")
        assert "crm.push" in screen.row
        await screen.press("G")
        last = screen.row
        await screen.press("j", "j")
        assert screen.row == last
        await screen.press("home")
        assert "Odd in" in screen.row
        await screen.press("pagedown", "pageup", "pageup")
        assert "Odd in" in screen.row

    used(store, use, (80, 12))


def test_enter_opens_and_escape_leaves(store: Store) -> None:
    """From an incident to an execution, from there to its job, and back to where the cursor was."""

    async def use(screen: Screen) -> None:
        await screen.shows("JOBS")
        await screen.press("j", "j", "j", "enter")
        await screen.shows("WHY THESE ARE ONE")
        await screen.press("j", "j", "enter")
        await screen.shows("ARGUMENTS")
        await screen.press("j", "enter")
        await screen.shows("LATEST")
        for said in ("ARGUMENTS", "WHY THESE ARE ONE", "JOBS  6"):
            await screen.press("escape")
            await screen.shows(said)
        assert "ReadTimeout" in screen.row

    used(store, use, (100, 60))


def test_a_click_goes_there(store: Store) -> None:
    """The first on a line, the second to where it leads."""

    async def use(screen: Screen) -> None:
        text = await screen.shows("JOBS")
        row = next(number for number, line in enumerate(text.splitlines()) if "Declined in crm.push" in line)
        await screen._pilot.click(offset=(5, row))
        assert "crm.push" in screen.row
        await screen._pilot.click(offset=(5, row))
        await screen.shows("WHY THESE ARE ONE")

    used(store, use)


def test_a_filter_is_written(store: Store) -> None:
    """It holds while it is written, wrong ones are told, Enter keeps it, and Escape takes it away."""

    async def use(screen: Screen) -> None:
        await screen.shows("JOBS  6")
        await screen.press("slash", *"crm")
        text = await screen.shows("JOBS  1")
        assert "hooks.deliver" not in text
        await screen.press(*" outcome", "colon", *"failure")
        await screen.shows("outcome: is about executions")
        await screen.press("enter")
        assert screen.app.focused is screen.app.view.query_one(Lines)
        await screen.press("slash", *["backspace"] * 16)
        await screen.shows("outcome: is about executions", not_any_more=True)
        await screen.press("enter", "s")
        await screen.shows("jobreporter top  crm")
        await screen.shows("JOBS  1, most runs")
        await screen.press("escape")
        await screen.shows("JOBS  6")
        assert not screen.app.view.query_one(Input).display

    used(store, use)


def test_a_filter_from_the_command_line(store: Store) -> None:
    """Is there from the start, and can be written on."""
    from jobreporter_history._top.filter import Filter

    async def use(screen: Screen) -> None:
        await screen.shows("JOBS  1")
        await screen.press("slash")
        assert screen.app.view.query_one(Input).value == "crm"

    used(store, use, overview=Overview(only=Filter("crm")))


def test_ranges_and_orders(store: Store) -> None:
    """``1`` to ``5`` choose a range, also for a job's own screen; ``s`` another order."""

    async def use(screen: Screen) -> None:
        await screen.shows("JOBS  6")
        await screen.press("1")
        await screen.shows("1h  ")
        await screen.shows("8 executions")
        await screen.press("5", "s")
        await screen.shows("30d  ")
        await screen.shows("most runs")
        await screen.press("G", "enter")
        await screen.shows("last 30d")
        await screen.press("2")
        await screen.shows("last 6h")
        await screen.press("escape")
        await screen.shows("6h  ")

    used(store, use)


def test_a_write_appears_and_not_while_it_is_paused(tmp_path: Path) -> None:
    """What is written shows within seconds, the cursor stays on its line, and ``space`` holds everything."""
    url = f"sqlite://{tmp_path}/history.db"
    now = time.time()
    write(url, [*succeeded(now - 20, name="the.first"), *succeeded(now - 20, name="z.last")])
    store = open_store(url)

    async def use(screen: Screen) -> None:
        await screen.shows("the.first")
        await screen.press("s", "s", "s", "G")
        assert "z.last" in screen.row
        write(url, succeeded(time.time(), name="the.second"))
        await screen.shows("the.second")
        assert "z.last" in screen.row
        await screen.press("space")
        held = await screen.shows("paused")
        write(url, succeeded(time.time(), name="the.third"))
        asking = screen.app._asking
        asked: list[Any] = []
        asking._changed.wait = lambda timeout: asked.append(timeout) or time.sleep(0.01)  # type: ignore[method-assign, func-returns-value]
        while len(asked) < 5:
            await screen._pilot.pause(0.01)
        assert screen.text() == held
        await screen.press("space")
        await screen.shows("the.third")
        await screen.shows("live")

    used(store, use)
    store.close()


def test_it_goes_on_where_the_store_is_away(tmp_path: Path) -> None:
    """What was seen stays, the bar says that the store is away, and once it is back so is everything."""
    path = tmp_path / "history.db"
    write(f"sqlite://{path}", succeeded(time.time(), name="the.first"))
    store = open_store(f"sqlite://{path}")

    async def use(screen: Screen) -> None:
        await screen.shows("the.first")
        store.close()
        path.rename(tmp_path / "away.db")
        await screen.shows("away")
        await screen.shows("history.db")
        assert "the.first" in screen.text()
        (tmp_path / "away.db").rename(path)
        await screen.shows("live")

    used(store, use)
    store.close()


def test_it_waits_for_a_store_that_is_not_there_yet(tmp_path: Path) -> None:
    """It says so, and shows what comes."""
    url = f"sqlite://{tmp_path}/history.db"
    store = open_store(url)

    async def use(screen: Screen) -> None:
        await screen.shows("It is asked again every second.")
        write(url, [])
        await screen.shows("none ended in the last 24h")
        write(url, succeeded(time.time(), name="the.first"))
        await screen.shows("the.first")

    used(store, use)
    store.close()


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    """A writer that holds the file holds up neither the keys nor the end of the program."""
    path = tmp_path / "history.db"
    write(f"sqlite://{path}", succeeded(time.time(), name="the.first"))
    store = open_store(f"sqlite://{path}")
    locking = sqlite3.connect(path, isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")

    async def use(screen: Screen) -> None:
        await screen.shows("jobreporter top")
        await screen.press("1")
        await screen.shows("1h  ")
        await screen.press("q")

    began = time.monotonic()
    used(store, use)
    assert time.monotonic() - began < PATIENCE
    locking.execute("ROLLBACK")
    locking.close()
    store.close()


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (12, 5), (40, 12), (80, 24), (200, 70)])
def test_every_size_will_do(store: Store, size: tuple[int, int]) -> None:
    """However small the terminal gets, nothing scrolls sideways, and it is all there when it grows again."""

    async def use(screen: Screen) -> None:
        await screen.shows("JOBS")
        await screen.resize(*size)
        await screen.press("j", "pagedown", "G", "enter", "escape", "g")
        lines = screen.app.view.query_one(Lines)
        assert lines.max_scroll_x == 0
        assert not lines.show_horizontal_scrollbar
        assert all(len(row) <= size[0] for row in screen.text().splitlines())
        await screen.resize(100, 30)
        await screen.shows("JOBS  6")

    used(store, use)


def colours(screen: Screen) -> set[str]:
    """Every colour on the screen, as it goes to the terminal."""
    filters = [each for each in screen.app._filters if each.enabled]
    found = set()
    for row in screen.app.screen._compositor.render_strips():
        for filter_ in filters:
            row = row.apply_filter(filter_, Color.parse("#000"))  # noqa: PLW2901 - one filter after the other
        styles = [segment.style for segment in row if segment.style]
        found |= {each.name for style in styles for each in (style.color, style.bgcolor) if each}
    return found


def test_colours_are_the_theme_s(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default those of the terminal; ``t`` takes others; with NO_COLOR there are none, whatever is pressed."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)

    async def use(screen: Screen) -> None:
        await screen.shows("JOBS")
        assert {"color(1)", "default"} <= colours(screen)
        assert not any(name.startswith("#") for name in colours(screen))
        await screen.press("t")
        dark = colours(screen)
        assert all(name.startswith("#") for name in dark)
        await screen.press("t")
        assert colours(screen) - dark
        await screen.press("t")
        assert "color(1)" in colours(screen)

    used(store, use)
    monkeypatch.setenv("NO_COLOR", "1")

    async def without(screen: Screen) -> None:
        await screen.shows("JOBS")
        await screen.press("t", "j", "slash", "x")
        assert colours(screen) <= {"default"}

    used(store, without)
