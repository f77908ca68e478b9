"""Parts that several screens have: a title, a list under a heading, facts, an error with its own frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from jobreporter import ErrorInfo, Frame
from jobreporter_history._top.lines import GAP, Line, Part, Target, blank, clipped, fit, heading, safe, wrapped

_MOST_FRAMES = 20
#: Lines of one fact.
_LONGEST = 4


def titled(before: Sequence[Part], job: str, width: int) -> list[Line]:
    """A screen's first line, which leads to the job."""
    return [Line(clipped([*before, Part("  "), Part(safe(job), "strong")], width), Target("job", job))]


def listed(title: str, lines: Sequence[Line], width: int) -> list[Line]:
    """A list under a heading."""
    return [blank(), heading(title, width, "" if lines else "none is kept"), *lines]


def facts(found: Iterable[tuple[str, str]], width: int) -> list[Line]:
    """Names and values, one below the other."""
    named = [(safe(name), value) for name, value in found]
    wide = min(max((cell_len(name) for name, _ in named), default=0), width // 3)
    lines = []
    for name, value in named:
        said = wrapped(value, width, most=_LONGEST, indent=wide + GAP)
        for number, line in enumerate(said):
            label = Part(fit("" if number else name, wide), "quiet")
            lines.append(Line(clipped([label, Part(" " * GAP + line.text.lstrip())], width)))
    return lines


def error_lines(error: ErrorInfo, width: int) -> list[Line]:
    """What an error says, and where it was raised: libraries are counted, own frames shown."""
    lines = [blank(), heading("Where", width, safe(error.type)), *wrapped(error.message, width, most=4)]
    skipped = 0
    for frame in error.frames[-_MOST_FRAMES:]:
        if frame.in_app is False:
            skipped += 1
            continue
        lines += [*_skipped(skipped, width), *_frame(frame, width)]
        skipped = 0
    lines += _skipped(skipped, width)
    because = error.cause or (None if error.suppress_context else error.context)
    if because is not None:
        said = f"{'caused by' if error.cause else 'while handling'} {because.type}: {because.message}"
        lines += wrapped(said, width, "quiet", most=2)
    return lines


def _skipped(count: int, width: int) -> list[Line]:
    said = f"  {count} call{'' if count == 1 else 's'} in libraries"
    return [Line(clipped([Part(said, "quiet")], width))] if count else []


def _frame(frame: Frame, width: int) -> list[Line]:
    place = f" {frame.module or frame.filename}:{frame.lineno}"
    lines = [Line(clipped([Part("  " + safe(frame.function), "strong"), Part(safe(place), "quiet")], width))]
    return lines + (wrapped(frame.line.strip(), width, indent=4, most=2) if frame.line else [])
