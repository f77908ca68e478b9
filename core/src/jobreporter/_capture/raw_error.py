"""The second step of capturing an exception: what was taken of it becomes an `ErrorInfo`, on the pump thread."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType
from typing import Any

import msgspec

from jobreporter._capture.classes import full_name, mro
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.secrets import Eraser, Secrets
from jobreporter._capture.source_lines import source_line
from jobreporter._capture.stack import RawFrames, line_number
from jobreporter._capture.text import cut
from jobreporter.error_info import ErrorInfo, Frame

_NAME_LENGTH = 500
_LONGEST_MRO = 100


class RawException(msgspec.Struct, gc=False):
    """What was taken of one exception. It refers to a class and to code, and to nothing that the job made."""

    kind: type[BaseException]
    message: str
    notes: tuple[str, ...]
    frames: RawFrames
    #: How many frames are missing in the middle.
    omitted: int
    #: The local variables of each frame, if they were asked for.
    locals: list[dict[str, Any] | None] | None
    suppress_context: bool
    cause: RawException | None = None
    context: RawException | None = None
    members: tuple[RawException, ...] = ()


class RawError(msgspec.Struct, frozen=True, gc=False):
    """An error as `capture_error` took it; `complete` makes the `ErrorInfo` of it."""

    exception: RawException
    redaction: Redaction
    #: What was redacted of the job so far.
    secrets: tuple[str, ...]

    def complete(self) -> ErrorInfo:
        """The error as plain data without secrets. It reads source files, so it isn't for the job's thread."""
        secrets = Secrets(self.secrets)
        for each in _all(self.exception):  # all of them first: one text may tell what another only repeats
            each.message = self.redaction.text(each.message, secrets)
            each.notes = tuple(self.redaction.text(note, secrets) for note in each.notes)
        return _completed(self.exception, Eraser(secrets.found()))


def _all(exception: RawException) -> Iterator[RawException]:
    waiting = [exception]
    for each in waiting:
        yield each
        waiting += [other for other in (*each.members, each.cause, each.context) if other is not None]


def _completed(raw: RawException, eraser: Eraser) -> ErrorInfo:
    names = tuple(map(full_name, mro(raw.kind)[:_LONGEST_MRO]))
    codes, positions, modules = raw.frames
    variables = raw.locals or [None] * len(codes)
    calls = zip(codes, positions, modules, variables, strict=True)
    return ErrorInfo(
        type=names[0],
        message=eraser.text(raw.message),
        mro=names,
        frames=tuple(_frame(*call, eraser) for call in calls),
        frames_omitted=raw.omitted,
        cause=None if raw.cause is None else _completed(raw.cause, eraser),
        context=None if raw.context is None else _completed(raw.context, eraser),
        suppress_context=raw.suppress_context,
        notes=tuple(map(eraser.text, raw.notes)),
        exceptions=tuple(_completed(member, eraser) for member in raw.members),
    )


def _frame(code: CodeType, position: int, module: Any, variables: dict[str, Any] | None, eraser: Eraser) -> Frame:
    lineno = line_number(code, position)
    line = source_line(code.co_filename, lineno)
    # A traceback that was rebuilt, by tblib for one, has a name for the call but not the qualified one.
    function = code.co_qualname if code.co_qualname.endswith(code.co_name) else code.co_name
    return Frame(
        filename=cut(code.co_filename, _NAME_LENGTH),
        lineno=lineno,
        function=cut(function, _NAME_LENGTH),
        module=cut(module, _NAME_LENGTH) if isinstance(module, str) else None,
        line=eraser.text(cut(line, _NAME_LENGTH)) if line else None,
        locals=eraser.data(variables),
    )
