"""An error as the usual formatted traceback, written the way Python writes it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobreporter.error_info import ErrorInfo, Frame

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"
# Of calls that repeat the one before, so many are written out.
_REPEATED = 3


def formatted(error: ErrorInfo) -> str:
    """The traceback of an error, of what led to it, and of the members of a group."""
    writer = _Writer()
    writer.chain(error)
    return "".join(writer.pieces).removesuffix("\n")


class _Writer:
    """Writes tracebacks into each other: each level of groups is set in a margin of its own."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._depth = 0
        self._is_open = False  # the last group that began still needs its closing line

    def chain(self, error: ErrorInfo) -> None:
        """An error after the causes and contexts that led to it."""
        for link, each in reversed(list(_chain(error))):
            self._write(link)
            if each.exceptions:
                self._group(each)
            else:
                self._write(*_stack(each), _summary(each))

    def _group(self, error: ErrorInfo) -> None:
        outermost = self._depth == 0
        self._depth += outermost
        if stack := _stack(error):
            self._write(f"Exception Group {stack[0]}", margin="+" if outermost else "|")
        self._write(*stack[1:], _summary(error))
        self._is_open = False
        for number, member in enumerate(error.exceptions, 1):
            self._is_open = number == len(error.exceptions)
            self._rule("+-" if number == 1 else "  ", f"+---------------- {number} ----------------")
            self._depth += 1
            self.chain(member)
            if self._is_open:
                self._rule("+------------------------------------")
                self._is_open = False
            self._depth -= 1
        self._depth -= outermost

    def _write(self, *texts: str, margin: str = "|") -> None:
        prefix = f"{'  ' * self._depth}{margin} " if self._depth else ""
        self.pieces += (prefix + line for text in texts for line in text.splitlines(keepends=True))

    def _rule(self, *parts: str) -> None:
        self.pieces += ("  " * self._depth, *parts, "\n")


def _chain(error: ErrorInfo) -> Iterator[tuple[str, ErrorInfo]]:
    """An error, its cause or context, and so on; each with the sentence that leads over to it."""
    each: ErrorInfo | None = error
    while each is not None:
        if each.cause is not None:
            yield _CAUSE, each
            each = each.cause
        elif each.context is not None and not each.suppress_context:
            yield _CONTEXT, each
            each = each.context
        else:
            yield "", each
            each = None


def _stack(error: ErrorInfo) -> list[str]:
    if not error.frames:
        return []
    middle = len(error.frames) // 2
    first, last = error.frames[:middle], error.frames[middle:]
    header = "Traceback (most recent call last):\n"
    if not error.frames_omitted:
        return [header, *_calls(error.frames)]
    return [header, *_calls(first), f"  [{error.frames_omitted} more calls]\n", *_calls(last)]


def _calls(frames: tuple[Frame, ...]) -> Iterator[str]:
    for _, repeated in groupby(frames, lambda frame: (frame.filename, frame.lineno, frame.function)):
        same = list(repeated)
        yield from map(_call, same[:_REPEATED])
        if (more := len(same) - _REPEATED) > 0:
            yield f"  [Previous line repeated {more} more time{'s' if more > 1 else ''}]\n"


def _call(frame: Frame) -> str:
    name = frame.function.rpartition(".")[2]
    line = f"    {frame.line}\n" if frame.line else ""
    return f'  File "{frame.filename}", line {frame.lineno}, in {name}\n{line}'


def _summary(error: ErrorInfo) -> str:
    name = error.type.removeprefix("builtins.").removeprefix("__main__.")
    summary = f"{name}: {error.message}\n" if error.message else f"{name}\n"
    return summary + "".join(f"{line}\n" for note in error.notes for line in note.split("\n"))
