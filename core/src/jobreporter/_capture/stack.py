"""A traceback as code and positions in it: taken quickly, and holding on to no frame."""

from __future__ import annotations

from collections import deque
from sys import getrefcount
from types import CodeType, FrameType, TracebackType
from typing import Any

from jobreporter._capture.bounds import Bounds
from jobreporter._capture.gathering import Gathering
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.walk import Walk

#: Calls, outermost first: the code of each, the position of the instruction that it was at, and what its module calls itself.
#: They lie side by side, since a tuple for each call is one more object that the garbage collector looks at in the job's time.
RawFrames = tuple[list[CodeType], list[int], list[Any]]

# Of more calls the first and the last half are kept.
_MOST = 100
_HALF = _MOST // 2
_AT_MOST = range(_MOST)
_OPTIMIZED = 0x01  # as inspect.CO_OPTIMIZED: the locals are those of a function
# References to a dict that only its frame and the function that looks at it have.
_UNSHARED = 3


def raw_frames(traceback: TracebackType | None) -> tuple[RawFrames, int]:
    """The calls of a traceback, outermost first, and how many were left out in the middle.

    A job waits for this, so the loop does as little as it can. The number of a line takes the longer to find the longer
    the function is: `line_number` does that later.
    """
    codes: list[CodeType] = []
    positions: list[int] = []
    modules: list[Any] = []
    each = traceback
    try:
        for _ in _AT_MOST:
            if each is None:
                return (codes, positions, modules), 0
            frame = each.tb_frame
            codes.append(frame.f_code)
            positions.append(each.tb_lasti)
            modules.append(frame.f_globals["__name__"])
            each = each.tb_next
    except KeyError:  # code that was executed in a dict of its own
        pass
    kept, omitted = _kept(traceback)
    frames = [each.tb_frame for each in kept]
    modules = [dict.get(frame.f_globals, "__name__") for frame in frames]
    return ([frame.f_code for frame in frames], [each.tb_lasti for each in kept], modules), omitted


def line_number(code: CodeType, position: int) -> int:
    """The line of an instruction, 0 where it has none. Code that isn't Python's has a line and no position."""
    if position < 0:
        return code.co_firstlineno
    return next((line or 0 for start, end, line in code.co_lines() if start <= position < end), 0)


class LocalsWalk(Walk):
    """A walk over the local variables of an error's calls."""

    __slots__ = ("_redaction_of_all", "_seen")

    def __init__(self, bounds: Bounds, redaction: Redaction) -> None:
        super().__init__(bounds, redaction)
        self._redaction_of_all = redaction
        self._seen: list[dict[str, Any]] = []

    def variables(self, found: dict[str, Any]) -> dict[str, Any]:
        """The variables of one call as plain data."""
        self._seen.append(found)
        return self.mapping(found)

    def found(self) -> tuple[str, ...]:
        """What is secret among all the variables, those that were too many to be kept too."""
        if self.has_cut:
            Gathering(self._redaction_of_all, self.secrets, objects=1).values(*self._seen)
        return self.secrets.found()


def local_variables(traceback: TracebackType | None, walk: LocalsWalk) -> list[dict[str, Any] | None]:
    """The local variables of the same calls, as plain data. The innermost calls have the first claim to the room."""
    frames = [each.tb_frame for each in _kept(traceback)[0]]
    return [_variables(frame, walk) for frame in reversed(frames)][::-1]


def _kept(traceback: TracebackType | None) -> tuple[list[TracebackType], int]:
    first: list[TracebackType] = []
    last: deque[TracebackType] = deque(maxlen=_HALF)
    count = 0
    while traceback is not None:
        (first if count < _HALF else last).append(traceback)
        count += 1
        traceback = traceback.tb_next
    return [*first, *last], max(0, count - _MOST)


def _variables(frame: FrameType, walk: LocalsWalk) -> dict[str, Any] | None:
    found = frame.f_locals
    is_function = frame.f_code.co_flags & _OPTIMIZED
    if type(found) is not dict and not is_function:
        return None  # the body of a class, whose metaclass may have made it anything
    own = dict(found)  # in one go: other threads may change a module's variables
    if is_function and type(found) is dict and getrefcount(found) <= _UNSHARED:
        # Up to 3.12 a frame keeps the dict that it made for this, and the error in it would keep itself alive.
        found.clear()
    return walk.variables({name: each for name, each in own.items() if type(name) is str and not name.startswith("__")})
