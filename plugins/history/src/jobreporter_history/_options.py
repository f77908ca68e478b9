"""What ``[reporters.history]`` may say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from jobreporter import Duration, Options, Secret, Size, refuse
from jobreporter_history._engines.ahead import import_engine
from jobreporter_history._engines.trouble import Refused
from jobreporter_history._engines.urls import is_postgresql, sqlite_path
from jobreporter_history._rows.events import Shape
from jobreporter_history._upkeep.retention import Keep

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class HistoryOptions(Options):
    """``[reporters.history]``."""

    #: Where the history is kept: `sqlite://` and an absolute path, or the URL of a PostgreSQL database.
    store: Secret
    #: For how long executions are kept that succeeded or were aborted.
    keep_success: Annotated[Duration, Meta(gt=0)] = "7d"  # type: ignore[assignment]  # text, as in the config
    #: For how long executions are kept that failed.
    keep_failure: Annotated[Duration, Meta(gt=0)] = "90d"  # type: ignore[assignment]  # as above
    #: For how long incidents are kept that don't fail any more, each with one failure.
    keep_incident: Annotated[Duration, Meta(gt=0)] = "365d"  # type: ignore[assignment]  # as above
    #: How much room the history may take. Beyond it, the oldest day goes.
    max_bytes: Annotated[Size, Meta(gt=0)] = "2GB"  # type: ignore[assignment]  # as above
    #: How much stays free on the disk of an SQLite file. Below it, the oldest day goes.
    min_free: Size | None = None
    #: Packages that are the application's own, besides those that are found by themselves.
    own_modules: tuple[str, ...] = ()
    #: Whether the arguments of jobs are kept, as they were captured and redacted.
    store_args: bool = True
    #: How long the arguments, tags and texts of one execution may be together. What is longer is shortened.
    max_row_bytes: Annotated[Size, Meta(ge=500)] = "16KB"  # type: ignore[assignment]  # as above

    def __post_init__(self) -> None:
        refuse(self._problems())
        import_engine(self.store.reveal())

    def _problems(self) -> Iterator[str]:
        for module in self.own_modules:
            if not _MODULE.fullmatch(module):
                yield f"own_modules: {module!r} is no name of a module"
        url = self.store.reveal()
        try:
            if not is_postgresql(url):
                sqlite_path(url)
            elif self.min_free is not None:
                yield "min_free is about the disk of an SQLite file; how full PostgreSQL's is, it doesn't tell"
        except Refused as error:
            yield f"store: {error}"

    @property
    def keep(self) -> Keep:
        """For how long, and how much."""
        min_free = self.min_free
        if min_free is None and not is_postgresql(self.store.reveal()):
            min_free = 64_000_000
        return Keep(self.keep_success, self.keep_failure, self.keep_incident, self.max_bytes, min_free)

    @property
    def shape(self) -> Shape:
        """What is kept of an event."""
        return Shape(self.store_args, self.max_row_bytes, self.own_modules)
