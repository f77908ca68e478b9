"""Where in a text a secret stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from jobreporter._capture.finders.values import Value
from jobreporter._capture.secret_names import SecretNames, is_directory


class Finding(NamedTuple):
    """A part of a text that has to go."""

    start: int
    end: int
    #: What of it is the secret itself, to be found elsewhere: without quotes, without the user in front of a password.
    secrets: tuple[str, ...]


def introduced_by(
    text: str, introduction: re.Pattern[str], names: SecretNames, value: Callable[[str, int], Value | None]
) -> Iterator[Finding]:
    """The values behind names that are secret. introduction: ends where a value begins. value: what it is that begins there."""
    done = 0
    for found in introduction.finditer(text):
        if found.start() < done or found["name"] not in names:
            continue
        if (given := value(text, found.end())) is not None and not is_directory(found["name"], given.bare):
            yield Finding(found.end(), given.end, (given.bare,))
            done = given.end
