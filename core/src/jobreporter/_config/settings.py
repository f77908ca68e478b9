"""Every table of a config that is the core's own, with its keys, their types, defaults and meanings.

A key is a field here and nothing else: the config is read by these records, and so are the documents and the commands
that show it. A new table is a field of `Tables`, a new key of a reporter's table one of `ReporterSettings`.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

import msgspec

from jobreporter.events import EventKind
from jobreporter.options import Duration, Size

#: What a reporter or a schedule may be called: it becomes the name of a thread and the label of a metric.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: The same in words.
EXPECTED_NAME = "expected at most 64 letters, digits, '-' and '_', the first a letter or digit"
#: Seconds, not endless: the system's waits overflow not far above ten thousand days.
LONGEST = 10_000 * 86_400
Seconds = Annotated[Duration, msgspec.Meta(gt=0, le=LONGEST)]
#: Bytes: at least one, and few enough to be meant.
Bytes = Annotated[Size, msgspec.Meta(ge=1, le=10**12)]
#: How many: at least one, and few enough to be meant.
Count = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
#: What becomes of a key of a table whose ``{ env = ... }`` or ``{ file = ... }`` leads nowhere: it is a fault, or the
#: key is left out with a warning. A table that doesn't say has no references.
References = Literal["required", "optional"]


class LaneSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[reporters.NAME.lane]``: the room and the time that a reporter gets."""

    #: Events that may wait; the last fifth is kept for outcomes and ``Stopped``.
    capacity: Count = 10_000
    #: Bytes that waiting events may take, roughly.
    capacity_bytes: Bytes = 64 * 1024 * 1024
    #: What goes when there is no room.
    overflow: Literal["drop_newest", "drop_oldest"] = "drop_newest"
    #: Seconds that one call of a hook may take.
    timeout: Seconds = 10.0
    #: Seconds between two calls of ``reporter_flush`` while events come.
    flush_interval: Seconds = 1.0
    #: Seconds between two calls of ``reporter_tick``.
    tick_interval: Seconds = 5.0
    #: With a stream: whether one agent runs the reporter, or all of them share its partitions.
    agents: Literal["one", "share"] = "one"
    #: With a stream: where a reporter begins that is new to it.
    start: Literal["now", "oldest"] = "now"


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
    #: Whether keys and tokens of known shapes are secret wherever they stand.
    known_shapes: bool = True
    #: Regular expressions of further secrets, for every text of an event. What a group called ``secret`` matches is
    #: replaced, or else all that matches.
    patterns: tuple[NonEmpty, ...] = ()
    #: Whether the frames of an error carry their local variables.
    locals: bool = False


class ContextSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[context]``: what every reporter is told of the program. A key whose reference leads nowhere is left out."""

    references: ClassVar[References] = "optional"

    #: What the program is called.
    service: str | None = None
    #: Where it runs, such as ``production``.
    environment: str | None = None
    #: Which version of it.
    release: str | None = None
    #: Where the page of ``jobreporter web`` is: an ``http://`` or ``https://`` address, which reporters link to.
    page: str | None = None


class DispatcherSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatcher]``: the process as a whole."""

    #: Seconds that closing may take when the process exits.
    exit_timeout: Annotated[Duration, msgspec.Meta(ge=0, le=LONGEST)] = 2.0


class ReporterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[reporters.NAME]``: the keys that are the core's own. All others are options of the plugin."""

    #: The entry point that provides it, or ``module:attribute``; ``None`` where that is the reporter's own name.
    use: NonEmpty | None = None
    #: Whether it is on.
    enabled: bool = True
    #: With a stream: who runs it. Without one, the worker runs all.
    where: Literal["agent", "worker"] = "agent"
    when: When = When()
    lane: LaneSettings = LaneSettings()


class ScheduleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[schedules.NAME]``: when a job should run. A run that doesn't come is told as missed."""

    #: The job's name; ``None`` where that is the schedule's own.
    job: NonEmpty | None = None
    #: Which source reports the job, where several have one of this name.
    source: NonEmpty | None = None
    #: The queue that it is taken from, likewise.
    queue: NonEmpty | None = None
    #: When it is due, as a crontab has it: ``30 2 * * *``. Either this or ``every``.
    cron: NonEmpty | None = None
    #: Seconds from a run to the next.
    every: Seconds | None = None
    #: Seconds that a run may be late.
    grace: Annotated[Duration, msgspec.Meta(ge=0, le=LONGEST)] = 300.0
    #: The IANA name of the place whose clock the cron expression is meant by.
    timezone: NonEmpty = "UTC"


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """A config's own tables, beside ``[reporters.NAME]``. ``dict[str, ...]`` is for tables that have names."""

    context: ContextSettings = ContextSettings()
    dispatcher: DispatcherSettings = DispatcherSettings()
    capture: CaptureSettings = CaptureSettings()
    schedules: dict[str, ScheduleSettings] = {}
