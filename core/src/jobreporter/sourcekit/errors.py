"""What a source raises where it can't work."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobreporter.sourcekit._library import Library


class UnusableLibrary(ImportError):  # noqa: N818 - names what is wrong
    """A source's job queue is not installed, or too old. It is raised where the source is imported.

    library: what the source needs. found: the version that is there, or ``None`` where there is none.
    """

    def __init__(self, sentence: str, library: Library, found: str | None) -> None:
        super().__init__(sentence)
        self.library = library
        self.found = found
