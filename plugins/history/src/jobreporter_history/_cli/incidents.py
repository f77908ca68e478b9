"""``jobreporter incidents``: which failures need somebody, and saying that they don't any more."""

from __future__ import annotations

import getpass
import sys
import time
from typing import Any

import click
import msgspec

from jobreporter import one_line, parse_duration
from jobreporter_history._cli._common import (
    Asked,
    about_a_store,
    ago,
    moment,
    print_json,
    table,
)
from jobreporter_history.store import Incident, IncidentDetail, Store

#: Seconds to wait for the keeper, which comes every five.
PATIENCE = 10.0
_LOOK = 0.2

_STATES = ("pending", "open", "flapping", "resolved")


@click.group(short_help="See which failures need somebody.")
def incidents() -> None:
    """See which failures need somebody, and say that they don't any more."""


@incidents.command("list", short_help="The incidents that are open.")
@click.option(
    "--state", type=click.Choice([*_STATES, "all"]), help="Those in one state, or all.  [default: open, flapping]"
)
@click.option("--job", metavar="NAME", help="Those of one job.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@about_a_store
def list_(
    asked: Asked,
    state: str | None,
    job: str | None,
    limit: int,
) -> None:
    """List incidents, those first that need somebody most."""
    states: Any = () if state == "all" else (state,) if state else ("open", "flapping")
    with asked.reading() as store:
        found = store.incidents(states, job=job, limit=limit)
        now = store.now()
    if asked.for_programs:
        print_json(found)
    elif found:
        rows = [_row(each, now) for each in found]
        click.echo(table([("ID", "STATE", "WHAT", "JOB", "FAILED", "LAST", "SINCE"), *rows]))
    else:
        click.echo("no incident" if state == "all" else f"no incident is {state or 'open'}")


@incidents.command(short_help="All about one incident.")
@click.argument("incident", type=int)
@about_a_store
def show(asked: Asked, incident: int) -> None:
    """Show what happened to INCIDENT, its newest failure, and why its failures are one."""
    with asked.reading() as store:
        found = _found(store, incident)
        facets, now = store.facets(incident), store.now()
    if asked.for_programs:
        print_json(msgspec.to_builtins(found) | {"facets": msgspec.to_builtins(facets)})
    else:
        click.echo("\n".join(_lines(found, now)))


@incidents.command(short_help="Say that it is fixed.")
@click.argument("incident", type=int)
@click.option(
    "--release", metavar="NAME", help="The release that it is fixed in: failures in those before are nothing new."
)
@about_a_store
def resolve(asked: Asked, incident: int, release: str | None) -> None:
    """Say that INCIDENT is fixed. A failure that happens later opens it again."""
    with asked.reading() as store:
        _found(store, incident)
        _wait(store, store.resolve(incident, release=release, by=_who()), for_programs=asked.for_programs)


@incidents.command(short_help="Have nobody told of it for a while.")
@click.argument("incident", type=int)
@click.option("--for", "duration", metavar="DURATION", required=True, help="For how long: 2h, 3d.")
@about_a_store
def silence(asked: Asked, incident: int, duration: str) -> None:
    """Have nobody told of INCIDENT for a while."""
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from None
    if not seconds:
        raise click.BadParameter("a silence of no length has no end that is yet to come", param_hint="--for")
    with asked.reading() as store:
        _found(store, incident)
        request = store.silence(incident, store.now() + seconds, by=_who())
        _wait(store, request, for_programs=asked.for_programs)


@incidents.command(short_help="End a silence.")
@click.argument("incident", type=int)
@about_a_store
def unsilence(asked: Asked, incident: int) -> None:
    """Have people told of INCIDENT again."""
    with asked.reading() as store:
        _found(store, incident)
        _wait(store, store.unsilence(incident, by=_who()), for_programs=asked.for_programs)


def _found(store: Store, number: int) -> IncidentDetail:
    found = store.incident(number)
    if found is None:
        raise click.ClickException(
            f"there is no incident {number}; `jobreporter incidents list --state all` has them all"
        )
    return found


def _wait(store: Store, request: int, *, for_programs: bool) -> None:
    """Wait for the keeper to do it, for a while; it is noted in any case."""
    deadline = time.monotonic() + PATIENCE
    while (answer := store.answer(request)) is None and time.monotonic() < deadline:
        time.sleep(_LOOK)
    if for_programs:
        print_json({"request": request, "answer": answer})
    else:
        click.echo(answer or "it is noted, and done as soon as a worker or an agent with the history runs")
    sys.exit(0)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return ""


def _row(each: Incident, now: float) -> tuple[str, ...]:
    state = each.last_happening if each.last_happening == "regressed" and each.state == "open" else each.state
    silenced = " (silenced)" if each.silenced_until is not None else ""
    return (
        str(each.id),
        f"{state}{silenced}",
        each.title,
        each.job,
        f"{each.failed:,}",
        ago(each.last_fail, now),
        moment(each.since),
    )


def _lines(found: IncidentDetail, now: float) -> list[str]:
    each = found.incident
    lines = [f"{each.title} in {each.job}", ""]
    facts = [
        ("state", each.state + (f", silenced until {moment(each.silenced_until)}" if each.silenced_until else "")),
        ("failed", f"{each.failed:,}, {each.final:,} of them finally"),
        ("first", moment(each.first_seen)),
        ("last", f"{moment(each.last_fail)}, {ago(each.last_fail, now)}"),
        ("jobs", ", ".join(found.jobs)),
        ("fixed in", each.fixed_release or "-"),
        ("why one", f"rule {each.fingerprint[0]}, {each.fingerprint}"),
        *(("", part) for part in each.parts),
    ]
    lines.append(table(facts))
    if found.log:
        happened = [
            (moment(row.at), row.happening, row.cause, "not told" if row.quiet else "") for row in found.log[:20]
        ]
        lines += ["", table(happened)]
    if found.sample is not None and found.sample.error is not None:
        error = str(found.sample.error).splitlines()
        lines += [
            "",
            f"newest failure: {found.sample.execution.execution_id}",
            *(one_line(line, 300) for line in error),
        ]
    return lines
