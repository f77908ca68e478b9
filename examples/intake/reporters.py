"""Two reporters of the application's own. No package and no entry point: the config names them with ``use``."""

import time
from pathlib import Path

import msgspec

from jobreporter import Context, ErrorInfo, Job, Options, hookimpl


class FileOptions(Options):
    """Where to write; relative to the worker's working directory."""

    path: str


class Desk:
    """Leaves a note for the people at the desk. The config's ``when`` lets final failures through and nothing else."""

    @hookimpl
    def reporter_start(self, options: FileOptions) -> None:
        self.path = Path(options.path)

    @hookimpl
    def handle_failure(self, job: Job, error: ErrorInfo) -> None:
        with self.path.open("a", encoding="utf-8") as desk:
            desk.write(f"{job.name} needs somebody: {error.message}\n")


class Ledger:
    """Writes down what became of all events, for every reporter. A worker may be many processes: each has a file."""

    @hookimpl
    def reporter_start(self, options: FileOptions, context: Context) -> None:
        path = Path(options.path)
        self.path, self.stats = path.with_stem(f"{path.stem}-{context.pid}"), context.stats

    @hookimpl
    def handle_stopped(self) -> None:
        """Takes the event, and leaves the writing to the flush that follows within a second."""

    @hookimpl
    def reporter_flush(self) -> None:
        self.path.write_bytes(msgspec.json.encode(self.stats()))

    @hookimpl
    def reporter_stop(self) -> None:
        """The process ends: give the other reporters a moment to be through, and have the last word."""
        patience = time.monotonic() + 2
        while any(stats.pending for stats in self.stats().values()) and time.monotonic() < patience:
            time.sleep(0.01)
        self.reporter_flush()
