"""What sources of other packages say of an application, each with a function ``is_attached`` in its module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from jobreporter._cli._entries import named_by
from jobreporter._cli._terminal import others_aside
from jobreporter._plugins.installed import BUILT_IN, SOURCES, scan
from jobreporter.sourcekit import Library


class Outsider(NamedTuple):
    """A source of another package."""

    name: str
    #: What its entry point names.
    use: str
    #: The job queue as it writes itself.
    title: str
    #: The line that switches it on.
    attached_by: str
    asks: Callable[[Any], object]

    def is_attached(self, app: Any) -> bool | None:
        """Whether it reports this app's jobs; ``None`` where the app is none of its queue's."""
        try:
            said = self.asks(app)
        except Exception:  # what isn't made for this app may fail on it in any way
            return None
        return said if isinstance(said, bool) else None


@cache
def outsiders() -> tuple[Outsider, ...]:
    """Those that are installed, can be imported, and tell. What is wrong with another, ``jobreporter sources`` says."""
    return tuple(_found())


def _found() -> Iterator[Outsider]:
    for name, providers in sorted(scan(SOURCES).items()):
        use = providers[0].value
        if len(providers) > 1 or use in BUILT_IN[SOURCES].values():
            continue
        try:
            with others_aside():
                named_by(use)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: S112 - whatever its module raises
            continue
        module = sys.modules[use.partition(":")[0].strip()]
        asks, library = getattr(module, "is_attached", None), getattr(module, "LIBRARY", None)
        if not callable(asks):
            continue
        if isinstance(library, Library):
            yield Outsider(name, use, library.title, library.attached_by, asks)
        else:
            yield Outsider(name, use, name, getattr(module, "ATTACHED_BY", use), asks)
