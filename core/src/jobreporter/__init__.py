"""One hook specification between Python's job queues and error trackers, metrics and notifiers.

A **reporter** is written once, with `hookimpl` on the callbacks that it wants. A **source** turns what one job queue
does into executions and events. A `Dispatcher` hands each event to every enabled reporter, and supervises each by itself.
"""

from jobreporter._dispatcher import Dispatcher
from jobreporter._execution import Execution
from jobreporter._version import __version__
from jobreporter.context import Context, LaneStats
from jobreporter.error_info import ErrorInfo, Frame
from jobreporter.errors import Abort, BrokenReporter, ConfigError, Fault, JobReporterError, PluginError
from jobreporter.events import ABORT_REASONS, EVENTS, Aborted, Event, Failure, Job, Started, Stopped, Success
from jobreporter.hookspecs import ARGUMENTS, HANDLERS, hookimpl
from jobreporter.options import Options, Secret
from jobreporter.text import one_line

__all__ = [
    "ABORT_REASONS",
    "ARGUMENTS",
    "EVENTS",
    "HANDLERS",
    "Abort",
    "Aborted",
    "BrokenReporter",
    "ConfigError",
    "Context",
    "Dispatcher",
    "ErrorInfo",
    "Event",
    "Execution",
    "Failure",
    "Fault",
    "Frame",
    "Job",
    "JobReporterError",
    "LaneStats",
    "Options",
    "PluginError",
    "Secret",
    "Started",
    "Stopped",
    "Success",
    "__version__",
    "hookimpl",
    "one_line",
]
