"""What somebody at a terminal would see of an output: without what was overwritten, cleared or only meant for the terminal."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      \x1b\[(?P<arguments>[0-?]*)[ -/]*(?P<final>[@-~])?   # a control sequence, such as one that clears the line
    | \x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?                   # words for the terminal itself: its title, a link
    | \x1b[PX^_][^\x1b]*(?:\x1b\\)?                         # a string of other kinds: a picture, say
    | \x1b[ -/]*[0-~]?                                     # a shorter sequence, or an escape alone
    | (?P<control>[\r\b])
    | (?P<text>[^\x00-\x1f\x7f-\x9f]+|\t)
    | .                                                    # any other control character shows nothing
    """,
    re.VERBOSE | re.DOTALL,
)

#: The furthest that a sequence may move the cursor: no line is longer.
_WIDTH = 10_000


def lines_shown(text: str) -> list[str]:
    """The lines of a text as they are in the end, without blanks at theirs."""
    lines = (_line_shown(line) if _SPECIAL.search(line) else line.rstrip() for line in _BREAK.split(text))
    return ["" if _UNSEEN.fullmatch(line) else line for line in lines]


_BREAK = re.compile(r"\r*\n|[\v\f\x85\u2028\u2029]")
# Characters of which none is seen: a byte order mark, blanks without a width, soft hyphens, the blank of Braille.
_UNSEEN = re.compile(
    r"[\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]*"
)
_SPECIAL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def _line_shown(line: str) -> str:
    cells: list[str] = []
    at = 0
    for token in _TOKEN.finditer(line):
        if text := token["text"]:
            cells.extend(" " * (at - len(cells)))
            cells[at : at + len(text)] = text
            at += len(text)
        elif control := token["control"]:
            at = 0 if control == "\r" else max(0, at - 1)
        elif final := token["final"]:
            at = _move(cells, at, final, token["arguments"])
    return "".join(cells).rstrip()


def _move(cells: list[str], at: int, final: str, arguments: str) -> int:
    """Do what a control sequence says about this line. Returns where the cursor is then."""
    number = int(arguments) if arguments.isascii() and arguments.isdecimal() and len(arguments) < 5 else None
    match final:
        case "K" if number in (None, 0):
            del cells[at:]
        case "K" if number == 1:
            cells[: at + 1] = " " * min(at + 1, len(cells))
        case "K":
            cells.clear()
        case "J" if number in (None, 0):
            del cells[at:]
        case "G":
            return min((number or 1) - 1, _WIDTH) if number != 0 else 0
        case "C":
            return min(at + (number or 1), _WIDTH)
        case "D":
            return max(0, at - (number or 1))
    return at
