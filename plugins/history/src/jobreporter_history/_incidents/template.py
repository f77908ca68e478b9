"""What messages have in common, once all that is unique has been taken out of them."""

from __future__ import annotations

import re

_LONGEST = 300

# In this order: what is quoted may have anything in it, and a date or an address is made of numbers.
_UNIQUE = (
    (re.compile(r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|`[^`\n]*`|«[^»\n]*»|“[^”\n]*”"), "<text>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "<url>"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?"), "<date>"),
    (re.compile(r"\b\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?\b"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE), "<address>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<address>"),
    (re.compile(r"(?:[A-Za-z]:)?(?:[\\/][\w.@~+-]+){2,}[\\/]?"), "<path>"),
    # A word with digits in it that is long enough for an id, and one of hexadecimal digits.
    (re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{12,}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    # A short one, of letters between digits.
    (re.compile(r"\b(?=\w*\d[A-Za-z]+\d)\w{4,}\b"), "<id>"),
    # What ends in a number, such as `order_1029`; what is called by a digit, such as `utf8`, is a name.
    (re.compile(r"(?<=[A-Za-z_])\d{2,}(?=_|\b)"), "<number>"),
    (re.compile(r"(?<![\w.])[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?(?=\b|[a-zµ%])"), "<number>"),
)
_BLANKS = re.compile(r"\s+")


def template(message: str) -> str:
    """The message in one line, without ids, dates, addresses, paths, quoted text and numbers."""
    text = message[: 4 * _LONGEST]
    for pattern, stands_for in _UNIQUE:
        text = pattern.sub(stands_for, text)
    return _BLANKS.sub(" ", text).strip()[:_LONGEST]
