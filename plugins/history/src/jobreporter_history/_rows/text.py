"""Text that both databases can hold."""

from __future__ import annotations

from hashlib import blake2b

#: What a zero byte shows as: PostgreSQL's text can't have one, and SQLite's own functions stop at it.
_NUL = "\N{SYMBOL FOR NULL}"
# Characters of a key. PostgreSQL's indexes take 2,700 bytes, of up to four a character.
_LONGEST = 300
_KEPT = 260


def storable(text: str) -> str:
    """The text without zero bytes and halves of surrogate pairs, which no database takes."""
    if "\0" in text:
        text = text.replace("\0", _NUL)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text


def storable_key(text: str) -> str:
    """The same for an id. One that is too long for an index ends in a hash of the whole."""
    text = storable(text)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_KEPT]}~{blake2b(text.encode(), digest_size=16).hexdigest()}"
