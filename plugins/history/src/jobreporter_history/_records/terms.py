"""A filter of executions: terms that all must hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

#: The keys that a term may have, and what its value is.
KEYS = {
    "text": "words of the job's name, its arguments, the error or the tags: text, found in this order side by side",
    "tag": "the value of a tag of the job, whose name stands in `tag`: text",
    "name": "the job's name: text, with * for any part of it",
    "service": "text",
    "environment": "text",
    "source": "text",
    "queue": "text, with * for any part of it; empty: in no queue",
    "outcome": "success, aborted or failure",
    "final": "whether a failure was the last: True or False",
    "kind": "a failure's kind or an abort's reason: text",
    "error": "the type of a failure's error: its full name, or the part behind the last dot",
    "worker": "host:pid, or the host alone: text",
    "attempt": "a number",
    "slower": "took longer than so many seconds: a number",
    "waited": "waited in the queue for longer than so many seconds: a number",
    "since": "ended at or after this time: Unix seconds",
    "until": "ended before this time: Unix seconds",
    "incident": "the number of an incident",
    "release": "text",
    "id": "execution_id or job_id, or the beginning of one of at least eight characters: text",
    "root": "root_id: text",
}

_NUMBERS = frozenset({"attempt", "slower", "waited", "since", "until", "incident"})
_OUTCOMES = ("success", "aborted", "failure")


class Term(msgspec.Struct, frozen=True):
    """One condition on an execution, ``Term("outcome", "failure")``. ``KEYS`` has every key.

    Raises ValueError for a key or a value that there is none of.
    """

    key: str
    value: Any
    #: Whether executions are wanted for which it does *not* hold.
    negated: bool = False
    #: Of ``text``: whether the last word is the beginning of one.
    prefix: bool = False
    #: Of ``tag``: the tag's name.
    tag: str = ""

    def __post_init__(self) -> None:
        if self.key not in KEYS:
            raise ValueError(f"{self.key!r} is no key of a term: the keys are {', '.join(KEYS)}")
        value = self.value
        if self.key in _NUMBERS:
            right = isinstance(value, int | float) and not isinstance(value, bool)
        elif self.key == "final":
            right = isinstance(value, bool)
        elif self.key == "outcome":
            right = value in _OUTCOMES
        else:
            right = isinstance(value, str)
        if not right:
            raise ValueError(f"{self.key} can't be {value!r}: it is {KEYS[self.key]}")
        if bool(self.tag) != (self.key == "tag"):
            raise ValueError(
                f"a term with the key tag names a tag, and no other does: found {self.key}, tag={self.tag!r}"
            )


Terms = Iterable[Term]
