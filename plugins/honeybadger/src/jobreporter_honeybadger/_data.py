"""Data on its way to JSON: what is known of it, its texts and times, and as much of it as there is room for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

_CUT = "..."


def to_json(value: Any) -> bytes:
    """Compact JSON on one line. Half a character, which UTF-8 has no bytes for, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")


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


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters of the text, and dots if that is not all of it."""
    return text if len(text) <= limit else text[:limit] + _CUT


def texts(value: Any, limit: int) -> Any:
    """The value with every text in it cut."""
    match value:
        case str():
            return cut(value, limit)
        case dict():
            return {cut(name, limit): texts(item, limit) for name, item in value.items()}
        case list() | tuple():
            return [texts(item, limit) for item in value]
        case _:
            return value


def short(value: Any, items: int, depth: int) -> Any:
    """The value with so many items in each list and table, nested so deeply, and a mark where there is more."""
    match value:
        case dict() | list() | tuple() if value and depth == 0:
            return _CUT
        case dict():
            kept = {name: short(item, items, depth - 1) for name, item in list(value.items())[:items]}
            return kept if len(kept) == len(value) else kept | {_CUT: f"{len(value) - items} more"}
        case list() | tuple():
            found = [short(item, items, depth - 1) for item in value[:items]]
            return found if len(found) == len(value) else [*found, f"{_CUT} {len(value) - items} more"]
        case _:
            return value
