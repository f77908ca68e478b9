"""One hook specification between Python's job queues and error trackers, metrics and notifiers.

A **reporter** is written once, with `hookimpl` on the callbacks that it wants. A **source** turns what one job queue
does into executions and events. A `Dispatcher` hands each event to every enabled reporter, and supervises each by itself.
"""

from jobreporter._config.access import reporter_options
from jobreporter._dispatch.dispatcher import Dispatcher
from jobreporter._publish.execution import Execution
from jobreporter._system.clock import Clock
from jobreporter._version import __version__
from jobreporter.context import Context, LaneStats, LiveAgent, Origin, Producer, Running
from jobreporter.error_info import ErrorInfo, Frame
from jobreporter.errors import (
    Abort,
    BrokenReporter,
    ConfigError,
    Fault,
    JobReporterError,
    PluginError,
    TryAgain,
    Undeliverable,
)
from jobreporter.events import (
    ABORT_REASONS,
    EVENTS,
    KINDS,
    Aborted,
    Event,
    EventKind,
    Failure,
    Job,
    Started,
    Stopped,
    Success,
    kind_of,
)
from jobreporter.hookspecs import ARGUMENTS, HANDLERS, hookimpl
from jobreporter.options import Duration, Options, Placement, Secret, Size, refuse
from jobreporter.text import one_line
from jobreporter.typed import Reporter
from jobreporter.units import format_duration, format_size, parse_duration, parse_size

__all__ = [
    "ABORT_REASONS",
    "ARGUMENTS",
    "EVENTS",
    "HANDLERS",
    "KINDS",
    "Abort",
    "Aborted",
    "BrokenReporter",
    "Clock",
    "ConfigError",
    "Context",
    "Dispatcher",
    "Duration",
    "ErrorInfo",
    "Event",
    "EventKind",
    "Execution",
    "Failure",
    "Fault",
    "Frame",
    "Job",
    "JobReporterError",
    "LaneStats",
    "LiveAgent",
    "Options",
    "Origin",
    "Placement",
    "PluginError",
    "Producer",
    "Reporter",
    "Running",
    "Secret",
    "Size",
    "Started",
    "Stopped",
    "Success",
    "TryAgain",
    "Undeliverable",
    "__version__",
    "format_duration",
    "format_size",
    "hookimpl",
    "kind_of",
    "one_line",
    "parse_duration",
    "parse_size",
    "refuse",
    "reporter_options",
]
