"""The built-in reporter `record`: keeps each event as a line of a file, for ``jobreporter replay``."""

from __future__ import annotations

import os

from jobreporter import (
    Aborted,
    Event,
    Failure,
    Options,
    Origin,
    Started,
    Stopped,
    Success,
    TryAgain,
    hookimpl,
)
from jobreporter.recording import to_line


class RecordOptions(Options):
    """``[reporters.record]``."""

    #: The file that events are appended to; it is made if it isn't there. Several processes may share it.
    path: str


class RecordReporter:
    """Keeps each event as a line of a file, which `jobreporter replay` hands to other reporters."""

    @hookimpl
    def reporter_start(self, options: RecordOptions) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        # What jobs are given is nobody's but the worker's.
        self.file = os.open(options.path, flags, 0o600)
        self.kept = bytearray()

    @hookimpl
    def handle_started(self, meta: Started, origin: Origin) -> None:
        self.keep(meta, origin)

    @hookimpl
    def handle_success(self, meta: Success, origin: Origin) -> None:
        self.keep(meta, origin)

    @hookimpl
    def handle_aborted(self, meta: Aborted, origin: Origin) -> None:
        self.keep(meta, origin)

    @hookimpl
    def handle_failure(self, meta: Failure, origin: Origin) -> None:
        self.keep(meta, origin)

    @hookimpl
    def handle_stopped(self, meta: Stopped, origin: Origin) -> None:
        self.keep(meta, origin)

    def keep(self, event: Event, origin: Origin) -> None:
        """Keeps the event for the next flush."""
        self.kept += to_line(event, origin)

    @hookimpl
    def reporter_flush(self) -> None:
        # In one write, so that the lines of processes that share the file stay whole. A full disk may take a part of it.
        while self.kept:
            try:
                written = os.write(self.file, self.kept)
            except OSError as error:
                raise TryAgain from error
            del self.kept[:written]

    @hookimpl
    def reporter_stop(self) -> None:
        os.close(self.file)
