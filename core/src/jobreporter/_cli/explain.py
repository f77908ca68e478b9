"""``jobreporter explain``: which reporters would get the events of a job, and what keeps the others back."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Iterator, Sequence

import click
import msgspec

from jobreporter._cli._here import module_here
from jobreporter._cli._listing import Providers, loaded
from jobreporter._cli._options import as_json, chosen, json_option, reporter_option
from jobreporter._cli._terminal import coloured, others_aside, say, table
from jobreporter._config.agreement import RELAY
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._config.wording import quoted
from jobreporter._dispatch.wiring import survey
from jobreporter._foreign.classes import full_name
from jobreporter._lane.filter import Filter
from jobreporter._plugins.installed import scan
from jobreporter._plugins.named import NotFoundError, attribute_of
from jobreporter._plugins.plugin import Plugin
from jobreporter.error_info import ErrorInfo
from jobreporter.errors import ConfigError, JobReporterError
from jobreporter.events import KINDS, Aborted, Event, EventKind, Failure, Job, Started, Stopped, Success, kind_of
from jobreporter.hookspecs import HANDLERS


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One event and one reporter, as ``jobreporter explain --json`` shows it. Fields are only added."""

    reporter: str
    event: EventKind
    #: The error of a failure that was asked about; null for a failure of any other type, and for other events.
    error: str | None
    reaches: bool
    #: What keeps it back: a key of the reporter's table (``when.jobs``, ``enabled``), ``JOBREPORTER_DISABLE``, or
    #: ``hooks`` where the plugin has none for it, ``broken`` where there is no plugin; null where it gets through.
    kept_back_by: str | None
    #: The same in words; also where it gets through, if there is more to say.
    reason: str | None


@click.command(short_help="See which reporters would get a job's events, and why.")
@click.option("--job", "job_name", metavar="NAME", required=True, help="The name of the job.")
@click.option("--queue", metavar="QUEUE", help="Its queue.")
@click.option(
    "--error", "errors", metavar="TYPE", multiple=True, help="A type of error that it fails with, by its full name."
)
@click.option("--attempt", type=click.IntRange(1), default=1, show_default=True, help="Which attempt it is.")
@click.option("--retry", is_flag=True, help="Another attempt follows its failure.")
@click.option("--event", "events", type=click.Choice(list(KINDS)), multiple=True, help="Only this kind of event.")
@reporter_option("Only this reporter. May be given more than once.")
@json_option
@click.pass_obj
def explain(
    path: str | None,
    job_name: str,
    queue: str | None,
    errors: Sequence[str],
    attempt: int,
    retry: bool,
    events: Sequence[EventKind],
    names: Sequence[str],
    for_programs: bool,
) -> None:
    """See which reporters would get the events of a job, and which key keeps the others back.

    Nothing is started and nothing is sent. Exits with 1 if the config is wrong.
    """
    try:
        with others_aside():
            looked = survey(path)
    except ConfigError as error:
        say(str(error), err=True)
        sys.exit(1)
    config = looked.parsed.config
    job = Job(id="", execution_id="", name=job_name, source="jobreporter", queue=queue, attempt=attempt)
    happened = [
        event
        for event in _events(job, [_error(name) for name in errors] or [None], retry=retry)
        if not events or kind_of(event) in events
    ]
    installed = scan()
    rows = [row for reporter in chosen(config.reporters, names) for row in _explained(reporter, happened, installed)]
    if for_programs:
        click.echo(as_json(rows))
    else:
        say("\n".join(_lines(rows, config)))
    if looked.faults:
        say(str(ConfigError(looked.faults)), err=True)
        sys.exit(1)


def _events(job: Job, errors: Iterable[ErrorInfo | None], *, retry: bool) -> Iterator[Event]:
    yield Started(job=job, at=0.0)
    yield Success(job=job, at=0.0)
    yield Aborted(job=job, at=0.0, reason="skipped")
    for error in errors:
        yield Failure(job=job, at=0.0, error=error or ErrorInfo(type=_ANY), will_retry=retry)
    yield Stopped(job=job, at=0.0, outcome="success")


# A type of error that no filter names.
_ANY = "an error of any other type"


def _error(name: str) -> ErrorInfo:
    """An error of the type with this name, and of its bases where it can be imported: `ignore` takes those too."""
    kind = getattr(builtins, name.removeprefix("builtins."), None)
    module, _, attribute = name.rpartition(".")
    if module and kind is None:
        try:
            with others_aside():
                kind = attribute_of(module_here(module), attribute)
        except NotFoundError as error:
            say(f"note: nothing is known of the bases of {quoted(name)}: {error}", err=True)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        if not module:
            raise click.BadParameter(
                f"{quoted(name)} is no builtin exception: give its full name", param_hint="--error"
            )
        return ErrorInfo(type=name, mro=(name,))
    return ErrorInfo(type=full_name(kind), mro=tuple(full_name(each) for each in kind.__mro__))


def _explained(reporter: ReporterConfig, events: Iterable[Event], installed: Providers) -> Iterator[Explained]:
    plugin, problem = _plugin(reporter, installed)
    filter_ = Filter.of(reporter.when)
    for event in events:
        kept_back_by, reason = _kept_back(reporter, plugin, filter_, event)
        if kept_back_by is None and problem:
            kept_back_by, reason = "broken", problem
        elif kept_back_by is None and reporter.when.max_per_minute is not None:
            reason = f"at most {reporter.when.max_per_minute} a minute"
        yield Explained(
            reporter=reporter.name,
            event=kind_of(event),
            error=event.error.type if isinstance(event, Failure) and event.error.type != _ANY else None,
            reaches=kept_back_by is None,
            kept_back_by=kept_back_by,
            reason=reason,
        )


def _plugin(reporter: ReporterConfig, installed: Providers) -> tuple[Plugin | None, str | None]:
    """A reporter's plugin, or why it isn't known which hooks it has."""
    if not reporter.enabled or reporter.use == RELAY:
        return None, None
    try:
        return loaded(reporter, installed), None
    except ConfigError as error:
        return None, "; ".join(fault.problem for fault in error.faults)
    except JobReporterError as error:
        return None, str(error)


def _kept_back(
    reporter: ReporterConfig, plugin: Plugin | None, filter_: Filter | None, event: Event
) -> tuple[str | None, str | None]:
    """What keeps an event from a reporter, and in words."""
    if not reporter.enabled:
        by = reporter.disabled_by
        return (
            ("enabled", "the reporter is switched off by the config")
            if by == "config"
            else (by, f"switched off by {by}")
        )
    if plugin is not None and (hook := HANDLERS[type(event)]) not in plugin.hooks:
        return "hooks", f"the plugin has no {hook}"
    key = filter_.kept_back_by(event) if filter_ else None
    if key is None:
        return None, None
    line = reporter.place.below("when").line(key)
    return f"when.{key}", f"when.{key} keeps it back" + (f" (line {line})" if line else "")


def _lines(rows: Sequence[Explained], config: Config) -> Iterator[str]:
    if not rows:
        yield f"{config.path or 'there is no config'}: no reporter"
        return
    header = ("REPORTER", "EVENT", "REACHES IT", "WHY")
    shown = table(
        [header, *((row.reporter, _event(row), "yes" if row.reaches else "no", row.reason or "") for row in rows)]
    )
    first, *others = shown.splitlines()
    yield coloured(first, "reset", bold=True)
    yield from others


def _event(row: Explained) -> str:
    return f"{row.event} {row.error}" if row.error else row.event
