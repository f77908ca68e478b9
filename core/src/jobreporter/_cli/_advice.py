"""What is right in itself, and may be meant otherwise here: told as notes, by what is installed beside it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from jobreporter._config.records import Note
from jobreporter._dispatch.wiring import Survey
from jobreporter._plugins.installed import BUILT_IN, SOURCES, scan
from jobreporter._stream.settings import StreamConfig

# Schemes of streams that are reached over TLS.
_ENCRYPTED = frozenset(["rediss"])


def about_time(looked: Survey) -> Iterator[Note]:
    """Where nothing lives but what cron starts, nobody does what reporters do by time.

    No config shows that. But a program that has a job queue installed has workers, and those do it.
    """
    ticking = [repr(each.config.name) for each in looked.factories if each.plugin and each.plugin.ticks]
    if not ticking or looked.parsed.config.stream is not None or _has_queue():
        return
    who = f"reporter {ticking[0]} does" if len(ticking) == 1 else f"reporters {', '.join(ticking)} do"
    what = "some of their work" if len(ticking) > 1 else "some of its work"
    yield Note(
        f"{who} {what} by time, and no job queue is installed here: where only jobreporter exec runs, as in a crontab,"
        " jobreporter agent does that, without a [stream] too",
        doubtful=False,
    )


def about_spool(stream: StreamConfig) -> Iterator[Note]:
    """A process that is new spends most of an append on connecting; a spool is a file on its own machine."""
    if stream.spool is not None:
        return
    reasons = []
    if stream.url.partition(":")[0] in _ENCRYPTED:
        reasons.append("connecting takes long over TLS")
    if _is_installed("rq"):
        reasons.append("each of RQ's work horses connects anew")
    if reasons:
        yield Note(
            f"[stream] may do better with a spool, a folder on this machine that an agent on it empties: {', and '.join(reasons)}",
            doubtful=False,
        )


def _has_queue() -> bool:
    built_in = BUILT_IN[SOURCES]
    others = {each.value for providers in scan(SOURCES).values() for each in providers} - set(built_in.values())
    return bool(others) or any(_is_installed(name) for name in built_in.keys() - {"command"})


def _is_installed(package: str) -> bool:
    """Whether a source's job queue is there. Nothing is imported to know it."""
    try:
        return find_spec(package) is not None
    except ValueError:  # it is loaded by hand, and says nothing of where it is from
        return True
