"""Text from jobs and reporters, made safe for one line of a log."""

from __future__ import annotations

import unicodedata

# Cc: control characters, newlines and ESC among them. Cf: format characters, such as those that turn the direction of
# text around. Cs: lone surrogates, which can't be encoded. Zl, Zp: the line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def one_line(text: str, limit: int) -> str:
    r"""The text with what could break a line or steer a terminal escaped (``\n``, ``\x1b``), ``limit`` characters at most.

    Text that is cut ends in ``...``.
    """
    # Cutting first bounds the time as well; what is escaped only gets longer, so the second cut is needed too.
    whole = len(text) <= limit
    text = text[:limit]
    if not text.isprintable():
        text = "".join(_escaped(character) for character in text)
    if whole and len(text) <= limit:
        return text
    return text[: max(limit - 3, 0)] + "..."[:limit]


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _UNSAFE:
        return character.encode("unicode_escape").decode("ascii")
    return character
