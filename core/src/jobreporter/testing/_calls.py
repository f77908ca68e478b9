"""What the recorders record: one call of a hook, with the arguments that it got."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from jobreporter import Context, ErrorInfo, Event, Frame, Job, Options, Origin


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a hook. What the hook doesn't offer is ``None``."""

    hook: str
    job: Job | None = None
    error: ErrorInfo | None = None
    stacktrace: tuple[Frame, ...] | None = None
    #: The event.
    meta: Event | None = None
    #: The process that published it.
    origin: Origin | None = None
    #: The state that the hook was given. A recorder's state counts the events since its start.
    state: Any = None
    options: Options | None = None
    context: Context | None = None
    #: The process that it happened in.
    pid: int = msgspec.field(default_factory=os.getpid)
