"""Making data smaller: a job's own data in every direction, and other data in its texts alone."""

from __future__ import annotations

from typing import Any

_CUT = "..."


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
