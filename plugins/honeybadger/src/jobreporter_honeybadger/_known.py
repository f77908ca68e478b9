"""Small things that notices and Insights events have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def known(**facts: Any) -> dict[str, Any]:
    """The facts without those that aren't known, or are empty."""
    return {name: fact for name, fact in facts.items() if fact is not None and fact not in ((), {}, "")}


def timestamp(seconds: float | None) -> str | None:
    """Unix seconds as a date and time in UTC, ``2025-01-31T09:30:00.250Z``; ``None`` for what is no such time."""
    if seconds is None:
        return None
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
