"""A reporter that appends every call to a file, so that a test can read what arrived in other processes."""

from __future__ import annotations

import os

import msgspec

from jobreporter import Aborted, Event, Failure, Options, Started, Stopped, Success, hookimpl
from jobreporter.testing._calls import Call


class FileRecorderOptions(Options):
    """What a `FileRecorder` is configured with."""

    #: The file that the calls are appended to. It is made if it doesn't exist.
    path: str


class FileRecorder:
    """A reporter that implements all eight hooks and appends each call to a file, as one line of JSON::

        [reporters.recorder]
        use = "jobreporter.testing:FileRecorder"
        path = "calls.jsonl"

    Any number of processes may share the file, because each line is one appending write. `read_calls` reads it. Its
    state is the number of events since its start in this process, as that of a `Recorder`.
    """

    path = ""

    def _append(self, hook: str, state: int | None = None, event: Event | None = None) -> None:
        line = msgspec.json.encode({"hook": hook, "pid": os.getpid(), "state": state, "event": event}) + b"\n"
        with open(self.path, "ab", buffering=0) as file:
            file.write(line)

    @hookimpl
    def reporter_start(self, options: FileRecorderOptions) -> int:
        self.path = options.path
        self._append("reporter_start")
        return 0

    @hookimpl
    def handle_started(self, meta: Started, state: int) -> int:
        self._append("handle_started", state, meta)
        return state + 1

    @hookimpl
    def handle_success(self, meta: Success, state: int) -> int:
        self._append("handle_success", state, meta)
        return state + 1

    @hookimpl
    def handle_aborted(self, meta: Aborted, state: int) -> int:
        self._append("handle_aborted", state, meta)
        return state + 1

    @hookimpl
    def handle_failure(self, meta: Failure, state: int) -> int:
        self._append("handle_failure", state, meta)
        return state + 1

    @hookimpl
    def handle_stopped(self, meta: Stopped, state: int) -> int:
        self._append("handle_stopped", state, meta)
        return state + 1

    @hookimpl
    def reporter_flush(self, state: int) -> None:
        self._append("reporter_flush", state)

    @hookimpl
    def reporter_stop(self, state: int) -> None:
        self._append("reporter_stop", state)


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    hook: str
    pid: int
    state: int | None
    event: Started | Success | Aborted | Failure | Stopped | None


def read_calls(path: str | os.PathLike[str]) -> list[Call]:
    """What a `FileRecorder` has written to ``path``, in the order in which it arrived; nothing if there is no file yet.

    A line that is still being written is left for the next time. Of ``options`` and ``context`` nothing is kept.
    """
    try:
        with open(path, "rb") as file:
            written = file.read()
    except FileNotFoundError:
        return []
    complete = written[: written.rfind(b"\n") + 1]
    return [_call(line) for line in msgspec.json.Decoder(_Line).decode_lines(complete)]


def _call(line: _Line) -> Call:
    event = line.event
    error = event.error if isinstance(event, Failure) else None
    return Call(
        hook=line.hook,
        job=None if event is None else event.job,
        error=error,
        stacktrace=None if error is None else error.frames,
        meta=event,
        state=line.state,
        pid=line.pid,
    )
