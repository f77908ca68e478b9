"""What executions are counted by: a job in a queue of a program."""

from __future__ import annotations

from typing import NamedTuple

#: The name of the series that takes what belongs to none, since there are too many.
OTHER = "other"


class Series(NamedTuple):
    """A job in a queue of a program."""

    service: str
    environment: str
    source: str
    queue: str
    name: str

    @property
    def is_other(self) -> bool:
        """Whether it stands for many, whose names are in their rows."""
        return self == OTHERS


OTHERS = Series("", "", "", "", OTHER)


class Release(NamedTuple):
    """A release of a program."""

    service: str
    environment: str
    name: str
