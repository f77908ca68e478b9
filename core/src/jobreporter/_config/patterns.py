"""Whether a regular expression of the config can be used: it must be one, match something, and not take for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from jobreporter._config.wording import quoted

# What Python itself makes of an expression. It has no public name.
_parse: Any = import_module("re._parser").parse

# A repeat of at most so many times is no reason to worry.
_FEW = 10
# Where one follows another, each has its say in how much longer a longer text takes: as long to the power of so many.
_MOST = 4


def problem_of(pattern: str) -> str | None:
    """What is wrong with a regular expression, ``None`` if nothing is."""
    try:
        compiled = re.compile(pattern)
        parsed = _parse(pattern)
    except re.error as error:
        where = "" if error.pos is None else f" at position {error.pos}"
        return f"{quoted(pattern)} is no regular expression: {error.msg}{where}"
    except (OverflowError, RecursionError):
        return f"{quoted(pattern)} is too large for a regular expression"
    if compiled.match("") is not None:
        return f"{quoted(pattern)} matches the empty text, which is everywhere"
    if _may_take_for_ever(parsed, repeated=False):
        return (
            f"{quoted(pattern)} has a repeat within a repeat, which may take for ever: make the inner one possessive, as in"
            " (?:a++b)+"
        )
    if _open_ends(parsed) > _MOST:
        return f"{quoted(pattern)} has more than {_MOST} repeats without an end, which may take for ever: make some possessive (++)"
    return None


def _open_ends(parsed: Iterable[tuple[Any, Any]]) -> int:
    """How many repeats without an end there are on one way through."""
    count = 0
    for kind, content in parsed:
        match str(kind):
            case "MAX_REPEAT" | "MIN_REPEAT":
                count += (content[1] > _FEW and content[1] > content[0]) + _open_ends(content[2])
            case "SUBPATTERN":
                count += _open_ends(content[3])
            case "BRANCH":
                count += max(map(_open_ends, content[1]))
    return count


def _may_take_for_ever(parsed: Iterable[tuple[Any, Any]], *, repeated: bool) -> bool:
    """Whether there are many ways to match the same text: each of them would be tried."""
    return any(_branches_out(str(kind), content, repeated=repeated) for kind, content in parsed)


def _branches_out(kind: str, content: Any, *, repeated: bool) -> bool:
    match kind:
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, inner = content
            varies = most > least and most > _FEW
            return (varies and repeated) or _may_take_for_ever(inner, repeated=repeated or varies)
        case "POSSESSIVE_REPEAT":
            return _may_take_for_ever(content[2], repeated=False)
        case "ATOMIC_GROUP":
            return _may_take_for_ever(content, repeated=False)
        case "SUBPATTERN":
            return _may_take_for_ever(content[3], repeated=repeated)
        case "ASSERT" | "ASSERT_NOT":
            return _may_take_for_ever(content[1], repeated=False)
        case "BRANCH":
            inside = content[1]
            alike = repeated and not _begin_differently(inside)
            return alike or any(_may_take_for_ever(each, repeated=repeated) for each in inside)
        case "GROUPREF_EXISTS":
            return any(_may_take_for_ever(each, repeated=repeated) for each in content[1:] if each is not None)
    return False


def _begin_differently(branches: Iterable[Iterable[tuple[Any, Any]]]) -> bool:
    """Whether each branch begins with a character of its own, so that only one of them can match."""
    first = [next(iter(each), ("", None)) for each in branches]
    return all(str(kind) == "LITERAL" for kind, _ in first) and len({code for _, code in first}) == len(first)
