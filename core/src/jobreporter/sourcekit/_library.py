"""Whether the library that a source is for is there, and new enough."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from jobreporter.sourcekit.errors import UnusableLibrary


def shown(value: object) -> str:
    """What was found where something else was expected: short text as it is, anything else by its type."""
    kind = type(value)
    return repr(value) if kind is str and len(str(value)) <= 80 else f"{kind.__module__}.{kind.__qualname__}"


class Library(NamedTuple):
    """A job queue's library, as a source's module holds it under the name ``LIBRARY``.

    ``jobreporter sources`` shows it, and `refusal` and `check` tell a program that lacks it what to do.
    """

    #: As the library writes itself: ``RQ``.
    title: str
    #: The name of the source, which is also that of its entry point.
    name: str
    #: The oldest version that the source was tried with: its first numbers, as many as count.
    oldest: tuple[int, ...]
    #: The module that knows the version as text, and under which name: ``("rq.version", "VERSION")``.
    version_in: tuple[str, str]
    #: How a user switches the source on, in one line.
    attached_by: str = "attach(app)"
    #: The source's own module; by default ``jobreporter.sources.NAME``.
    module: str = ""
    #: What pip has to install for it; by default ``jobreporter[NAME]``.
    requirement: str = ""

    @property
    def needed(self) -> str:
        """The oldest version, as text."""
        return ".".join(map(str, self.oldest))

    @property
    def remedy(self) -> str:
        """The command that installs what is needed."""
        return f"pip install '{self.requirement or f'jobreporter[{self.name}]'}'"

    @property
    def found(self) -> str | None:
        """The version that is imported in this process, or ``None`` where none is."""
        module, name = self.version_in
        version = getattr(sys.modules.get(module), name, None)
        return str(version) if version else None

    def refusal(self) -> UnusableLibrary:
        """What to raise where something of the library could not be imported."""
        return self._refusal(self.found)

    def expect(self, app: object, kind: type, noun: str) -> None:
        """Raises TypeError, in a sentence, if what was attached is none of the library's apps.

        kind: their class. noun: what one of them is called, with its article: ``"a Celery app"``.
        """
        if not isinstance(app, kind):
            raise TypeError(f"attach() takes {noun}, found {shown(app)}: pass the object itself, not its name")

    def check(self, version: str) -> tuple[int, ...]:
        """The first numbers of its version, as many as those of the oldest, and two at least.

        Raises `UnusableLibrary`, an ImportError, if that is too old.
        """
        release = re.search(r"\d+(\.\d+)*", version)
        numbers = [int(number) for number in release[0].split(".")] if release else []
        length = max(2, len(self.oldest))
        found = tuple([*numbers, *[0] * length][:length])
        if found < self.oldest:
            raise self._refusal(version)
        return found

    def _refusal(self, found: str | None) -> UnusableLibrary:
        module = self.module or f"jobreporter.sources.{self.name}"
        said = f"found {found}" if found else "it is not installed"
        sentence = f"{module} needs {self.title} {self.needed} or newer, and {said}: {self.remedy}"
        return UnusableLibrary(sentence, self, found)
