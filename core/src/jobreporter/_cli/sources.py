"""``jobreporter sources``: which job queues can be reported, whether their libraries are there, and how that is done."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import click
import msgspec

from jobreporter._cli._entries import named_by
from jobreporter._cli._options import as_json, json_option
from jobreporter._cli._terminal import others_aside, say, table
from jobreporter._config.wording import described
from jobreporter._plugins.installed import SOURCES, Installed, scan
from jobreporter.sourcekit import Library, UnusableLibrary

#: ``ready``: it can be attached. ``missing``: its job queue is not installed. ``too old``: it is, in a version that the
#: source doesn't take. ``broken``: it can't be imported for another reason, or two distributions provide it.
Status = Literal["ready", "missing", "too old", "broken"]


class ListedSource(msgspec.Struct, frozen=True, kw_only=True):
    """One source, as ``jobreporter sources --json`` shows it. Fields are only added."""

    name: str
    status: Status
    #: Why it is not ready, and what to do.
    reason: str | None = None
    #: What its entry point names: ``module:attribute``.
    use: str
    distribution: str
    version: str
    #: The job queue as it writes itself, and the version that is installed; ``None`` for a source that needs none.
    library: str | None = None
    library_version: str | None = None
    #: The oldest version of it that will do.
    oldest_version: str | None = None
    #: Whether the one that is installed will do; ``None`` where there is none.
    supported: bool | None = None
    #: The line that switches it on, where that is known.
    attached_by: str | None = None


@click.command(short_help="List the sources, and how each is attached.")
@json_option
def sources(for_programs: bool) -> None:
    """List the sources that are installed: whether their job queue is there and new enough, and how they are attached.

    Each is imported, together with its job queue.
    """
    rows = [row for name, providers in sorted(scan(SOURCES).items()) for row in _listed(name, providers)]
    click.echo(as_json(rows)) if for_programs else say(_overview(rows))


def _listed(name: str, providers: tuple[Installed, ...]) -> Iterator[ListedSource]:
    for provider in providers:
        row = ListedSource(
            name=name,
            status="ready",
            use=provider.value,
            distribution=provider.distribution,
            version=provider.version,
        )
        if len(providers) > 1:
            reason = "provided more than once: uninstall all but one"
            yield msgspec.structs.replace(row, status="broken", reason=reason)
        else:
            yield _tried(row)


def _tried(row: ListedSource) -> ListedSource:
    """The same, with what its import tells."""
    try:
        with others_aside():
            named_by(row.use)
    except UnusableLibrary as unusable:
        return msgspec.structs.replace(
            row,
            status="too old" if unusable.found else "missing",
            reason=unusable.library.remedy,
            supported=False if unusable.found else None,
            **_about(unusable.library, unusable.found),
        )
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever its module raises, SystemExit too
        return msgspec.structs.replace(row, status="broken", reason=f"can't be imported: {described(error)}")
    module = sys.modules.get(row.use.partition(":")[0].strip())
    library = getattr(module, "LIBRARY", None)
    if not isinstance(library, Library):
        return msgspec.structs.replace(row, attached_by=getattr(module, "ATTACHED_BY", None))
    return msgspec.structs.replace(row, supported=True, **_about(library, library.found))


def _about(library: Library, found: str | None) -> dict[str, Any]:
    return {
        "library": library.title,
        "library_version": found,
        "oldest_version": library.needed,
        "attached_by": library.attached_by,
    }


def _overview(rows: Iterable[ListedSource]) -> str:
    heading = ("NAME", "STATUS", "JOB QUEUE", "FROM", "HOW")
    return table([heading, *((r.name, r.status, _queue(r), f"{r.distribution} {r.version}", _how(r)) for r in rows)])


def _queue(row: ListedSource) -> str:
    if row.library is None:
        return "-"
    needed = "" if row.supported else f" (needs {row.oldest_version})"
    return " ".join(filter(None, (row.library, row.library_version))) + needed


def _how(row: ListedSource) -> str:
    return row.reason or row.attached_by or row.use
