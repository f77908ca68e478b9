"""What is installed for an entry-point group, by metadata alone: nothing is imported to know it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import NamedTuple

import importlib_metadata

from jobreporter._config.wording import described
from jobreporter._system.log_aside import log_aside
from jobreporter._version import __version__
from jobreporter.text import one_line

logger = logging.getLogger("jobreporter")

#: The group of reporters.
REPORTERS = "jobreporter.reporters"
#: The group of commands: ``jobreporter NAME``.
COMMANDS = "jobreporter.commands"
#: The group of sources: what each job queue is switched on with.
SOURCES = "jobreporter.sources"
#: The group of engines of streams: what each scheme of a stream's URL stands for.
STREAMS = "jobreporter.streams"
#: Core's own entry points of each group. A program that was frozen into one file may have no metadata to tell.
BUILT_IN = {
    REPORTERS: {
        "log": "jobreporter.reporters.log:LogReporter",
        "record": "jobreporter.reporters.record:RecordReporter",
    },
    SOURCES: {
        "celery": "jobreporter.sources.celery:attach",
        "command": "jobreporter.sources.command:run",
        "dramatiq": "jobreporter.sources.dramatiq:attach",
        "huey": "jobreporter.sources.huey:attach",
        "rq": "jobreporter.sources.rq:Worker",
    },
}
_CORE = "jobreporter"


class Installed(NamedTuple):
    """What an installed distribution provides under a name, as its metadata says."""

    name: str
    #: ``module`` or ``module:attribute``.
    value: str
    distribution: str
    version: str


def scan(group: str = REPORTERS) -> dict[str, tuple[Installed, ...]]:
    """Everything installed for a group by name, in one look over ``sys.path``.

    More than one under a name is for the caller.
    """
    found: dict[str, tuple[Installed, ...]] = {}
    for installed in _installed(group):
        found[installed.name] = (*found.get(installed.name, ()), installed)
    if not any(installed.distribution == _CORE for providers in found.values() for installed in providers):
        for name, value in BUILT_IN.get(group, {}).items():
            found[name] = (*found.get(name, ()), Installed(name, value, _CORE, __version__))
    return found


def _installed(group: str) -> Iterator[Installed]:
    seen: set[str] = set()
    for candidate in importlib_metadata.distributions():
        try:
            # Asking every distribution for its name and its parsed entry points would cost several times as much, and
            # few have any of ours.
            if f"[{group}]" not in (candidate.read_text("entry_points.txt") or ""):
                continue
            name = _headers(candidate).get("name")
            if name is None or (normalized := re.sub(r"[-_.]+", "-", name).lower()) in seen:
                continue
            seen.add(normalized)
            # Of several distributions with one name, Python imports the first; the others are shadowed.
            distribution = importlib_metadata.distribution(name)
            version = _headers(distribution).get("version", "of unknown version")
            provided = distribution.entry_points.select(group=group)
        except Exception as error:  # a stranger's broken metadata must not hide the others
            which = one_line(str(getattr(candidate, "_path", candidate)), 400)
            text = "%s can't be read, so what it provides is not seen: %s"
            log_aside(logger, logging.WARNING, text, which, described(error))
            continue
        yield from (Installed(entry.name, entry.value, name, version) for entry in provided)


def _headers(distribution: importlib_metadata.IDistribution) -> dict[str, str]:
    """The metadata of a distribution by header in lower case; empty for a folder that an upgrade left over.

    Read by hand, since ``distribution.name`` imports the email package, which takes longer than the whole scan. What
    that would bear is borne here: headers in any case and without a blank, in any order, with any ends of lines.
    """
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    headers: dict[str, str] = {}
    for line in text.removeprefix("\ufeff").lstrip().splitlines():
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon and not line[0].isspace():  # such a line goes on with the one before
            headers.setdefault(name.strip().lower(), value.strip())
    return headers
