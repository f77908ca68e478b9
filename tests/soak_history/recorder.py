"""The reporter beside the history: writes down each event, as short as can be.

Unlike `jobreporter.testing.FileRecorder`, what a kill has cut off in the middle of a line spoils none after it.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from jobreporter import Aborted, Event, Failure, Options, Started, Stopped, Success, hookimpl
from tests.soak_stream import lines


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One event. pid: of the process that reported it; the rest as the event says."""

    kind: str
    pid: int
    at: float
    job: str
    execution: str
    #: Of an outcome: success, aborted, failure.
    outcome: str = ""
    #: Of a failure its kind, of an aborted job the reason.
    why: str | None = None
    final: bool = False
    will_retry: bool | None = None
    duration: float | None = None
    exit_status: int | None = None

    @property
    def is_own(self) -> bool:
        """Whether it is an outcome by the process that ran the job, and no word of a worker that was lost."""
        return bool(self.outcome) and self.why != "worker_lost"


class RecorderOptions(Options):
    """folder: each process has a file in it."""

    folder: str


class Recorder:
    """Appends one line for each event."""

    @hookimpl
    def reporter_start(self, options: RecorderOptions) -> Path:
        return Path(options.folder)

    @hookimpl
    def handle_started(self, meta: Started, state: Path) -> None:
        _write(state, meta, Recorded(kind="started", **_named(meta)))

    @hookimpl
    def handle_success(self, meta: Success, state: Path) -> None:
        _write(state, meta, Recorded(kind="success", outcome="success", duration=meta.duration, **_named(meta)))

    @hookimpl
    def handle_aborted(self, meta: Aborted, state: Path) -> None:
        told = {"why": meta.reason, "will_retry": meta.will_retry, "duration": meta.duration}
        _write(state, meta, Recorded(kind="aborted", outcome="aborted", **told, **_named(meta)))

    @hookimpl
    def handle_failure(self, meta: Failure, state: Path) -> None:
        told = {"why": meta.kind, "will_retry": meta.will_retry, "duration": meta.duration}
        told |= {"final": meta.final, "exit_status": meta.exit_status}
        _write(state, meta, Recorded(kind="failure", outcome="failure", **told, **_named(meta)))

    @hookimpl
    def handle_stopped(self, meta: Stopped, state: Path) -> None:
        _write(state, meta, Recorded(kind="stopped", **_named(meta)))


def _named(event: Event) -> dict[str, object]:
    return {"pid": os.getpid(), "at": event.at, "job": event.job.id, "execution": event.job.execution_id}


def _write(folder: Path, event: Event, recorded: Recorded) -> None:
    lines.append(folder / str(os.getpid()), recorded)


def read(folder: Path) -> list[Recorded]:
    """What all processes have written, in the order of each."""
    return [msgspec.convert(line, Recorded) for file in sorted(folder.iterdir()) for line in lines.read(file)]
