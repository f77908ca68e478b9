"""``jobreporter check``: does the config work, here and now?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click
import msgspec

from jobreporter._cli._apps import app_report
from jobreporter._cli._examination import examine
from jobreporter._cli._options import as_json, json_option, reporter_option
from jobreporter._cli._own_log import show_own_log
from jobreporter._cli._proof import proof
from jobreporter._cli._report import WORKS, AppReport, Problem, Report, ReporterReport
from jobreporter._cli._settings import as_toml
from jobreporter._cli._terminal import coloured, others_aside, paragraph, say, table
from jobreporter.events import KINDS, EventKind

# What --send sends where nothing else is asked for.
_FAILED: tuple[EventKind, ...] = ("started", "failure", "stopped")


@click.command(short_help="See whether the config works, here and now.")
@click.option("--send", is_flag=True, help="Also send a test failure through each reporter, to wherever it reports.")
@click.option(
    "--event",
    "events",
    type=click.Choice(list(KINDS)),
    multiple=True,
    help="With --send: the kind of event to send instead. May be given more than once.",
)
@reporter_option("Only this reporter. May be given more than once.")
@click.option(
    "--no-start", is_flag=True, help="Look at the config and the plugins alone: start nothing, and need no secret."
)
@click.option(
    "--app", "app_name", metavar="MODULE:APP", help="Also see whether this app, or RQ worker, reports its jobs."
)
@click.option(
    "--worker", is_flag=True, help="With a [stream]: only what a worker runs, and neither agents nor their reporters."
)
@click.option("-v", "--verbose", is_flag=True, help="Also show every setting, and where it came from.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless something is wrong.")
@json_option
@click.pass_obj
def check(
    path: str | None,
    send: bool,
    events: Sequence[EventKind],
    names: Sequence[str],
    no_start: bool,
    app_name: str | None,
    worker: bool,
    verbose: bool,
    quiet: bool,
    for_programs: bool,
) -> None:
    """See whether the config works: everything that is wrong with it, and each reporter started for real.

    Exits with 1 if anything is wrong.
    """
    if events and not send:
        raise click.UsageError("--event says what --send sends: give both")
    if send and no_start:
        raise click.UsageError("--send goes through reporters that were started, and --no-start starts none")
    show_own_log()
    # What the app makes where it is imported, such as a vendor's client, reporters may look for.
    app = None if app_name is None else app_report(app_name)
    with others_aside():
        report = examine(path, names, start=not no_start, send=(events or _FAILED) if send else (), worker=worker)
        if app is not None:
            report = _with_app(report, app)
            if app.attached and not no_start:
                report = _with_proof(report, app)
    if for_programs:
        click.echo(as_json(report))
    elif not (quiet and report.ok):
        say("\n".join(_lines(report, verbose=verbose)))
    sys.exit(0 if report.ok else 1)


def _with_app(report: Report, app: AppReport) -> Report:
    ok = report.ok and app.attached
    summary = report.summary if ok or not report.ok else f"wrong: {app.detail}"
    return msgspec.structs.replace(report, ok=ok, summary=summary, app=app)


def _with_proof(report: Report, app: AppReport) -> Report:
    """Whether a failure in this app is reported as it should be."""
    found = proof(app.name, report.config, [row.name for row in report.reporters if row.status in {"ok", "running"}])
    wrong = [Problem.of(fault) for fault in found.problems]
    ok = report.ok and not wrong
    summary = report.summary if ok or not report.ok else f"wrong: {wrong[0].problem}"
    return msgspec.structs.replace(
        report,
        ok=ok,
        summary=summary,
        warnings=[*report.warnings, *wrong],
        notes=[*report.notes, *found.notes],
    )


def _lines(report: Report, *, verbose: bool) -> Iterable[str]:
    """The summary first, then what is wrong, then what there is."""
    yield coloured(report.summary, "green" if report.ok else "red", bold=True)
    yield from _problems(report.faults, "red")
    yield from _problems(report.warnings, "yellow")
    if report.app is not None:
        yield paragraph(f"app {report.app.name}: {report.app.detail}")
    if report.reporters:
        yield ""
        yield table((row.name, row.status, _detail(row)) for row in report.reporters)
    for note in report.notes:
        yield paragraph(f"note: {note}")
    if verbose and report.settings:
        yield f"\n{as_toml(report.settings)}"


def _problems(problems: Sequence[Problem], colour: str) -> Iterable[str]:
    return (coloured(paragraph(str(problem), indent=2), colour) for problem in problems)


def _detail(row: ReporterReport) -> str:
    took = f" ({row.seconds:.2f} s)" if row.seconds is not None else ""
    return f"{row.detail if row.status in WORKS else '; '.join(row.problems) or row.detail}{took}"
