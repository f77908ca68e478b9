"""A relay, as ``jobreporter check`` looks at it: what its table may hold, and whether its target answers."""

from __future__ import annotations

from contextlib import closing, suppress

from jobreporter._agent.relay_track import passed
from jobreporter._agent.status import shown_url
from jobreporter._cli._terminal import counted
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._stream.relay_settings import RelayOptions, resolve_target
from jobreporter._stream.settings import engine_of, resolve_stream
from jobreporter.errors import BrokenReporter, ConfigError
from jobreporter.options import Options
from jobreporter.streams import StreamError, StreamMissing, StreamRefused


def options_types(relay: ReporterConfig) -> list[type[Options]]:
    """The classes that declare a relay's options: core's, and its engine's where the file itself names one."""
    url = relay.options.get("url")
    with suppress(BrokenReporter, ConfigError):
        if isinstance(url, str):
            return [RelayOptions, engine_of(url, relay.place).options]
    return [RelayOptions]


def where_it_leads(relay: ReporterConfig, config: Config) -> str:
    """Ask the target, and say which it is, and whether what is handed on comes back from there.

    Raises a stream's errors, BrokenReporter or ConfigError.
    """
    target = resolve_target(relay, config)
    shown = shown_url(target.url)
    try:
        with closing(target.look()) as stream:
            identity, partitions = stream.identity, stream.partitions
    except StreamMissing:
        return f"its target is new: {shown}"
    told = f"its target answers: {shown}, {counted(partitions, 'partition')}"
    own, passed_by = _around(config)
    if own == identity:
        raise StreamRefused("its target is the stream that it reads, under another name")
    if identity in passed_by:
        told += "; relays lead round in a circle: events come from there, too, and each of them stops where it has been"
    return told


def _around(config: Config) -> tuple[bytes | None, set[bytes]]:
    """The identity of the stream that relays read, and those of the streams that events come to it from."""
    if config.stream is not None:
        # What is wrong with it is told at its own place.
        with suppress(StreamError, BrokenReporter, ConfigError), closing(resolve_stream(config).look()) as stream:
            return stream.identity, passed(stream.beats().values())
    return None, set()
