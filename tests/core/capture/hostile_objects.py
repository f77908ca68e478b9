"""Objects that hold something, and show nothing of it."""

from __future__ import annotations


class Box:
    """As a library's type for secrets."""

    def __init__(self, held: str) -> None:
        self._held = held

    def __repr__(self) -> str:
        return "Box(***)"
