"""A relay, as ``jobreporter check`` looks at it: what its table may hold, and whether its target answers."""

from __future__ import annotations

from contextlib import suppress

from jobreporter._agent.status import shown_url
from jobreporter._cli._terminal import counted
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._stream.relay_settings import RelayOptions, resolve_target
from jobreporter._stream.settings import engine_of
from jobreporter.errors import BrokenReporter, ConfigError
from jobreporter.options import Options


def options_types(relay: ReporterConfig) -> list[type[Options]]:
    """The classes that declare a relay's options: core's, and its engine's where the file itself names one."""
    url = relay.options.get("url")
    with suppress(BrokenReporter, ConfigError):
        if isinstance(url, str):
            return [RelayOptions, engine_of(url, relay.place).options]
    return [RelayOptions]


def where_it_leads(relay: ReporterConfig, config: Config) -> str:
    """Ask the target, and say which it is. Raises a stream's errors, BrokenReporter or ConfigError."""
    target = resolve_target(relay, config)
    stream = target.open()
    try:
        partitions = stream.partitions
    finally:
        stream.close()
    return f"its target answers: {shown_url(target.url)}, {counted(partitions, 'partition')}"
