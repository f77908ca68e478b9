"""The words that an execution is found by. Both databases get the same ones, so both find the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

#: The columns of the index.
FIELDS = ("name", "args", "error", "tags")

# Bounds on what one execution puts into the index: a word's letters, and the words of a field.
_LONGEST = 64
_MOST = 400
# Characters of one text, and the depth of containers, that are looked at.
_TEXT = 8000
_DEPTH = 8
_WORD = re.compile(r"[^\W_]+")


class Words(NamedTuple):
    """The words of one execution, by field."""

    name: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Phrase(NamedTuple):
    """Words side by side. field: where they have to be; anywhere if it is empty. prefix: the last is only a beginning."""

    words: tuple[str, ...]
    field: str = ""
    prefix: bool = False


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text: letters and digits, without case and accents."""
    return tuple(_words(text)[:_MOST])


def words_in(data: Any) -> tuple[str, ...]:
    """The words of all names and values in plain data."""
    found: list[str] = []
    _collect(data, found, _DEPTH)
    return tuple(found[:_MOST])


def phrase_of(text: str, field: str = "", *, prefix: bool = False) -> Phrase:
    """The phrase that a text is. It may have no words."""
    return Phrase(words_of(text), field, prefix)


def _words(text: str) -> list[str]:
    text = text[:_TEXT]
    if not text.isascii():
        text = "".join(
            each for each in unicodedata.normalize("NFKD", text) if unicodedata.category(each) not in {"Mn", "Cs"}
        )
    found = _WORD.findall(text.casefold())
    return [word[:_LONGEST] for word in found] if len(text) > _LONGEST else found


def _collect(data: Any, found: list[str], depth: int) -> None:
    if isinstance(data, str):
        found += _words(data)
    elif isinstance(data, bool) or data is None or depth == 0 or len(found) >= _MOST:
        return
    elif isinstance(data, int | float):
        found += _words(str(data))
    elif isinstance(data, dict):
        for name, value in data.items():
            found += _words(name)
            _collect(value, found, depth - 1)
    else:
        for each in data:
            _collect(each, found, depth - 1)
