"""What is sent: a title, a body, and whether it is good news."""

from __future__ import annotations

import json
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
    """A message that is short enough for services. What is too much is cut off at the end."""
    return Message(_cut(title, _TITLE), _cut(body, _LONGEST), kind)


def _cut(text: str, longest: int) -> str:
    fits = text[:longest]
    while (over := len(json.dumps(fits)) - _LONGEST_JSON) > 0:
        fits = fits[: -max(over // 12, 1)]  # no character takes more room
    return text if fits == text else f"{fits[:-3]}..."


#: What `jobreporter check --send` sends.
TEST = Message(
    "Test: jobreporter can reach you",
    "Sent by jobreporter check --send.\nNothing is wrong.",
    "test",
)
