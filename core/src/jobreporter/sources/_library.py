"""Whether the library that a source is for is there, and new enough."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple


class Library(NamedTuple):
    """A job queue's library. title: as it writes itself. name: of the source, and of the extra that installs it."""

    title: str
    name: str
    #: The oldest version that the source was tried with.
    oldest: tuple[int, int]
    #: The module that knows the version, and under which name.
    version_in: tuple[str, str]

    def refusal(self) -> ImportError:
        """What to raise where something of the library could not be imported."""
        module, name = self.version_in
        version = getattr(sys.modules.get(module), name, None)
        found = f"found {version}" if version else "it is not installed"
        needed = ".".join(map(str, self.oldest))
        return ImportError(
            f"jobreporter.sources.{self.name} needs {self.title} {needed} or newer, and {found}:"
            f" pip install 'jobreporter[{self.name}]'"
        )

    def check(self, version: str) -> tuple[int, ...]:
        """The two first numbers of its version. Raises ImportError if that is too old."""
        found = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if found < self.oldest:
            raise self.refusal()
        return found
