"""``jobreporter stream``: how the stream fares, and what a person decides about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click
import msgspec

from jobreporter._agent.letters import Unretried, retry, shown
from jobreporter._agent.status import Status, status_of
from jobreporter._cli._commands import Group
from jobreporter._cli._stream import read_config, stream_of
from jobreporter._cli._terminal import counted, table
from jobreporter._nearest import did_you_mean_or_all
from jobreporter._stream.settings import StreamConfig
from jobreporter.errors import BrokenReporter
from jobreporter.streams import DeadLetter, Stream, StreamError

#: What to do where an agent holds what a command is to change.
_STOP_IT = "stop it first, or take the reporter out of its config; of one that was killed it is known ten seconds later"

_as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group(cls=Group)
def stream() -> None:
    """See what waits in the stream, and decide about it."""


@contextmanager
def _opened(path: str | None) -> Iterator[tuple[Stream, StreamConfig]]:
    """The stream of the config. What it raises ends the command in a sentence."""
    config = read_config(path)
    try:
        described = stream_of(config)
        opened = described.look()
        opened.partitions  # noqa: B018 - some engines connect with the first call
    except (StreamError, BrokenReporter) as error:
        raise click.ClickException(str(error)) from None
    try:
        yield opened, described
    except StreamError as error:
        raise click.ClickException(str(error)) from None
    finally:
        opened.close()


@stream.command()
@_as_json
@click.pass_obj
def status(path: str | None, as_json: bool) -> None:
    """Show who runs what, what waits, and what was lost."""
    with _opened(path) as (opened, described):
        found = status_of(opened, described)
    click.echo(_json(found) if as_json else _told(found))


def _told(found: Status) -> str:
    rows: list[tuple[str, ...]] = [
        ("reporter", "pending", "lag", "handled", "filtered", "dead", "expired", "unknown", "agents")
    ]
    for each in found.reporters:
        lag = "-" if each.lag_seconds is None else f"{each.lag_seconds:.0f} s"
        counts = (each.handled, each.filtered, each.dead, each.expired, each.unknown, each.agents)
        rows.append((each.name, str(each.pending), lag, *map(str, counts)))
    lines = [
        f"stream: {found.url} ({found.partitions} partition{'s' if found.partitions > 1 else ''})",
        f"workers: {len(found.workers)}; open executions: {found.open_executions}",
        *(
            f"agent: {each.host}:{each.pid}, seen {each.seen_seconds:.0f} s ago{_taken_in(each.taken_in)}"
            for each in found.agents
        ),
        *(f"relay: {each.host}:{each.pid}, seen {each.seen_seconds:.0f} s ago" for each in found.relays),
        *(f"warning: {warning}" for warning in found.warnings),
    ]
    return "\n".join([*lines, "", table(rows) if len(rows) > 1 else "no agent has run a reporter yet"])


def _taken_in(counts: dict[str, int]) -> str:
    """What came of the spool that an agent empties; nothing where it has found none to empty."""
    words = {"repeated": "repeated", "rolled_back": "rolled back", "torn": "bytes torn", "damaged": "damaged"}
    wrong = [f"{counts[name]} {said}" for name, said in words.items() if counts.get(name)]
    records = counted(counts.get("records", 0), "record")
    return f"; of its spool: {', '.join([records, *wrong])}" if any(counts.values()) else ""


@stream.group()
def dead() -> None:
    """Events that a reporter can't take."""


@dead.command("list")
@click.argument("reporter", required=False)
@_as_json
@click.pass_obj
def list_(path: str | None, reporter: str | None, as_json: bool) -> None:
    """List the dead letters, of one REPORTER or of all."""
    with _opened(path) as (opened, _):
        if reporter is not None:
            _refuse_unknown(opened, reporter)
        found = [shown(letter) for letter in opened.dead_letters(reporter)]
    if as_json:
        click.echo(_json(found))
    elif found:
        rows = [(each.reporter, each.id, each.when, each.event, each.job, each.reason) for each in found]
        click.echo(table([("reporter", "id", "since", "event", "job", "reason"), *rows]))
    else:
        click.echo("no dead letters")


@dead.command()
@click.argument("reporter")
@click.argument("letter_id", metavar="ID")
@_as_json
@click.pass_obj
def show(path: str | None, reporter: str, letter_id: str, as_json: bool) -> None:
    """Show one dead letter with its event."""
    with _opened(path) as (opened, _):
        (letter,) = _chosen(opened, reporter, letter_id, every=False)
    found = shown(letter)
    if as_json:
        click.echo(_json(found))
        return
    fields = msgspec.to_builtins(found)
    click.echo(table([(name, str(value)) for name, value in fields.items() if name != "content"]))
    click.echo(msgspec.json.format(msgspec.json.encode(found.content), indent=2).decode())


@dead.command("retry")
@click.argument("reporter")
@click.argument("letter_id", metavar="ID", required=False)
@click.option("--all", "every", is_flag=True, help="All of the reporter's.")
@_as_json
@click.pass_obj
def retry_(path: str | None, reporter: str, letter_id: str | None, every: bool, as_json: bool) -> None:
    """Hand dead letters to their reporter once more, behind what waits already."""
    count, refused = 0, []
    with _opened(path) as (opened, _):
        for letter in _chosen(opened, reporter, letter_id, every=every):
            try:
                count += retry(opened, letter)
            except Unretried as error:
                refused.append(str(error))
    click.echo(_json({"retried": count}) if as_json else f"{count} handed to {reporter} once more")
    if refused:
        more = f" ({counted(len(refused) - 1, 'other')} likewise)" if len(refused) > 1 else ""
        raise click.ClickException(f"{refused[0]}{more}")


@dead.command()
@click.argument("reporter")
@click.argument("letter_id", metavar="ID", required=False)
@click.option("--all", "every", is_flag=True, help="All of the reporter's.")
@_as_json
@click.pass_obj
def drop(path: str | None, reporter: str, letter_id: str | None, every: bool, as_json: bool) -> None:
    """Throw dead letters away. The ledger still counts them."""
    with _opened(path) as (opened, _):
        count = sum(opened.drop_letter(letter) for letter in _chosen(opened, reporter, letter_id, every=every))
    click.echo(_json({"dropped": count}) if as_json else f"{count} dropped")


def _chosen(opened: Stream, reporter: str, letter_id: str | None, *, every: bool) -> list[DeadLetter]:
    if every == (letter_id is not None):
        raise click.UsageError("name the ID of a dead letter, or say --all" + ", and not both" * every)
    _refuse_unknown(opened, reporter)
    letters = list(opened.dead_letters(reporter))
    if every:
        return letters
    found = [letter for letter in letters if letter.id == letter_id]
    if not found:
        have = f"see jobreporter stream dead list {reporter}" if letters else "it has none"
        raise click.ClickException(f"reporter {reporter!r} has no dead letter {letter_id!r}: {have}")
    return found


@stream.command()
@click.argument("reporter")
@_as_json
@click.pass_obj
def forget(path: str | None, reporter: str, as_json: bool) -> None:
    """Remove a REPORTER that is gone for good, so that nothing waits for it any more."""
    with _opened(path) as (opened, _):
        _refuse_unknown(opened, reporter)
        if not opened.forget(reporter):
            raise click.ClickException(f"an agent runs reporter {reporter!r}: {_STOP_IT}")
    click.echo(_json({"forgotten": reporter}) if as_json else f"{reporter} is forgotten")


@stream.command()
@click.argument("reporter")
@click.option("--to", "to", required=True, metavar="TIME|oldest", help="As in 2026-01-31T12:00, in local time.")
@_as_json
@click.pass_obj
def rewind(path: str | None, reporter: str, to: str, as_json: bool) -> None:
    """Hand a REPORTER everything once more that was stored since a time."""
    since = None if to == "oldest" else _moment(to)
    with _opened(path) as (opened, _):
        _refuse_unknown(opened, reporter)
        before = _positions(opened, reporter)
        if not opened.rewind(reporter, since):
            raise click.ClickException(f"an agent runs reporter {reporter!r}: {_STOP_IT}")
        after = _positions(opened, reporter)
        pending = sum(each.pending for each in opened.ledgers() if each.reporter == reporter)
    passed_over = sum(max(0, after[partition] - position) for partition, position in before.items())
    if as_json:
        click.echo(_json({"pending": pending, "passed_over": passed_over}))
        return
    click.echo(f"{reporter} gets {counted(pending, 'event')}")
    if passed_over:
        click.echo(f"not those that waited for it from before {to}: {counted(passed_over, 'event')}")


def _moment(to: str) -> float:
    """The Unix seconds of a time that has been."""
    try:
        since = datetime.fromisoformat(to).timestamp()
    except (ValueError, OverflowError):
        problem = f"expected a time such as 2026-01-31T12:00, or oldest, found {to!r}"
    else:
        if since <= time.time():
            return since
        problem = f"expected a time that has been, found {to!r}: nothing was stored since then"
    raise click.BadParameter(problem, param_hint="--to")


def _positions(opened: Stream, reporter: str) -> dict[int, int]:
    return {each.partition: each.position for each in opened.ledgers() if each.reporter == reporter}


def _refuse_unknown(opened: Stream, reporter: str) -> None:
    known = {each.reporter for each in opened.ledgers()}
    if not known:
        raise click.ClickException("no agent has run a reporter on this stream yet")
    if reporter not in known:
        nearest = did_you_mean_or_all(reporter, known, "reporters that an agent has run")
        raise click.ClickException(f"the stream knows no reporter {reporter!r}{nearest}")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
