"""How a stream fares, as ``jobreporter stream status`` and ``jobreporter check`` show it."""

from __future__ import annotations

import os
import time

import msgspec

from jobreporter._stream.process import ProcessBeat, decode_process
from jobreporter._stream.settings import StreamConfig
from jobreporter._stream.spool_folder import DAMAGED
from jobreporter._stream.spool_reader import segments
from jobreporter.streams import Beat, Ledger, Stream, StreamError
from jobreporter.streams._files import how_to_share

#: What is wrong where no agent lives.
NO_AGENT = "no agent gives a sign of life: run jobreporter agent"
# Seconds after which an agent that gave no sign of life isn't counted.
_GONE = 60.0


class ReporterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One reporter, in all partitions. Counts are of events."""

    name: str
    accepted: int
    handled: int
    filtered: int
    dead: int
    expired: int
    unknown: int
    pending: int
    #: How long the oldest event waits that is not settled.
    lag_seconds: float | None
    #: How many agents run it.
    agents: int


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A worker or an agent."""

    host: str
    pid: int
    service: str | None
    version: str
    seen_seconds: float
    reporters: tuple[str, ...] = ()
    #: Of an agent that empties a spool, since it started: ``records`` that it took in; events ``repeated`` (of executions
    #: that had ended) and ``rolled_back`` (the stream has lost them); bytes ``torn`` (at the end of a file whose worker was
    #: killed in the middle of them); records ``damaged``.
    taken_in: dict[str, int] = {}


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. Fields are only added."""

    url: str
    partitions: int
    reporters: tuple[ReporterStatus, ...]
    agents: tuple[ProcessStatus, ...]
    workers: tuple[ProcessStatus, ...]
    open_executions: int
    #: Where workers of this machine write to, and what waits there.
    spool: str | None
    spool_bytes: int
    warnings: tuple[str, ...]
    #: The agents that append what is in other streams.
    relays: tuple[ProcessStatus, ...] = ()


def status_of(stream: Stream, config: StreamConfig) -> Status:
    """Raises a stream's errors."""
    said = [(beat, decode_process(beat.data)) for beat in stream.beats().values()]
    known = [(beat, process) for beat, process in said if process is not None]
    agents = [_process(beat, process) for beat, process in known if process.role == "agent"]
    agents = [each for each in agents if each.seen_seconds < _GONE]
    workers = [_process(beat, process) for beat, process in known if process.role == "worker"]
    relays: dict[tuple[str, int], ProcessStatus] = {}
    for each in (_process(beat, process) for beat, process in known if process.role == "relay"):
        # It is a producer for each partition that it reads. Seen is who was seen last.
        before = relays.get((each.host, each.pid))
        if before is None or each.seen_seconds < before.seen_seconds:
            relays[each.host, each.pid] = each
    ledgers = list(stream.ledgers())
    reporters = tuple(_reporter(name, ledgers, agents) for name in sorted({each.reporter for each in ledgers}))
    size, spool_warnings = _spool(config.spool)
    warnings = [*stream.findings(), *spool_warnings]
    if not agents:
        warnings.append(NO_AGENT)
    if unlike := partitions_without_effect(stream, config):
        warnings.append(unlike)
    if different := _different_configs(known):
        warnings.append(different)
    return Status(
        url=shown_url(config.url),
        partitions=stream.partitions,
        reporters=reporters,
        agents=tuple(agents),
        workers=tuple(workers),
        open_executions=len(stream.open_executions()),
        spool=config.spool,
        spool_bytes=size,
        warnings=tuple(warnings),
        relays=tuple(relays.values()),
    )


def partitions_without_effect(stream: Stream, config: StreamConfig) -> str | None:
    """That the config wants another number of partitions than the stream has, which counts."""
    wanted = config.options.partitions
    if wanted in (None, stream.partitions):
        return None
    return f"partitions = {wanted} has no effect: the stream was made with {stream.partitions}"


def _different_configs(known: list[tuple[Beat, ProcessBeat]]) -> str | None:
    """That agents which live were started with configs that say different things, and which have which."""
    by_config: dict[str, list[str]] = {}
    for beat, said in known:
        if said.role == "agent" and time.time() - beat.at < _GONE:
            by_config.setdefault(said.config, []).append(f"{said.origin.host}:{said.origin.pid}")
    if len(by_config) < 2:
        return None
    groups = "; ".join(", ".join(sorted(names)) for names in sorted(by_config.values(), key=len, reverse=True))
    return f"agents run with {len(by_config)} different configs, so that it is chance which of them counts: {groups}"


def shown_url(url: str) -> str:
    """The URL without user and password."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def _process(beat: Beat, said: ProcessBeat) -> ProcessStatus:
    origin = said.origin
    return ProcessStatus(
        host=origin.host,
        pid=origin.pid,
        service=origin.service,
        version=origin.version,
        seen_seconds=max(0.0, time.time() - beat.at),
        reporters=said.reporters,
        taken_in=said.taken_in,
    )


def _reporter(name: str, ledgers: list[Ledger], agents: list[ProcessStatus]) -> ReporterStatus:
    mine = [each for each in ledgers if each.reporter == name]
    oldest = min((each.oldest_at for each in mine if each.oldest_at is not None), default=None)
    return ReporterStatus(
        name=name,
        accepted=sum(each.accepted for each in mine),
        handled=sum(each.handled for each in mine),
        filtered=sum(each.filtered for each in mine),
        dead=sum(each.dead for each in mine),
        expired=sum(each.expired for each in mine),
        unknown=sum(each.unknown for each in mine),
        pending=sum(each.pending for each in mine),
        lag_seconds=None if oldest is None else max(0.0, time.time() - oldest),
        agents=sum(name in each.reporters for each in agents),
    )


def _spool(folder: str | None) -> tuple[int, list[str]]:
    """How many bytes wait in the spool of this machine, and what is wrong with it."""
    if folder is None:
        return 0, []
    size, warnings = 0, []
    try:
        found = segments(folder)
    except StreamError as error:
        return 0, [str(error)]
    for files in found.values():
        for segment in files:
            path = os.path.join(folder, segment.name)
            try:
                size += os.stat(path).st_size
            except OSError:
                continue  # an agent has just taken it
            if not os.access(path, os.R_OK | os.W_OK):
                warnings.append(f"{path!r} can't be opened: {how_to_share(path)}")
    damaged = os.path.join(folder, DAMAGED)
    if os.path.isdir(damaged) and (count := len(os.listdir(damaged))):
        warnings.append(f"{count} records that can't be read are kept in {damaged!r}")
    return size, warnings
