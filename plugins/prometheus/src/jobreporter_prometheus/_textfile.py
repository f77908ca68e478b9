"""The mode ``textfile``: a file that the node exporter reads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from prometheus_client import write_to_textfile

from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._page import Page


class Textfile:
    """Replaces the file as a whole, at the start and whenever something was counted.

    turn: held meanwhile, so that of two processes that write one file the one that read later also writes later.
    """

    def __init__(
        self, options: PrometheusOptions, page: Page, turn: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._path = str(options.path)
        self._page = page
        self._turn = turn
        self.flush()

    def flush(self) -> None:
        """Write the file."""
        with self._turn():
            write_to_textfile(self._path, self._page.registry)

    def stop(self) -> None:
        """What was written stays there."""
