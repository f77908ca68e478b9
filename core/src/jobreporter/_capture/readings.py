"""A text as others read it: with the escapes of JSON, `repr`, URLs and HTML undone, and where each character stood.

So a secret is found in whatever way it was written, without a list of all the ways.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Final

# Escapes within escapes are undone until nothing is escaped any more, or there are so many ways to read the text.
_MOST = 40

_SIMPLE: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

# Each takes linear time: what repeats in it is bounded.
_BACKSLASH = re.compile(
    r"""\\(?: u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}
            | u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} | x[0-9a-fA-F]{2} | [0-7]{1,3} | [\\'"/abfnrtv] )""",
    re.VERBOSE,
)
# The repr of bytes has one escape for each byte of a character.
_BYTES = re.compile(
    rf"""\\x[c-fC-F][0-9a-fA-F](?:\\x[89abAB][0-9a-fA-F]){{1,3}} | \\3[0-7]{{2}}(?:\\2[0-7]{{2}}){{1,3}} | {_BACKSLASH.pattern}""",
    re.VERBOSE,
)
_PERCENT = re.compile(r"%[c-fC-F][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){1,3}|%[0-9a-fA-F]{2}")
_FORM = re.compile(rf"\+|{_PERCENT.pattern}")
# A quote within quotes, as SQL and CSV have it, and shells.
_QUOTES = re.compile("'\"'\"'|'\\\\''|''|\"\"")
# Between the groups of a long number: 48,151,623 or 4815-1623.
_GROUPS = re.compile(r"(?<=\d)[,_'.\-\u00a0\u202f ](?=\d{3,4}(?!\d))")
_HTML = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,9});")


class Reading:
    """One way to read a text."""

    __slots__ = ("_base", "_origins", "_starts", "text")

    def __init__(self, text: str, base: Reading | None, starts: list[int], origins: list[int]) -> None:
        self.text = text
        self._base = base
        # Where in this text its pieces begin, and where they stand in the text that it was read from.
        self._starts = starts
        self._origins = origins

    def origin(self, position: int) -> int:
        """Where in the original a character stands; of the position behind the last, its length."""
        piece = bisect_right(self._starts, position) - 1
        at = self._origins[piece] + position - self._starts[piece]
        return at if self._base is None else self._base.origin(at)


# Signs on letters, such as the vowels of Hindi and Thai, and what is not seen at all. No expression takes them for a part
# of a word.
_BETWEEN_LETTERS = frozenset(["Mn", "Mc", "Cf"])


def in_plain_letters(text: str) -> Reading | None:
    """A text without signs on its letters and without characters of no width; ``None`` where it has none."""
    signs = [each for each in set(text) if not each.isascii() and unicodedata.category(each) in _BETWEEN_LETTERS]
    if not signs:
        return None
    pieces, starts, origins, length = list[str](), list[int](), list[int](), 0
    for found in re.finditer(f"[^{''.join(signs)}]+", text):
        pieces.append(found[0])
        starts.append(length)
        origins.append(found.start())
        length += len(found[0])
    return Reading("".join(pieces), None, starts or [0], origins or [0])


def readings(text: str) -> Iterator[Reading]:
    """The other ways to read a text; none where it holds no escapes."""
    level = [Reading(text, None, [0], [0])]
    known = {text}
    while level:
        deeper: list[Reading] = []
        for reading in level:
            for mark, pattern, meant in _WAYS:
                if mark not in reading.text or (found := _undone(reading, pattern, meant)) is None:
                    continue
                if found.text not in known:  # two ways may lead to the same
                    known.add(found.text)
                    deeper.append(found)
                    yield found
                    if len(known) > _MOST:
                        return
        level = deeper


def ungrouped(text: str) -> Reading | None:
    """The text with its numbers written without signs between their groups of digits; ``None`` if none has any."""
    return _undone(Reading(text, None, [0], [0]), _GROUPS, lambda _found: "")


def _undone(base: Reading, pattern: re.Pattern[str], meant: Callable[[str], str]) -> Reading | None:
    """A reading with one kind of escapes undone; ``None`` if there are none."""
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    length = done = 0

    def add(piece: str, origin: int) -> None:
        nonlocal length
        starts.append(length)
        origins.append(origin)
        pieces.append(piece)
        length += len(piece)

    for found in pattern.finditer(base.text):
        start, end = found.span()
        if start > done:
            add(base.text[done:start], done)
        add(meant(found[0]), start)
        done = end
    if not pieces:
        return None
    add(base.text[done:], done)
    return Reading("".join(pieces), base, starts, origins)


def _escaped(escape: str) -> str:
    kind = escape[1]
    if kind == "3" and len(escape) > 4:
        return _decoded(bytes(int(part, 8) for part in escape.split("\\")[1:]))
    if kind in "uUx":
        if len(escape) > 10 or escape.count("\\") > 1:
            return _several(escape)
        number = int(escape.lstrip("\\uUx"), base=16)
        return chr(number) if number <= 0x10FFFF else escape
    return chr(int(escape[1:], 8) & 0xFF) if kind in "01234567" else _SIMPLE.get(kind, kind)


def _several(escape: str) -> str:
    """Two halves of a character as JSON has them, or the bytes of one."""
    numbers = [int(part[1:], 16) for part in escape.split("\\")[1:]]
    if escape[1] == "u":
        return chr(0x10000 + ((numbers[0] & 0x3FF) << 10) + (numbers[1] & 0x3FF))
    return _decoded(bytes(numbers))


def _from_percent(escape: str) -> str:
    return " " if escape == "+" else _decoded(bytes.fromhex(escape.replace("%", "")))


def _from_html(escape: str) -> str:
    import html  # brings a table of 2,000 names, which most processes never need

    return html.unescape(escape)


def _decoded(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return encoded.decode("latin-1")


#: What a text must hold, what the escapes are, and what one means.
_WAYS: Final = (
    ("\\", _BACKSLASH, _escaped),
    ("\\x", _BYTES, _escaped),
    ("\\3", _BYTES, _escaped),
    ("%", _PERCENT, _from_percent),
    ("+", _FORM, _from_percent),
    ("&", _HTML, _from_html),
    ("''", _QUOTES, itemgetter(-1)),
    ('""', _QUOTES, itemgetter(-1)),
    ("'\"'", _QUOTES, itemgetter(-1)),
)
