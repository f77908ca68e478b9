"""What a source needs: the hard parts of telling a job queue's signals to a `Dispatcher`, for all queues alike.

A source maps what one job queue tells of its jobs to ``dispatcher.begin``, ``resume`` and ``abort``, and to the outcomes
of the `Execution` that these make. jobreporter's own sources stand on this module and on `jobreporter` itself, and on
nothing else; ``docs/writing-a-source.md`` makes one from the first line.

- `LazyDispatcher`: attached everywhere, configured only where jobs run, shared by all that is attached in a process,
  flushed and closed when the last worker ends.
- `harmless`, `harmless_but_for`: a hook whose errors are ours and not the job's.
- `stamped`, `fields_of_stamp`, `STAMP_KEY`, `LINEAGE`: what a message says of where its job came from.
- `moment_of`, `count_of`: values of messages, which come from outside with anything in them.
- `new_delivery`, `DELIVERY_LENGTH`: names that tell executions of one message apart.
- `signal_name`: what ended a process, in words.
- `Library`, `UnusableLibrary`: whether the job queue is installed, and new enough.
- `log_aside`: a line in the log, from a thread that must not wait for a handler that hangs.
- `FailureKind`: what ``Execution.fail`` takes as its ``kind``.

Names are only added here, never renamed or removed within a major version.
"""

from __future__ import annotations

from jobreporter._system.log_aside import log_aside
from jobreporter.events import FailureKind
from jobreporter.sourcekit._delivery import DELIVERY_LENGTH, new_delivery
from jobreporter.sourcekit._harmless import harmless, harmless_but_for
from jobreporter.sourcekit._lazy import LazyDispatcher
from jobreporter.sourcekit._library import Library
from jobreporter.sourcekit._signals import signal_name
from jobreporter.sourcekit._stamp import LINEAGE, STAMP_KEY, count_of, fields_of_stamp, moment_of, stamped
from jobreporter.sourcekit.errors import UnusableLibrary

__all__ = [
    "DELIVERY_LENGTH",
    "LINEAGE",
    "STAMP_KEY",
    "FailureKind",
    "LazyDispatcher",
    "Library",
    "UnusableLibrary",
    "count_of",
    "fields_of_stamp",
    "harmless",
    "harmless_but_for",
    "log_aside",
    "moment_of",
    "new_delivery",
    "signal_name",
    "stamped",
]
