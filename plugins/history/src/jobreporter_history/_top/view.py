"""A screen about one subject."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from textual.app import ComposeResult
from textual.events import Resize
from textual.screen import Screen

from jobreporter_history._top.asking import Answer
from jobreporter_history._top.lines import GAP, Line, Part, cut, fit, safe, wrapped
from jobreporter_history._top.subject import Room, Subject
from jobreporter_history._top.widgets import Bar, Lines

#: What the keys do, the first to know first: on a narrow screen the last are left out.
FIRST_KEYS = {
    "q": "quit",
    "Enter": "open",
    "/": "filter",
    "1-5": "range",
    "Space": "pause",
    "s": "sort",
    "Esc": "clear",
    "t": "theme",
}
OTHER_KEYS = {"q": "quit", "Esc": "back", "Enter": "open", "1-5": "range", "Space": "pause", "t": "theme"}


class View(Screen[None]):
    """A bar, the lines of a subject, and the keys."""

    def __init__(self, subject: Subject, keys: Mapping[str, str] = OTHER_KEYS) -> None:
        super().__init__()
        self.subject = subject
        self._keys = keys
        #: Of the question that it waits for.
        self.number = 0
        #: The last that was an answer; the store's trouble doesn't take it away.
        self.answer: Answer | None = None
        self.trouble: str | None = None
        #: What else is to be said above the lines.
        self.problem: str | None = None
        #: The monotonic clock's time at which it stands still.
        self.paused_at: float | None = None

    def compose(self) -> ComposeResult:
        """The parts of the screen, from top to bottom."""
        yield Bar(id="title")
        yield Bar(id="problem")
        yield Lines()
        yield Bar(id="keys")

    def on_mount(self) -> None:
        """Say that it is being asked."""
        self.draw()

    def on_resize(self, event: Resize) -> None:
        """Lay everything out anew, once the parts have their sizes."""
        self.call_after_refresh(self.draw)

    def take(self, answer: Answer) -> None:
        """Show what the store says."""
        self.trouble = answer.trouble
        if answer.trouble is None:
            self.answer = answer
        self.draw()

    def draw(self) -> None:
        """Draw it as of now."""
        width = self.size.width
        if not self.is_mounted or not width:
            return
        now = self._now()
        self.query_one("#title", Bar).line = self._title(width, now)
        problem = self.query_one("#problem", Bar)
        said = self.problem or (self.trouble if self.answer else None)
        problem.display = said is not None
        problem.line = Line([Part(cut(safe(said or ""), width), "bad")])
        self.query_one("#keys", Bar).line = _told(self._keys, width)
        lines = self.query_one(Lines)
        lines.show(self._lines(Room(max(width - 1, 1), self.size.height, now)))  # the scroll bar has its column

    def _lines(self, room: Room) -> Sequence[Line]:
        if self.answer is not None:
            return self.subject.lines(self.answer.found, room)
        if self.trouble is None:
            return wrapped("Asking the store …", room.width, "quiet")
        return [*wrapped(self.trouble, room.width, "bad"), *wrapped("It is asked again every second.", room.width)]

    def _now(self) -> float:
        """The store's time."""
        if self.answer is None:
            return time.time()
        here = time.monotonic() if self.paused_at is None else self.paused_at
        return self.answer.at + max(here - self.answer.read_at, 0.0)

    def _title(self, width: int, now: float) -> Line:
        state = "paused" if self.paused_at is not None else "away" if self.trouble else "live"
        said = f"{datetime.fromtimestamp(now, UTC):%H:%M:%S} UTC  {state}"
        about = getattr(self.subject, "range", "")
        right = "  ".join(filter(None, (about, said)))
        left = "  ".join(filter(None, ("jobreporter top", self.subject.title)))
        room = width - len(right) - GAP
        if room < len("jobreporter top"):
            return Line([Part(fit(left if room < 1 else right, width, right=True), "strong")])
        return Line([Part(fit(left, room) + " " * GAP), Part(right, "bad" if state == "away" else "plain")])


def _told(keys: Mapping[str, str], width: int) -> Line:
    parts: list[Part] = []
    for key, does in keys.items():
        gap = " " * GAP if parts else ""
        width -= len(gap) + len(key) + 1 + len(does)
        if width < 0:
            break
        parts += [Part(gap + key, "strong"), Part(f" {does}", "quiet")]
    return Line(parts)
