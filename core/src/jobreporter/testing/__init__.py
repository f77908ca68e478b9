"""For tests of plugins, and of programs that report: the suites that every plugin has to pass, data, recorders, a server.

jobreporter's own tests use no other. Where pytest runs, the most needed of it are fixtures as well.
"""

from __future__ import annotations

from jobreporter.testing._answers import (
    Answer,
    Request,
    break_off,
    endless,
    garbage,
    hang,
    hang_up,
    redirect,
    too_many,
)
from jobreporter.testing._calls import Call
from jobreporter.testing._command_line import CommandLine
from jobreporter.testing._corpus import corpus
from jobreporter.testing._dispatchers import Dispatchers
from jobreporter.testing._every_event import every_event
from jobreporter.testing._file_recorder import FileRecorder, FileRecorderOptions, read_calls
from jobreporter.testing._make import make_error, make_event, make_job
from jobreporter.testing._recorder import Crash, Recorder
from jobreporter.testing._reporter import ReporterConformance
from jobreporter.testing._source import (
    SourceConformance,
    WorkerBench,
    outcomes_table,
    perform_case,
    perform_case_async,
    reasons_table,
)
from jobreporter.testing._stand_in import Conversation, StandIn
from jobreporter.testing._stepped_clock import SteppedClock
from jobreporter.testing._stream import StreamConformance

__all__ = [
    "Answer",
    "Call",
    "CommandLine",
    "Conversation",
    "Crash",
    "Dispatchers",
    "FileRecorder",
    "FileRecorderOptions",
    "Recorder",
    "ReporterConformance",
    "Request",
    "SourceConformance",
    "StandIn",
    "SteppedClock",
    "StreamConformance",
    "WorkerBench",
    "break_off",
    "corpus",
    "endless",
    "every_event",
    "garbage",
    "hang",
    "hang_up",
    "make_error",
    "make_event",
    "make_job",
    "outcomes_table",
    "perform_case",
    "perform_case_async",
    "read_calls",
    "reasons_table",
    "redirect",
    "too_many",
]
