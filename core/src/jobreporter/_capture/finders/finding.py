"""Where in a text a secret stands."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """A part of a text that has to go."""

    start: int
    end: int
    #: What of it is the secret itself, to be found elsewhere: without quotes, without the user in front of a password.
    secrets: tuple[str, ...]
