"""How things are written: numbers, times, durations, and text that somebody else wrote."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

# Control and format characters, lone surrogates, and the separators of lines and paragraphs.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_KEPT = "\n\t"
_NONE = "\N{EN DASH}"


def visible(text: str) -> str:
    """The text with escapes in place of characters that steer: ``\\u202e``, ``\\x1b``."""
    return "".join(
        each.encode("unicode_escape").decode("ascii")
        if each not in _KEPT and unicodedata.category(each) in _UNSAFE
        else each
        for each in text
    )


def number(count: float) -> str:
    """A count, with commas."""
    return f"{count:,.0f}"


def percent(part: float, whole: float) -> str:
    """A share of a whole."""
    if not whole or not part:
        return "0 %"
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %" if share >= 0.1 else "< 0.1 %"


def duration(seconds: float | None) -> str:
    """Seconds, as people say them."""
    if seconds is None:
        return _NONE
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} m"
    return f"{hours // 24} d {hours % 24} h"


def about(seconds: float | None) -> str:
    """Seconds in two digits, which is all that is known of a quantile."""
    if not seconds:
        return duration(seconds)
    amount, shown = seconds * 1000, "ms"
    for most, following, each in ((1000, "s", 1000), (60, "m", 60), (60, "h", 60), (48, "d", 24)):
        if _two_digits(amount) < most:
            break
        amount, shown = amount / each, following
    rounded = _two_digits(amount)
    return f"{rounded:.1f} {shown}" if rounded < 10 and shown != "ms" else f"{rounded:.0f} {shown}"


def _two_digits(amount: float) -> float:
    return float(f"{amount:.2g}")


def ago(at: float | None, now: float) -> str:
    """How long it is since then."""
    if not at:
        return _NONE
    seconds = max(now - at, 0.0)
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now" if seconds < 5 else f"{seconds:.0f} s ago"


def exact(at: float | None) -> str:
    """A time in UTC to the millisecond."""
    if at is None:
        return _NONE
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{at:g}"


def clock(at: float | None, now: float) -> str:
    """A time in UTC to the second, with the day if it isn't today's."""
    if at is None:
        return _NONE
    try:
        then = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{at:g}"
    today = datetime.fromtimestamp(now, UTC).date()
    if then.date() == today:
        return f"{then:%H:%M:%S}"
    return f"{then:%b %d %H:%M}" if then.year == today.year else f"{then:%Y-%m-%d %H:%M}"


def size(count: float | None) -> str:
    """Bytes."""
    amount = float(count or 0)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:,.3g} GB"


def literal(value: Any) -> str:
    """An argument of a job, as JSON where it is one."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=None, default=repr)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def fact(name: str, value: Any) -> str:
    """One of the facts that decided something, in words: ``16 successes``, ``until 2026-11-30T12:00:00Z``, ``release 1.1``."""
    words = name.replace("_", " ")
    if name == "until":
        return f"{words} {exact(value)}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{number(value)} {'success' if (value, words) == (1, 'successes') else words}"
    return f"{words} {value if isinstance(value, str) else literal(value)}"
