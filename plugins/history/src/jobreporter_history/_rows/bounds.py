"""A bound on the length of a row: what is long is shortened, and only then left out."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from jobreporter_history._rows.data import Data, Texts, encode

# Characters of a text and members of a container, from step to step.
_STEPS = ((2000, 100), (400, 30), (80, 10), (24, 4))
_CUT = "..."
_DEPTH = 12


def fitted(data: Data, limit: int) -> tuple[Data, str]:
    """The data as far as it fits into ``limit`` bytes, and as it is stored."""
    stored = encode(data)
    if _fits(stored, limit):
        return data, stored
    # Local variables are the longest, and nothing is found by them.
    data = replace(data, shortened=True, texts=tuple(replace(each, locals=()) for each in data.texts))
    for text, members in _STEPS:
        stored = encode(data)
        if _fits(stored, limit):
            return data, stored
        data = _shortened(data, text, members)
    stored = encode(data)
    if not _fits(stored, limit):
        data = Data(type=data.type and data.type[:200], shortened=True)
        stored = encode(data)
    return data, stored


def _fits(text: str, limit: int) -> bool:
    # A character is four bytes at most, so that of what is short nothing has to be counted.
    return 4 * len(text) <= limit or size(text) <= limit


def _shortened(data: Data, text: int, members: int) -> Data:
    return replace(
        data,
        args=tuple(_cut(each, text, members, _DEPTH) for each in data.args[:members]),
        kwargs=_cut(data.kwargs, text, members, _DEPTH),
        extra=_cut(data.extra, text, members, _DEPTH),
        tags={cut(name, text): cut(value, text) for name, value in list(data.tags.items())[:members]},
        texts=tuple(
            Texts(message=cut(each.message, text), notes=tuple(cut(note, text) for note in each.notes[:members]))
            for each in data.texts[:members]
        ),
    )


def _cut(value: Any, text: int, members: int, depth: int) -> Any:
    if isinstance(value, str):
        return cut(value, text)
    if not isinstance(value, dict | list | tuple):
        return value
    if depth == 0:
        return _CUT
    if isinstance(value, dict):
        return {cut(name, text): _cut(each, text, members, depth - 1) for name, each in list(value.items())[:members]}
    return [_cut(each, text, members, depth - 1) for each in value[:members]]


def size(text: str) -> int:
    """The bytes that a text takes, which is `storable`."""
    return len(text.encode())


def cut_to_bytes(text: str, limit: int) -> str:
    """The text, which is `storable`, ``limit`` bytes at most."""
    if _fits(text, limit):
        return text
    return text.encode()[: limit - len(_CUT)].decode(errors="ignore") + _CUT


def cut(text: str, limit: int) -> str:
    """The text, ``limit`` characters at most."""
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT
