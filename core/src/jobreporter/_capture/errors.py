"""The first step of capturing an exception: taking, in the job's thread, what would change or be lost.

Nothing is formatted, no file is read, no name is looked up: that is the second step's, on the pump thread. What is
taken refers to no exception, traceback or frame, so it keeps none of the job's data alive. All of it is read through
the getters of `BaseException` itself, because a class may override its attributes with anything.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from jobreporter._capture.bounds import NARROW, Bounds
from jobreporter._capture.held import LONGEST
from jobreporter._capture.plain import brief, plain
from jobreporter._capture.raw_error import RawError, RawException
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.stack import LocalsWalk, local_variables, raw_frames
from jobreporter._foreign.bounded_text import cut, marked
from jobreporter._foreign.classes import attribute
from jobreporter._foreign.containers import container, head, is_light
from jobreporter._foreign.shown import shown

# Of causes and contexts, and of members of groups, so many are taken in all.
_CHAINED = 15
_GROUPED = 50
_NOTES = 20
# So much more is taken of a text than is kept: what is secret in it may be known only by how it goes on.
_TAKEN = LONGEST + 500
_MESSAGE = Bounds(text=_TAKEN, items=NARROW.items, depth=NARROW.depth, total=NARROW.total)

_Getter = Callable[[BaseException], Any]
_args: _Getter = BaseException.__dict__["args"].__get__
_traceback: _Getter = BaseException.__dict__["__traceback__"].__get__
_cause: _Getter = BaseException.__dict__["__cause__"].__get__
_context: _Getter = BaseException.__dict__["__context__"].__get__
_suppress_context: _Getter = BaseException.__dict__["__suppress_context__"].__get__
_namespace: _Getter = BaseException.__dict__["__dict__"].__get__
_exceptions: _Getter = BaseExceptionGroup.__dict__["exceptions"].__get__

# The two `__str__` that show the exception's arguments, whatever these are.
_SHOWS_ARGUMENT = BaseException.__dict__["__str__"]
_SHOWS_KEY = KeyError.__dict__["__str__"]

_BUILT_IN = Redaction()


def capture_error(
    error: BaseException,
    redaction: Redaction = _BUILT_IN,
    secrets: tuple[str, ...] = (),
    locals: bool = False,
) -> RawError:
    """Takes an exception with its causes, contexts and members, each exception once.

    ``secrets`` are what was redacted of the job's arguments. ``locals``: whether the frames' local variables are taken.
    """
    walk = LocalsWalk(NARROW, redaction) if locals else None
    first = _taken(error, walk)
    if _cause(error) is not None or _context(error) is not None or issubclass(type(error), BaseExceptionGroup):
        _take_related(error, first, walk)
    if walk is not None:
        secrets += walk.found()
    return RawError(first, redaction, secrets)


def _taken(error: BaseException, walk: LocalsWalk | None) -> RawException:
    """One exception, without those that it refers to."""
    traceback = _traceback(error)
    frames, omitted = raw_frames(traceback)
    variables = None if walk is None else local_variables(traceback, walk)
    # By position, which is quicker than by name: a job waits for this.
    return RawException(
        type(error), _message(error), _notes(error), frames, omitted, variables, _suppress_context(error)
    )


def _take_related(error: BaseException, first: RawException, walk: LocalsWalk | None) -> None:
    """Takes the exceptions that an exception refers to and links them, the nearest first."""
    waiting, seen = [(error, first)], {id(error)}
    left = {"chained": _CHAINED, "grouped": _GROUPED}

    def take(other: BaseException | None, room: str) -> RawException | None:
        if other is None or id(other) in seen or not left[room]:
            return None
        left[room] -= 1
        seen.add(id(other))
        raw = _taken(other, walk)
        waiting.append((other, raw))
        return raw

    for source, raw in waiting:
        if issubclass(type(source), BaseExceptionGroup):
            members = [take(member, "grouped") for member in islice(_exceptions(source), _GROUPED)]
            raw.members = tuple(member for member in members if member is not None)
        raw.cause = take(_cause(source), "chained")
        raw.context = take(_context(source), "chained")


def _message(error: BaseException) -> str:
    args = _args(error)
    for each in args:
        if (type(each) is not str or len(each) > _TAKEN) and not is_light(each):
            return marked(_long_message(error, args), LONGEST)
    return marked(shown(error, _TAKEN, str), LONGEST)


def _long_message(error: BaseException, args: tuple[Any, ...]) -> str:
    """The message of an exception with long arguments: built within bounds where it would consist of these alone."""
    shows = attribute(type(error), "__str__")
    if shows is not _SHOWS_ARGUMENT and shows is not _SHOWS_KEY:
        return shown(error, _TAKEN, str)
    value = plain(args[0] if len(args) == 1 else args, _MESSAGE)
    return value if type(value) is str and shows is _SHOWS_ARGUMENT else cut(repr(value), _TAKEN)


def _notes(error: BaseException) -> tuple[str, ...]:
    # Not asked for: a class's own ``__getattr__`` may do anything, and take any time.
    notes = dict.get(_namespace(error), "__notes__")
    if notes is None:
        return ()
    builtin = container(type(notes))
    if builtin is not list and builtin is not tuple:
        return (brief(notes, _MESSAGE),)
    return tuple(
        cut(note, _TAKEN) if issubclass(type(note), str) else brief(note, _MESSAGE)
        for note in head(notes, builtin, _NOTES)
    )
