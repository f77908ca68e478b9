"""``jobreporter replay``: hands the events of a recording to reporters, and tells what became of them."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple

import click
import msgspec

from jobreporter._cli._options import as_json, chosen, json_option, reporter_option
from jobreporter._cli._own_log import show_own_log
from jobreporter._cli._terminal import coloured, counted, others_aside, say, table
from jobreporter._dispatch.dispatcher import Dispatcher
from jobreporter._dispatch.wiring import Wiring, survey
from jobreporter._system.clock import SYSTEM
from jobreporter.context import LaneStats
from jobreporter.events import Event
from jobreporter.recording import NotRecorded, read_recording
from jobreporter.testing import corpus

# Events that are published before everybody is waited for, where buffers have room for twice as many.
_AT_ONCE = 1_000
# Seconds beyond a reporter's own timeout: by then it is known to hang.
_MARGIN = 2.0


class Recording(NamedTuple):
    """A file that is read as often as its events are wanted: it may be larger than the memory."""

    name: str
    file: BinaryIO

    def events(self) -> Iterator[Event]:
        """Raises NotRecorded at the first line that can't be read."""
        return (recorded.event for recorded in read_recording(self.file, name=self.name))

    def length(self) -> int:
        """How many events there are; where the file's end is missing, those before that, which is told."""
        count = 0
        try:
            for _ in self.events():
                count += 1
        except NotRecorded as error:
            if not (count and error.unfinished):
                raise
            say(f"note: {error}; what stands before it is replayed", err=True)
        return count


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the events in one reporter, as ``jobreporter replay --json`` shows it. Fields are only added."""

    reporter: str
    #: Events that it took.
    handled: int
    #: Events that it didn't want.
    filtered: int
    #: Events that it crashed or hung on, found undeliverable, or lost with its state.
    failed: int
    #: Events that never reached it, and those that it says to have lost itself.
    lost: int
    #: The reasons for these, and why it doesn't run.
    why: list[str]

    @property
    def well(self) -> bool:
        return not (self.failed or self.lost)


@click.command(short_help="Hand recorded events to the reporters.")
@click.argument("file", required=False)
@reporter_option("Only this reporter. May be given more than once.")
@json_option
@click.pass_obj
def replay(path: str | None, file: str | None, names: Sequence[str], for_programs: bool) -> None:
    """Hand the events of a recording to the reporters of the config, at once, and tell what became of them.

    FILE is what the reporter `record` has written, packed by gzip or not, or - for stdin. Without it, the events are those
    that real workers of every source have reported, which jobreporter brings along. Exits with 1 if an event was lost.
    """
    recordings = list(_read(file))
    # All of it is read before anything is sent. What is appended meanwhile, by this replay perhaps, is none of it.
    counts = [recording.length() for recording in recordings]
    count = sum(counts)
    if not count:
        raise click.ClickException(f"{recordings[0].name}: there is no event in it")
    with others_aside():
        wiring = _wiring(path, names)
        show_own_log()
        began = time.monotonic()
        events = (islice(each.events(), count) for each, count in zip(recordings, counts, strict=True))
        taken = _replayed(wiring, chain.from_iterable(events))
    well = all(each.well for each in taken)
    if for_programs:
        click.echo(as_json(taken))
    else:
        seconds = time.monotonic() - began
        say(coloured(f"{_summary(count, taken)} ({seconds:.2f} s)", "green" if well else "red", bold=True))
        say()
        say(table([("REPORTER", "HANDLED", "FILTERED", "FAILED", "LOST", "WHY"), *map(_row, taken)]))
    sys.exit(0 if well else 1)


def _read(file: str | None) -> Iterator[Recording]:
    keep_open = click.get_current_context().with_resource
    if file == "-":
        yield Recording("<stdin>", _rewindable(sys.stdin.buffer, keep_open))
        return
    for path in corpus() if file is None else [Path(file)]:
        try:
            yield Recording(str(path), _rewindable(keep_open(path.open("rb")), keep_open))
        except OSError as error:
            raise click.BadParameter(f"{path}: {error.strerror}", param_hint="FILE") from None


def _rewindable(file: BinaryIO, keep_open: Callable[[AbstractContextManager[BinaryIO]], BinaryIO]) -> BinaryIO:
    """The file, or of a pipe what comes out of it."""
    if file.seekable():
        return file
    copy = keep_open(TemporaryFile())  # noqa: SIM115 - until the command ends
    shutil.copyfileobj(file, copy)
    return copy


def _wiring(path: str | None, names: Sequence[str]) -> Wiring:
    """What a dispatcher gets that has these reporters, wherever the config has them run."""
    config, factories, _relays = survey(path).wiring()
    wanted = {reporter.name for reporter in chosen(config.reporters, names)}
    factories = tuple(factory for factory in factories if factory.config.name in wanted)
    if not factories:
        raise click.ClickException(
            "the config switches no reporter on: it needs a table [reporters.NAME]"
            if not names
            else f"{' and '.join(map(repr, names))} is switched off"
        )
    return Wiring(config, factories)


def _replayed(wiring: Wiring, events: Iterator[Event]) -> list[Taken]:
    lanes = [factory.config.lane for factory in wiring.factories]
    at_once = max(1, min(_AT_ONCE, *(lane.capacity // 2 for lane in lanes)))
    patience = max(lane.timeout for lane in lanes) + _MARGIN
    dispatcher = Dispatcher._with(wiring, SYSTEM)
    dispatcher.start()
    while some := list(islice(events, at_once)):
        for event in some:
            dispatcher.publish(event)
        dispatcher.flush(patience)
    reasons = {name: stats.reason for name, stats in dispatcher.stats().items()}
    dispatcher.close(patience)
    return [_taken(name, stats, reasons[name]) for name, stats in dispatcher.stats().items()]


def _taken(name: str, stats: LaneStats, reason: str | None) -> Taken:
    lost = {**stats.dropped, **stats.lost_by_reporter}
    why = [f"{count} {word}" for word, count in sorted(lost.items()) if count]
    return Taken(
        reporter=name,
        handled=stats.handled,
        filtered=stats.filtered,
        failed=stats.failed,
        lost=sum(lost.values()),
        why=[*filter(None, [reason]), *why],
    )


def _summary(count: int, taken: Sequence[Taken]) -> str:
    bad = [each.reporter for each in taken if not each.well]
    told = f"{counted(count, 'event')} replayed"
    return f"{told}: {', '.join(bad)} lost some" if bad else f"{told}: none was lost"


def _row(each: Taken) -> tuple[str, ...]:
    counts = (each.handled, each.filtered, each.failed, each.lost)
    return (each.reporter, *map(str, counts), "; ".join(each.why))
