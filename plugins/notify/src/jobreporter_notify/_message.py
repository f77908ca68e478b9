"""What is sent: a title, a body, and whether it is good news."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable
from typing import Literal

import msgspec

Kind = Literal["bad", "doubtful", "good", "test"]


class Message(msgspec.Struct, frozen=True):
    """One message, as plain text."""

    title: str
    body: str
    kind: Kind


# Characters of a body, and as they stand in JSON: Discord takes 2,000 of the one, and ntfy makes a file of more than 4,096 of
# the other.
_LONGEST, _LONGEST_JSON = 1800, 3400
_TITLE = 200


def bounded(title: str, body: str, kind: Kind) -> Message:
    """A message that is short enough for services."""
    return Message(shortened(title, lambda text: len(text) <= _TITLE), shortened(body, _is_short), kind)


def shortened(text: str, fits: Callable[[str], bool]) -> str:
    """The text, or as much of its beginning as fits; its last line stays whole if that is a link and there is room for it.

    fits: whether a text does; where one does, each shorter one does.
    """
    if fits(text):
        return text
    above, newline, link = text.rpartition("\n")
    if not link.startswith(("http://", "https://")) or not fits(f"...{newline}{link}"):
        above, newline, link = text, "", ""
    end = f"...{newline}{link}"
    return above[: bisect_left(range(len(above)), True, key=lambda n: not fits(above[: n + 1] + end))] + end


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST and len(json.dumps(text)) <= _LONGEST_JSON


#: What `jobreporter check --send` sends.
TEST = Message(
    "Test: jobreporter can reach you",
    "Sent by jobreporter check --send.\nNothing is wrong.",
    "test",
)
