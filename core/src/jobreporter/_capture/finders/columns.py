"""Tables of values with commas or the like between them, whose first line has the names of the columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.values import is_secret
from jobreporter._capture.secret_names import SecretNames

_TITLE = r'"?[^\W\d][\w.\-]{0,40}+"?'
_HEADER = re.compile(
    rf"^(?P<titles>{_TITLE}(?P<sign>[,;\t]){_TITLE}(?:(?P=sign){_TITLE}){{0,60}}+)\r?\n(?=\S)", re.MULTILINE
)
_LINE = re.compile(r"[^\r\n]{1,4000}+")
_ENDS_LINE = re.compile(r"\r?\n")
_MOST_ROWS = 200


def columns(text: str, names: SecretNames) -> Iterator[Finding]:
    """What stands in a column with a secret name, if it is no word."""
    for found in _HEADER.finditer(text):
        sign = found["sign"]
        titles = [title.strip('"') for title in found["titles"].split(sign)]
        if secret := [index for index, title in enumerate(titles) if title in names]:
            yield from _below(text, found.end(), sign, len(titles), secret)


def _below(text: str, start: int, sign: str, width: int, secret: list[int]) -> Iterator[Finding]:
    """The rows: lines with as many values as the first."""
    value = re.compile(rf'(?:"(?:[^"]|"")*+"|[^"{sign}][^{sign}]*+|)(?:{sign}|\Z)')
    for _ in range(_MOST_ROWS):
        line = _LINE.match(text, start)
        if line is None:
            return
        cells = list(value.finditer(line[0]))
        if line[0].endswith(sign):
            cells = cells[:width]
        elif cells and not cells[-1][0]:
            cells.pop()
        if len(cells) != width:
            return
        for index in secret:
            shown = cells[index][0].rstrip(sign)
            word = shown.strip('"')
            if " " not in word and is_secret(word) and not word.isalpha():
                at = start + cells[index].start()
                yield Finding(at, at + len(shown), (word,))
        end = _ENDS_LINE.match(text, line.end())
        if end is None:
            return
        start = end.end()
