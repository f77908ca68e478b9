"""What the config says of one reporter's lane, as the runtime uses it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

#: Seconds, not endless: the system's waits overflow not far above this.
Seconds = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
#: How many: at least one, and few enough to be meant.
Count = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
EventKind = Literal["started", "success", "aborted", "failure", "stopped"]


class LaneSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[reporters.NAME.lane]``: the room and the time that a reporter gets."""

    #: Events that may wait; the last fifth is kept for outcomes and ``Stopped``.
    capacity: Count = 10_000
    #: Bytes that waiting events may take, roughly.
    capacity_bytes: Count = 64 * 1024 * 1024
    #: What goes when there is no room.
    overflow: Literal["drop_newest", "drop_oldest"] = "drop_newest"
    #: Seconds that one call of a hook may take.
    timeout: Seconds = 10.0
    #: Seconds between two calls of ``reporter_flush`` while events come.
    flush_interval: Seconds = 1.0


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[reporters.NAME.when]``: which events reach a reporter. The rest counts as filtered."""

    #: Kinds of events; all of them if ``None``.
    events: tuple[EventKind, ...] | None = None
    #: Which failures: every one, those of a first attempt, or those that no attempt follows.
    attempts: Literal["every", "first", "final"] = "every"
    #: Failures whose error is one of these types, by full name or as a bare builtin name.
    ignore: tuple[NonEmpty, ...] = ()
    #: Globs of queue names; a leading ``!`` excludes. Only exclusions: all but those.
    queues: tuple[NonEmpty, ...] = ()
    #: Globs of job names, likewise.
    jobs: tuple[NonEmpty, ...] = ()
    #: How many events may pass in a minute.
    max_per_minute: Count | None = None


class CaptureSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[capture]``: what of a job's arguments and of an error's frames is recorded."""

    args: Literal["hidden", "redacted", "full"] = "redacted"
    #: Words that mark a name as secret, besides the built-in ones.
    redact: tuple[NonEmpty, ...] = ()
    #: Whether the frames of an error carry their local variables.
    locals: bool = False
