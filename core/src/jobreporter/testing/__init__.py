"""For tests of reporters and of programs that report: recorders that keep what arrived, and data to send.

It is the double that jobreporter's own tests use.
"""

from __future__ import annotations

from jobreporter.testing._calls import Call
from jobreporter.testing._file_recorder import FileRecorder, FileRecorderOptions, read_calls
from jobreporter.testing._make import make_error, make_event, make_job
from jobreporter.testing._recorder import Crash, Recorder

__all__ = [
    "Call",
    "Crash",
    "FileRecorder",
    "FileRecorderOptions",
    "Recorder",
    "make_error",
    "make_event",
    "make_job",
    "read_calls",
]
