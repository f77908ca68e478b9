"""The live view: what each key does."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from jobreporter_history._display.query import LONGEST, QueryError
from jobreporter_history._display.ranges import RANGES
from jobreporter_history._top.asking import Answer, Asking
from jobreporter_history._top.execution import OfExecution
from jobreporter_history._top.filter import Filter
from jobreporter_history._top.incident import OfIncident
from jobreporter_history._top.job import OfJob
from jobreporter_history._top.lines import Target
from jobreporter_history._top.overview import ORDERS, Overview
from jobreporter_history._top.subject import Subject
from jobreporter_history._top.view import FIRST_KEYS, View
from jobreporter_history._top.widgets import Lines
from jobreporter_history.store import Store

#: The terminal's own colours, and two sets that don't depend on it.
_THEMES = ("ansi-dark", "textual-dark", "textual-light")
#: Seconds between two drawings: what runs gets older.
_DRAWN = 1.0
#: What stands where a filter is to be written.
_EXAMPLE = "words, name:, queue:, source:, -not"


class Answered(Message):
    """The store has said something."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Top(App[None]):
    """The program. The first screen stays below all others."""

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "top.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("escape,h,backspace", "back", show=False),
        Binding("slash", "filter", show=False),
        Binding("space,p", "pause", show=False),
        Binding("s", "sort", show=False),
        Binding("t", "theme", show=False),
        *(Binding(str(number), f"range('{name}')", show=False) for number, name in enumerate(RANGES, 1)),
    ]

    def __init__(self, store: Store, overview: Overview) -> None:
        # Without colours, what the terminal has by itself is all that is left.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = _THEMES[0]
        self._first = View(overview, FIRST_KEYS)
        self._views = [self._first]
        self._overview = overview
        self._asking = Asking(store, lambda answer: self.post_message(Answered(answer)))

    @property
    def view(self) -> View:
        """The screen that is shown."""
        return self._views[-1]

    async def on_mount(self) -> None:
        """Show the first screen, and begin to ask."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        await self.push_screen(self._first)
        line = Input(self._overview.only.text, _EXAMPLE, max_length=LONGEST, select_on_focus=False)
        await self._first.mount(line, before="#keys")
        self._leave_filter()
        self._ask()
        self._asking.start()
        self.set_interval(_DRAWN, self._draw)

    def on_unmount(self) -> None:
        """Ask no more."""
        self._asking.end()

    def on_answered(self, message: Answered) -> None:
        """Show it on the screen that waits for it."""
        if self.view.number == message.answer.question.number:
            self.view.take(message.answer)

    async def on_lines_opened(self, message: Lines.Opened) -> None:
        """Go where a line leads."""
        if message.target.kind == "more":
            self._show(self._overview._replace(expanded=self._overview.expanded | {message.target.name}))
            return
        view = View(_subject(message.target, self._overview.range))
        view.paused_at = self.view.paused_at
        self._views.append(view)
        await self.push_screen(view)
        self._ask()

    async def action_back(self) -> None:
        """To the screen before; on the first one, without the filter, and with all sections as they were."""
        if self.view is not self._first:
            paused_at = self._views.pop().paused_at
            await self.pop_screen()
            self.view.paused_at = paused_at
            self._ask()
            return
        self._first.query_one(Input).value = ""
        self._leave_filter()
        self._first.problem = None
        self._show(self._overview._replace(only=Filter(), expanded=frozenset()))

    def action_filter(self) -> None:
        """Write a filter."""
        if self.view is self._first:
            line = self._first.query_one(Input)
            line.display = True
            line.focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter by what is written so far."""
        try:
            only, self._first.problem = Filter(message.value), None
        except QueryError as error:
            only, self._first.problem = self._overview.only, str(error)
        self._show(self._overview._replace(only=only))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Go on with this filter."""
        self._leave_filter()

    def action_pause(self) -> None:
        """Stand still, or go on."""
        self.view.paused_at = time.monotonic() if self.view.paused_at is None else None
        self._asking.hold(self.view.paused_at is not None)
        self.view.draw()

    def action_range(self, name: str) -> None:
        """Look at another range."""
        self._overview = self._first.subject = self._overview._replace(range=name)
        if isinstance(self.view.subject, OfJob):
            self.view.subject = self.view.subject._replace(range=name)
        self._ask()

    def action_sort(self) -> None:
        """Order jobs otherwise."""
        orders = list(ORDERS)
        after = orders[(orders.index(self._overview.order) + 1) % len(orders)]
        self._show(self._overview._replace(order=after))

    def action_theme(self) -> None:
        """Other colours."""
        if not self.no_color:
            at = _THEMES.index(self.theme) if self.theme in _THEMES else -1
            self.theme = _THEMES[(at + 1) % len(_THEMES)]
            self.call_after_refresh(self.view.draw)

    def _draw(self) -> None:
        self.view.draw()

    def _ask(self) -> None:
        self.view.number = self._asking.want(self.view.subject)
        self.view.draw()

    def _show(self, overview: Overview) -> None:
        """Show other things of what the store has said already."""
        self._overview = self._first.subject = overview
        self.view.draw()

    def _leave_filter(self) -> None:
        self._first.query_one(Input).display = False
        self._first.query_one(Lines).focus()


def _subject(target: Target, range: str) -> Subject:
    if target.kind == "incident":
        return OfIncident(int(target.name))
    return OfExecution(target.name) if target.kind == "execution" else OfJob(target.name, range)
