"""The second step of capturing an exception: what was taken of it becomes an `ErrorInfo`, on the pump thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, NamedTuple

import msgspec

from jobreporter._capture.eraser import Eraser, shortened
from jobreporter._capture.held import LONGEST
from jobreporter._capture.own_code import is_own
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.secrets import Secrets
from jobreporter._capture.source_lines import source_line
from jobreporter._capture.stack import RawFrames, line_number
from jobreporter._foreign.bounded_text import cut
from jobreporter._foreign.classes import full_name, mro
from jobreporter.error_info import ErrorInfo, Frame

_NAME_LENGTH = 500
# Of a line, so much is looked at: what is secret in it may be known only by how it goes on.
_LINE_LENGTH = 2 * _NAME_LENGTH
_LONGEST_MRO = 100
# Groups within each other, and what led to them.
_DEEPEST = 100


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
    #: The line of source that each call was at, once it has been read.
    lines: list[str | None] = []


class Completed(NamedTuple):
    """An error as plain data, and what takes its secrets out of whatever else is told of the job."""

    error: ErrorInfo
    eraser: Eraser


class RawError(msgspec.Struct, frozen=True, gc=False):
    """An error as `capture_error` took it; `complete` makes the `ErrorInfo` of it."""

    exception: RawException
    redaction: Redaction
    #: What was redacted of the job so far.
    secrets: tuple[str, ...]

    def complete(self, job_name: str = "") -> ErrorInfo:
        """The error as plain data without secrets. It reads source files, so it isn't for the job's thread.

        job_name: tells which frames are the program's own.
        """
        return self.finish(job_name).error

    def finish(self, job_name: str) -> Completed:
        """The same, with all that is known to be secret by then."""
        secrets = Secrets(self.secrets)
        for each in _all(self.exception):  # all of them first: one text may tell what another only repeats
            each.message = self.redaction.text(each.message, secrets)
            each.notes = tuple(self.redaction.text(note, secrets) for note in each.notes)
            each.lines = [self._line(call, secrets) for call in _calls(each.frames)]
        eraser = Eraser(secrets.found())
        return Completed(_completed(self.exception, eraser, job_name), eraser)

    def _line(self, call: tuple[CodeType, int], secrets: Secrets) -> str | None:
        code, lineno = call
        line = source_line(code.co_filename, lineno)
        return self.redaction.code(cut(line, _LINE_LENGTH), secrets) if line else None


class KnownError(msgspec.Struct, frozen=True, gc=False):
    """An error that its source has as plain data already."""

    error: ErrorInfo
    redaction: Redaction
    secrets: tuple[str, ...]

    def finish(self, _job_name: str) -> Completed:
        """The same error without secrets, and all that is known to be secret by then."""
        secrets = Secrets(self.secrets)
        error = _mapped(
            self.error, lambda text: self.redaction.text(text, secrets), lambda frame: self._frame(frame, secrets)
        )
        eraser = Eraser(secrets.found())
        return Completed(_mapped(error, eraser.text, lambda frame: _erased(frame, eraser)), eraser)

    def _frame(self, frame: Frame, secrets: Secrets) -> Frame:
        line = self.redaction.code(frame.line, secrets) if frame.line else None
        return msgspec.structs.replace(frame, line=line)


def _erased(frame: Frame, eraser: Eraser) -> Frame:
    line = eraser.text(frame.line) if frame.line else None
    return msgspec.structs.replace(frame, line=line, locals=eraser.data(frame.locals))


def _mapped(
    error: ErrorInfo, change: Callable[[str], str], change_frame: Callable[[Frame], Frame], depth: int = 0
) -> ErrorInfo:
    """An error with its texts changed, and those of the errors that it refers to, as deep as errors are captured."""
    if depth > _DEEPEST:
        return msgspec.structs.replace(error, cause=None, context=None, exceptions=())
    related = {
        "cause": error.cause and _mapped(error.cause, change, change_frame, depth + 1),
        "context": error.context and _mapped(error.context, change, change_frame, depth + 1),
        "exceptions": tuple(_mapped(each, change, change_frame, depth + 1) for each in error.exceptions),
    }
    return msgspec.structs.replace(
        error,
        message=change(error.message),
        notes=tuple(map(change, error.notes)),
        frames=tuple(map(change_frame, error.frames)),
        **related,
    )


def _calls(frames: RawFrames) -> Iterator[tuple[CodeType, int]]:
    """The code of each call, and the line that it was at."""
    codes, positions, _ = frames
    for code, position in zip(codes, positions, strict=True):
        yield code, line_number(code, position)


def _all(exception: RawException) -> Iterator[RawException]:
    waiting = [exception]
    for each in waiting:
        yield each
        waiting += [other for other in (*each.members, each.cause, each.context) if other is not None]


def _completed(raw: RawException, eraser: Eraser, job_name: str) -> ErrorInfo:
    names = tuple(map(full_name, mro(raw.kind)[:_LONGEST_MRO]))
    modules = raw.frames[2]
    variables = raw.locals or [None] * len(modules)
    calls = zip(_calls(raw.frames), modules, raw.lines, variables, strict=True)
    return ErrorInfo(
        type=names[0],
        message=shortened(eraser.text(raw.message), LONGEST),
        mro=names,
        frames=tuple(_frame(*call, eraser, job_name) for call in calls),
        frames_omitted=raw.omitted,
        cause=None if raw.cause is None else _completed(raw.cause, eraser, job_name),
        context=None if raw.context is None else _completed(raw.context, eraser, job_name),
        suppress_context=raw.suppress_context,
        notes=tuple(shortened(eraser.text(note), LONGEST) for note in raw.notes),
        exceptions=tuple(_completed(member, eraser, job_name) for member in raw.members),
    )


def _frame(  # noqa: PLR0917 - the parts of a call, one after the other
    call: tuple[CodeType, int],
    module: Any,
    line: str | None,
    variables: dict[str, Any] | None,
    eraser: Eraser,
    job_name: str,
) -> Frame:
    code, lineno = call
    # A traceback that was rebuilt, by tblib for one, has a name for the call but not the qualified one.
    function = code.co_qualname if str.endswith(code.co_qualname, code.co_name) else code.co_name
    filename = cut(code.co_filename, _NAME_LENGTH)
    module_name = cut(module, _NAME_LENGTH) if type(module) is str else None
    return Frame(
        filename=filename,
        lineno=lineno,
        function=cut(function, _NAME_LENGTH),
        module=module_name,
        in_app=is_own(module_name, filename, job_name),
        line=shortened(eraser.text(line), _NAME_LENGTH) if line else None,
        locals=eraser.data(variables),
    )
