"""Bounded and valid text."""

from __future__ import annotations

import re

_MARK = re.compile(r"\.\.\. \(\d++ (?:characters|bytes)\)\Z")
# No mark is longer.
_MARK_LENGTH = 50


def valid(text: str) -> str:
    """The text with lone surrogates replaced, which no encoding can write."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def mark(length: int, unit: str = "characters") -> str:
    """What stands behind a text that was cut: how long it was."""
    return f"... ({length} {unit})"


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters of a text as a valid ``str``, and a mark if it was longer.

    A subclass of ``str`` becomes the real thing. Its own methods are not asked, and a long text is not copied.
    """
    if type(text) is str and len(text) <= limit and text.isascii():
        return text
    length = str.__len__(text)
    kept = valid(str.__getitem__(text, slice(limit)))
    return kept if length <= limit else kept + mark(length)


def split_mark(text: str) -> tuple[str, str]:
    """A text and the mark behind it, which is empty on a text that is whole."""
    found = _MARK.search(text, max(0, len(text) - _MARK_LENGTH)) if text.endswith(")") else None
    return (text[: found.start()], found[0]) if found else (text, "")


def marked(text: str, limit: int) -> str:
    """A text that will be cut to ``limit`` characters, with the mark that says how long it was; it stays if it bears one."""
    return text if len(text) <= limit or split_mark(text)[1] else text + mark(len(text))
