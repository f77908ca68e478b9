"""The nearest right name to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable

# How many names a message lists where none is near.
_MOST_NAMES = 20


def nearest(word: object, known: Iterable[object], *, cutoff: float = 0.6) -> str | None:
    """The name in ``known`` that was probably meant by ``word``; upper and lower case count as the same.

    cutoff: how alike the two must be, from 0 to 1.
    """
    from difflib import get_close_matches  # only when something is wrong: a worker that starts well doesn't pay for it

    names = {str(name).casefold(): str(name) for name in known}
    for match in get_close_matches(str(word).casefold(), names, n=1, cutoff=cutoff):
        return names[match]
    return None


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """``. Did you mean 'name'?``, to append to a problem; empty if no known name is near."""
    name = nearest(word, known)
    return f". Did you mean {name!r}?" if name is not None else ""


def did_you_mean_or_all(word: object, known: Iterable[object], kind: str) -> str:
    """The nearest name; if none is near, all that there are: ``. The tables are 'a' and 'b'``.

    kind: what they are, in the plural. Empty if there are none.
    """
    names = sorted({str(name) for name in known})
    if name := nearest(word, names):
        return f". Did you mean {name!r}?"
    shown = [*map(repr, names[:_MOST_NAMES]), *([f"{more} more"] if (more := len(names) - _MOST_NAMES) > 0 else [])]
    *others, last = shown or [""]
    listed = f"{', '.join(others)} and {last}" if others else last
    return f". The {kind} are {listed}" if len(shown) > 1 else f". The only one is {listed}" if shown else ""
