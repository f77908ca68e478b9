"""``[reporters.NAME]`` of a relay: which stream it appends to. The keys are those of ``[stream]`` that say where one is."""

from __future__ import annotations

from typing import Annotated

import msgspec

from jobreporter._config.records import Config, ReporterConfig
from jobreporter._stream.settings import StreamTarget, default_namespace, resolve_table, table_faults
from jobreporter.errors import Fault
from jobreporter.options import Options, Secret, Size


class RelayOptions(Options):
    """Core's own keys of a relay's target. All others are the engine's.

    How long events wait at the target, its own agents say.
    """

    #: Where the target is. It may hold a password.
    url: Secret
    #: Keeps services apart that share a store; by default ``[context] service``.
    namespace: str | None = None
    #: How many partitions the target gets if it is new.
    partitions: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    #: How much the target's own agents let wait at most.
    max_bytes: Annotated[Size, msgspec.Meta(ge=1_000_000)] = "256MB"  # type: ignore[assignment]  # read as the size that it means
    #: Whether what the target acknowledges outlives a power cut.
    sync: bool = False


def relay_faults(relay: ReporterConfig, config: Config) -> list[Fault]:
    """What is wrong with a relay's target in the file itself, whatever its references stand for."""
    faults, _engine = table_faults(relay, RelayOptions)
    source = config.stream
    if (
        source is not None
        and isinstance(relay.options.get("url"), str)
        and _where(relay, config) == _where(source, config)
    ):
        faults.append(relay.place.fault("option 'url': the relay would append to the stream that it reads", "url"))
    return faults


def _where(table: ReporterConfig, config: Config) -> tuple[object, object]:
    """Where a stream is, as far as the file says. What is the same under another name, the streams themselves know."""
    url, namespace = table.options.get("url"), table.options.get("namespace")
    return url, namespace or default_namespace(config)


def resolve_target(relay: ReporterConfig, config: Config) -> StreamTarget:
    """The target with its references followed.

    Raises BrokenReporter if a reference is unset or an engine can't be imported, and ConfigError if the file is wrong.
    """
    target, _options = resolve_table(relay, RelayOptions, config)
    return target
