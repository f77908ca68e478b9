"""The built-in reporter `log`: one line per event through stdlib logging.

It configures no logging of its own. A program that has none either shows warnings and errors only, as Python does:
failures, that is. ``logging.basicConfig(level="INFO")`` shows the rest.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from math import isfinite
from os.path import basename
from typing import Annotated, Any, Literal

from msgspec import Meta

from jobreporter import (
    Aborted,
    Context,
    Event,
    Failure,
    Options,
    Started,
    Stopped,
    Success,
    hookimpl,
    kind_of,
    one_line,
)

Level = Literal["debug", "info", "warning", "error", "critical"]


class Levels(Options):
    """``[reporters.log.levels]``: how loud each kind of event is."""

    started: Level = "debug"
    success: Level = "info"
    aborted: Level = "info"
    #: A failure that another attempt follows.
    retried: Level = "warning"
    #: A failure that none follows.
    failure: Level = "error"
    stopped: Level = "debug"


class LogOptions(Options):
    """``[reporters.log]``."""

    #: The logger that the lines go to.
    logger: str = "jobreporter.events"
    #: ``text`` for people; ``json`` for programs, with everything that is known, the traceback included.
    format: Literal["text", "json"] = "text"
    #: The most characters that a line may have. Fewer than 200 could not say which event of which job it is.
    max_length: Annotated[int, Meta(ge=200)] = 2_000
    levels: Levels = Levels()


class LogReporter:
    """Logs each event as one line: bounded, and without control characters."""

    @hookimpl
    def reporter_start(self, options: LogOptions, context: Context) -> None:
        self.link = context.link
        self.logger = logging.getLogger(options.logger)
        self.line = as_json if options.format == "json" else as_text
        self.max_length = options.max_length
        self.levels = {
            kind: logging.getLevelNamesMapping()[getattr(options.levels, kind).upper()]
            for kind in Levels.__struct_fields__
        }

    @hookimpl
    def handle_started(self, meta: Started) -> None:
        self.log("started", meta)

    @hookimpl
    def handle_success(self, meta: Success) -> None:
        self.log("success", meta)

    @hookimpl
    def handle_aborted(self, meta: Aborted) -> None:
        self.log("aborted", meta)

    @hookimpl
    def handle_failure(self, meta: Failure) -> None:
        self.log("failure" if meta.final else "retried", meta)

    @hookimpl
    def handle_stopped(self, meta: Stopped) -> None:
        self.log("stopped", meta)

    def log(self, kind: str, event: Event) -> None:
        """Logs the event if anybody listens at its level. An outcome links the page about its execution."""
        level = self.levels[kind]
        if self.logger.isEnabledFor(level):
            link = None if isinstance(event, Started | Stopped) else self.link(event.job)
            self.logger.log(level, "%s", self.line(event, self.max_length, link))


def as_text(event: Event, limit: int, link: str | None = None) -> str:
    """The event for people: ``failure reports.nightly #2/3 final 1.24s id=7 queue=cron where=mail.py:41 ValueError: boom``.

    What went wrong stands last, so that a long message is cut and nothing else is. link: shown as ``page``.
    """
    job = event.job
    attempt = f"#{job.attempt}/{job.max_attempts}" if job.max_attempts else f"#{job.attempt}"
    facts = {"id": job.id, "queue": job.queue}
    facts |= {f"tags.{word(name)}": value for name, value in getattr(event, "tags", {}).items()}
    if isinstance(event, Failure) and event.error.frames:
        frame = event.error.frames[-1]
        facts["where"] = f"{basename(frame.filename)}:{frame.lineno}"
    facts["page"] = link
    words = [kind_of(event), word(job.name), attempt, *outcome(event)]
    words += [f"{name}={word(value)}" for name, value in facts.items() if value]
    if isinstance(event, Failure):
        words.append(f"{event.error.type.removeprefix('builtins.')}: {event.error.message}")
    return one_line(" ".join(words), limit)


def outcome(event: Event) -> Iterator[str]:
    """How it ended, what follows, and how long it took, as far as the event tells."""
    match event:
        case Stopped():
            yield event.outcome
        case Aborted():
            yield word(event.reason)
            if event.will_retry:
                yield "will be retried"
        case Failure():
            if event.kind != "exception":
                yield event.kind
            if event.final:
                yield "final"
            else:
                yield "will be retried" if event.retry_delay is None else f"retry in {seconds(event.retry_delay)}"
    duration: float | None = getattr(event, "duration", None)
    if duration is not None:
        yield seconds(duration)


def word(text: str) -> str:
    """The text as one word, so that a job can't make up facts: quoted where it has blanks, quotes or ``=``."""
    return text if text and not set(text) & set(' "=') else json.dumps(text, ensure_ascii=False)


def seconds(duration: float) -> str:
    """A duration for people: ``40ms``, ``1.24s``, ``30s``."""
    return f"{round(duration, 2):g}s" if duration >= 1 else f"{duration * 1000:.0f}ms"


#: What a line can do without if it gets too long, the last first. All that is shorter stands before it.
BULKY = ("message", "traceback", "tags", "args", "kwargs", "extra")


def as_json(event: Event, limit: int, link: str | None = None) -> str:
    """The event for programs: the fields of the job and of the event by their names, as far as they are known.

    link: the field ``page``.

    A failure has ``final``, and of its error ``error`` (the type), ``message`` and ``traceback``. A record that was too
    long has ``"trimmed": true``: long texts are cut, and what else doesn't fit is left out.
    """
    record: dict[str, Any] = {"event": kind_of(event), "at": event.at, "name": event.job.name}
    record |= {name: getattr(event.job, name) for name in event.job.__struct_fields__}
    record |= {name: getattr(event, name) for name in event.__struct_fields__ if name not in {"job", "error"}}
    if isinstance(event, Failure):
        error = event.error
        record |= {"final": event.final, "error": error.type, "message": error.message, "traceback": str(error)}
    record["page"] = link
    record |= {name: record.pop(name) for name in BULKY if name in record}
    known = {name: value for name, value in record.items() if value is not None and value not in ((), {}, "")}
    line = encode(known)
    if len(line) <= limit:
        return line
    return shorten({"event": record["event"], "at": record["at"], "trimmed": True} | known, limit)


def shorten(record: dict[str, Any], limit: int) -> str:
    """The record as JSON of at most ``limit`` characters: its end is given up, or cut where that is text."""
    while (excess := len(line := encode(record)) - limit) > 0:
        name, value = record.popitem()
        if isinstance(value, str) and len(value) > excess + len("..."):
            # A character takes at least one place in the line. The end of a traceback tells more than its beginning.
            keep = len(value) - excess - len("...")
            record[name] = f"...{value[-keep:]}" if name == "traceback" else f"{value[:keep]}..."
    return line


def encode(record: dict[str, Any]) -> str:
    """The record as JSON on one line that is printable throughout."""
    try:
        line = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        # Published by hand with more in it than plain data: what is simple still goes out.
        simple = {name: value for name, value in record.items() if is_simple(value)}
        line = json.dumps(simple, ensure_ascii=False, separators=(",", ":"))
    return line if line.isprintable() else "".join(map(escaped, line))


def is_simple(value: object) -> bool:
    """Whether JSON has a word for the value by itself."""
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


def escaped(character: str) -> str:
    """The character as it may stand in a JSON string: unprintable ones as their number."""
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"  # half of a character: many parsers refuse even its number
    return character if character.isprintable() else json.dumps(character)[1:-1]
