"""Lines on a screen: a bar, and a list with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from jobreporter_history._top.lines import Line, Target

_STYLES = ("quiet", "strong", "heading", "bad", "warn", "good")
_COMPONENTS = {f"lines--{name}" for name in (*_STYLES, "cursor")}


class Bar(Widget):
    """One line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = _COMPONENTS
    line: reactive[Line] = reactive(Line(()))

    def render_line(self, y: int) -> Strip:
        """The line, all across."""
        return _strip(self, self.line, self.size.width)


class Lines(ScrollView, can_focus=True):
    """A list of lines. The cursor stands on those that lead somewhere, and stays on the same one when the list changes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = _COMPONENTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("home,g", "edge(-1)", show=False),
        Binding("end,G", "edge(1)", show=False),
        Binding("enter,l", "open", show=False),
    ]

    class Opened(Message):
        """Enter was pressed on a line that leads somewhere."""

        def __init__(self, target: Target) -> None:
            super().__init__()
            self.target = target

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[Line] = ()
        #: The line that the cursor is on.
        self.cursor: int | None = None

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines instead."""
        before = self._target_at(self.cursor)
        nth = [line.target for line in self._lines[: self.cursor or 0]].count(before)
        self._lines = lines
        found = [number for number, line in enumerate(lines) if line.target is not None and line.target == before]
        if self.cursor is not None:
            self.cursor = found[min(nth, len(found) - 1)] if found else self._nearest(self.cursor)
        self.virtual_size = Size(self.scrollable_content_region.width, len(lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the screen."""
        number = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if not 0 <= number < len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[number]
        return _strip(self, line, width, here=number == self.cursor and self.has_focus)

    def action_move(self, step: int) -> None:
        """To the next line that leads somewhere; where there is none, scroll."""
        begin = (-1 if step > 0 else len(self._lines)) if self.cursor is None else self.cursor
        rest = range(begin + step, len(self._lines) if step > 0 else -1, step)
        found = next((number for number in rest if self._lines[number].target is not None), None)
        bottom = self.scroll_offset.y + self.size.height
        far = found is None or found >= bottom + self.size.height or found < self.scroll_offset.y - self.size.height
        if found is None or (self.cursor is not None and far):
            self.scroll_relative(y=step, animate=False)
        if found is not None:
            self._to(found)

    def action_page(self, step: int) -> None:
        """A screen on."""
        self.scroll_relative(y=step * max(self.size.height - 1, 1), animate=False)
        if self.cursor is not None:
            target = self.cursor + step * (self.size.height - 1)
            self.cursor = self._nearest(min(max(target, 0), len(self._lines) - 1))
            self.refresh()

    def action_edge(self, step: int) -> None:
        """To the beginning or the end."""
        leading = [number for number, line in enumerate(self._lines) if line.target is not None]
        if leading:
            self.cursor = leading[0 if step < 0 else -1]
        self.scroll_to(y=0 if step < 0 else len(self._lines), animate=False)
        self.refresh()

    def action_open(self) -> None:
        """Go where the line leads."""
        target = self._target_at(self.cursor)
        if target is not None:
            self.post_message(self.Opened(target))

    def on_click(self, event: Click) -> None:
        """To the line, or where it leads if the cursor is there."""
        number = event.y + self.scroll_offset.y
        if self._target_at(number) is None:
            return
        if number == self.cursor:
            self.action_open()
        self._to(number)

    def _to(self, number: int) -> None:
        self.cursor = number
        # What stands over the first line belongs to it.
        first = number == next((at for at, line in enumerate(self._lines) if line.target is not None), None)
        if first and number < self.size.height:
            self.scroll_to(y=0, animate=False)
        else:
            self.scroll_to_region(Region(0, number, 1, 1), animate=False, force=True)
        self.refresh()

    def _target_at(self, number: int | None) -> Target | None:
        return self._lines[number].target if number is not None and 0 <= number < len(self._lines) else None

    def _nearest(self, number: int) -> int | None:
        leading = [at for at, line in enumerate(self._lines) if line.target is not None]
        return min(leading, key=lambda at: abs(at - number), default=None)


def _strip(widget: Widget, line: Line, width: int, *, here: bool = False) -> Strip:
    """The line in the colours of the theme. here: the cursor is on it."""
    plain = widget.rich_style
    cursor = widget.get_component_rich_style("lines--cursor") if here else None
    segments = [
        Segment(
            text,
            cursor or (plain if style == "plain" else widget.get_component_rich_style(f"lines--{style}")),
        )
        for text, style in line.parts
        if text
    ]
    return Strip(segments).adjust_cell_length(width, cursor or plain)
