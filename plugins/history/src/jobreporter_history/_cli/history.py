"""``jobreporter history``: what is kept, and keeping it in order."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from jobreporter_history._cli._common import (
    Asked,
    about_a_store,
    ago,
    counted,
    moment,
    now,
    print_json,
    size,
    table,
)


@click.group(short_help="See what is kept, and keep it in order.")
def history() -> None:
    """See what the history has, and keep it in order."""


@history.command(short_help="What is kept, from when on, and how much room it takes.")
@about_a_store
def stats(asked: Asked) -> None:
    """Show what is kept, from when on, who writes it, and how much room it takes."""
    with asked.reading() as store:
        health, processes, executions = store.health(), store.processes(), store.count()
        running, incidents = store.running_count(), store.incidents(("open", "flapping"))
    found: dict[str, Any] = msgspec.to_builtins(health) | {
        "executions": executions.value,
        "running": running,
        "open_incidents": len(incidents),
        "processes": len(processes),
    }
    if asked.for_programs:
        print_json(found)
        return
    rows = [
        ("store", health.url + (" (read without a writer)" if health.immutable else "")),
        ("size", size(health.bytes)),
        ("executions", f"{executions.value:,}"),
        ("running", f"{running:,}"),
        ("open incidents", f"{len(incidents):,}"),
        ("successes since", moment(health.oldest_success)),
        ("failures since", moment(health.oldest_failure)),
        ("processes", f"{len(processes):,}"),
        ("last sign of life", ago(health.written_at, now())),
    ]
    rows += [("damaged file", f"{each.path}, put aside {moment(each.at)}") for each in health.damaged]
    click.echo(table(rows))


@history.command(short_help="Take away now what is too old.")
@about_a_store
def prune(asked: Asked) -> None:
    """Take away now what is older than the config keeps it, as the keeper does every minute.

    With `--store` too, the config says how long that is.
    """
    from jobreporter_history._upkeep.retention import prune as take_away

    keep = asked.configured().keep
    with asked.writing() as database:
        gone = take_away(database, keep, database.now())
    if asked.for_programs:
        print_json({"dropped": gone})
    else:
        click.echo("\n".join(f"dropped {name}" for name in gone) or "nothing was too old")


@history.command(short_help="Look whether it is in order. Exits with 1 if not.")
@about_a_store
def check(asked: Asked) -> None:
    """Bring the tables up to date, and look whether the file is whole and the rollups are what the rows add up to.

    Exits with 1 if something is wrong: `jobreporter history repair` makes the rollups anew.
    """
    from jobreporter_history._schema.migrations import check_version, is_outdated
    from jobreporter_history._upkeep.audit import audit

    with asked.writing() as database:
        with database.reading() as connection:
            outdated = is_outdated(connection)
        if outdated:  # else nothing is written, so that a standby can be checked, and whoever may only look can check
            with database.writing():
                pass  # that brings the tables up to date
        with database.reading() as connection:
            check_version(connection)
            problems = audit(connection, database.now())
    if asked.for_programs:
        print_json({"problems": problems})
    else:
        click.echo("\n".join(problems) or "the history is in order")
    sys.exit(1 if problems else 0)


@history.command(short_help="Make the rollups anew.")
@about_a_store
def repair(asked: Asked) -> None:
    """Make the rollups anew of every day whose executions are kept."""
    from jobreporter_history._upkeep.repair import repair as make_anew

    with asked.writing() as database:
        days, skipped = make_anew(database)
    if asked.for_programs:
        print_json({"days": days, "skipped": skipped})
        return
    click.echo(f"rollups were made anew: {counted(days, 'day')}")
    if skipped:
        click.echo(f"left as they are, since their failures are no longer kept: {counted(skipped, 'day')}")


@history.command(short_help="Read what is left of a damaged file.")
@click.argument("damaged", type=click.Path(path_type=Path))
@about_a_store
def recover(asked: Asked, damaged: Path) -> None:
    """Write the executions that can still be read in the file DAMAGED into the history. DAMAGED itself isn't changed."""
    from jobreporter_history._upkeep.recover import recover as read_what_is_left

    with asked.writing(begins=True) as database:
        found = read_what_is_left(damaged, database)
    if asked.for_programs:
        print_json(found._asdict())
    else:
        click.echo(
            f"read: {counted(found.executions, 'execution')}; not to be read: {counted(found.unreadable, 'place')}"
        )


@history.command(short_help="Print every execution as JSON Lines.")
@click.option("--since", metavar="TIME", help="Those that ended from then on: 2026-01-31, or 2026-01-31T12:00Z.")
@click.option("--until", metavar="TIME", help="Those that ended before.")
@about_a_store
def export(asked: Asked, since: str | None, until: str | None) -> None:
    """Print every execution with its error as one line of JSON, the oldest first. Times are in UTC."""
    begin, end = _time("--since", since, 0.0), _time("--until", until, 8e9)
    encoder = msgspec.json.Encoder()
    with asked.reading() as store:
        for found in store.every(begin, end):
            click.echo(encoder.encode(found))


def _time(option: str, text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time such as 2026-01-31 or 2026-01-31T12:00Z", param_hint=option
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
