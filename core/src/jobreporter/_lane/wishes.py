"""What a hook asks for with a `TryAgain`, whatever its class has made of itself."""

from __future__ import annotations

from collections.abc import Callable

from jobreporter._foreign.classes import derives_from
from jobreporter.errors import TryAgain

#: Seconds for which a hook may have itself put off.
LONGEST_PAUSE = 86_400.0

_cause: Callable[[BaseException], BaseException | None] = BaseException.__dict__["__cause__"].__get__


def pause_asked_for(error: BaseException) -> float:
    """Seconds to wait at least: 0 where it asks for no time, or for one that is none."""
    if not derives_from(type(error), TryAgain):
        return 0.0
    try:
        after = getattr(error, "after", None)
        if isinstance(after, bool) or not isinstance(after, int | float) or not after > 0:
            return 0.0
        return float(min(after, LONGEST_PAUSE))
    except BaseException:  # what it asks for can't be read
        return 0.0


def reason_for(error: BaseException) -> BaseException:
    """Why it asks: what caused it, if it says so, and else itself. Neither is asked whether it is true."""
    cause = _cause(error)
    return error if cause is None else cause
