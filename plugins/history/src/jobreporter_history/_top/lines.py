"""What a terminal shows: lines of styled text, each as wide as it may be and not a cell wider.

Everything that a job wrote goes through `safe`, so that nothing in it steers the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len

from jobreporter import one_line

Style = Literal["plain", "quiet", "strong", "heading", "bad", "warn", "good"]

#: Cells between two columns, or two things beside each other.
GAP = 2
#: Characters of one text that somebody else wrote.
_LONGEST = 2000


class Part(NamedTuple):
    """A piece of a line in one style."""

    text: str
    style: Style = "plain"


class Target(NamedTuple):
    """What Enter opens on a line. kind: ``incident``, ``execution``, ``job``; ``more``: a section's other lines."""

    kind: Literal["incident", "execution", "job", "more"]
    name: str


class Line(NamedTuple):
    """A line, and where it leads."""

    parts: Sequence[Part]
    target: Target | None = None

    @property
    def text(self) -> str:
        """It without its styles."""
        return "".join(part.text for part in self.parts).rstrip()


def safe(text: str) -> str:
    """Text that somebody else wrote, on one line: what would steer a terminal is shown instead."""
    return one_line(text, _LONGEST)


def cut(text: str, width: int, *, tail: bool = False) -> str:
    """The text within so many cells. tail: its end is what tells, as of a job's name, so it loses its beginning."""
    if cell_len(text) <= width:
        return text
    kept = text[-width:] if tail else text[:width]
    while kept and cell_len(kept) > width - 1:
        kept = kept[1:] if tail else kept[:-1]
    return ("…" + kept if tail else kept + "…")[: max(width, 0)]


def fit(text: str, width: int, *, right: bool = False, tail: bool = False) -> str:
    """The text in exactly so many cells."""
    kept = cut(text, width, tail=tail)
    blank = " " * (width - cell_len(kept))
    return blank + kept if right else kept + blank


def clipped(parts: Iterable[Part], width: int) -> list[Part]:
    """The parts within so many cells."""
    kept: list[Part] = []
    for text, style in parts:
        if width > 0:
            kept.append(Part(cut(text, width), style))
            width -= cell_len(kept[-1].text)
    return kept


def heading(title: str, width: int, note: str = "") -> Line:
    """The title of a section, and a quiet word about it if there is room for all of it."""
    parts = [Part(title.upper(), "heading")]
    if note and cell_len(title) + GAP + cell_len(note) <= width:
        parts.append(Part(" " * GAP + note, "quiet"))
    return Line(clipped(parts, width))


def blank() -> Line:
    """Nothing."""
    return Line(())


def flow(items: Iterable[Sequence[Part]], width: int) -> list[Line]:
    """Things beside each other, on as many lines as they need."""
    lines: list[list[Part]] = [[]]
    used = 0
    for item in items:
        length = sum(cell_len(part.text) for part in item)
        if used and used + GAP + length > width:
            lines.append([])
            used = 0
        if used:
            lines[-1].append(Part(" " * GAP))
            used += GAP
        lines[-1] += clipped(item, width)
        used += length
    return [Line(parts) for parts in lines if parts]


def wrapped(text: str, width: int, style: Style = "plain", *, most: int = 6, indent: int = 0) -> list[Line]:
    """A text that somebody else wrote, its own lines kept, on ``most`` lines of the screen."""
    lines: list[Line] = []
    indent = min(indent, width // 2)
    room = max(width - indent, 1)
    for own in text.splitlines():
        left = safe(own)
        while left or not own:
            if len(lines) == most:
                lines[-1] = Line([Part(cut(lines[-1].text + " …", width), style)])
                return lines
            piece = _first_of(left, room)
            lines.append(Line([Part(" " * indent + piece.rstrip(), style)]))
            left = left[len(piece) :].lstrip()
            if not left:
                break
    return lines


def _first_of(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    piece = text[:width]
    while len(piece) > 1 and cell_len(piece) > width:
        piece = piece[:-1]
    space = piece.rfind(" ")
    return piece[: space + 1] if space > width // 2 else piece
