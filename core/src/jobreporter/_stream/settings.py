"""``[stream]``: what may stand there, and which engine it names."""

from __future__ import annotations

import importlib
import os
from typing import Annotated, Any

import msgspec

from jobreporter._config.places import Place
from jobreporter._config.plugin_options import check_options, resolve_options
from jobreporter._config.records import Config, RawOptions, ReporterConfig
from jobreporter._nearest import did_you_mean
from jobreporter.errors import BrokenReporter, ConfigError, Fault
from jobreporter.options import Duration, Options, Secret, Size
from jobreporter.streams import Engine, Retention, Stream, StreamSettings

GROUP = "jobreporter.streams"
#: The engines that core brings along; a program without metadata has them too.
BUILT_IN = {"sqlite": "jobreporter.streams.sqlite:engine"}
#: Where engines come from that this project publishes beside the core.
OFFICIAL = {"redis": "jobreporter-redis", "rediss": "jobreporter-redis"}

#: Seconds that one call of a stream may take.
_LONGEST_CALL = 2.0


class StreamOptions(Options):
    """Core's own keys of ``[stream]``. All others are the engine's."""

    #: Where the stream is. It may hold a password.
    url: Secret
    #: Keeps services apart that share a store; by default ``[context] service``.
    namespace: str | None = None
    #: How many partitions a stream gets that is new.
    partitions: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    #: How long an event waits at most.
    max_age: Annotated[Duration, msgspec.Meta(gt=0)] = "7d"  # type: ignore[assignment]  # read as the duration that it means
    #: How much waits at most.
    max_bytes: Annotated[Size, msgspec.Meta(ge=1_000_000)] = "256MB"  # type: ignore[assignment]  # likewise
    #: A folder on this machine that workers write to, and agents on it read from.
    spool: str | None = None
    #: How much of one worker waits there at most.
    spool_max_bytes: Annotated[Size, msgspec.Meta(ge=4_000_000)] = "256MiB"  # type: ignore[assignment]  # likewise
    #: How long a reporter that no agent runs keeps events from being removed; by default ``max_age``.
    forget_after: Annotated[Duration, msgspec.Meta(gt=0)] | None = None
    #: Whether what is acknowledged outlives a power cut.
    sync: bool = False


class StreamTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stream is, and what its engine is told: all that it takes to open it."""

    url: str
    engine: Engine
    settings: StreamSettings

    def open(self) -> Stream:
        """Raises a stream's errors."""
        return self.engine.open(self.url, self.settings)

    def look(self) -> Stream:
        """Open it to look at it, and make none. Raises a stream's errors, StreamMissing where there is none."""
        return self.engine.open(self.url, msgspec.structs.replace(self.settings, create=False))


class StreamConfig(StreamTarget, frozen=True, kw_only=True):
    """What ``[stream]`` says."""

    options: StreamOptions
    #: Where workers write to, unless they append to the stream itself.
    spool: str | None

    @property
    def retention(self) -> Retention:
        options = self.options
        forget_after = options.max_age if options.forget_after is None else options.forget_after
        return Retention(max_age=options.max_age, max_bytes=options.max_bytes, forget_after=forget_after)


def stream_faults(config: Config) -> list[Fault]:
    """What is wrong with ``[stream]`` in the file itself, whatever its references stand for."""
    if config.stream is None:
        return []
    faults, engine = table_faults(config.stream, StreamOptions)
    options = config.stream.options
    url = options.get("url")
    needs_spool = engine is not None and engine.direct is False and "spool" not in options
    if engine is not None and needs_spool and isinstance(url, str) and engine.spool_folder(url) is None:
        problem = "option 'spool' is missing: workers can't append to this stream themselves"
        faults.append(config.stream.place.fault(problem))
    return faults


def table_faults(table: ReporterConfig, options_type: type[Options]) -> tuple[list[Fault], Engine | None]:
    """What is wrong with a table that describes a stream, and its engine where the file itself names one.

    options_type: core's own keys, ``url`` among them. All others are the engine's.
    """
    own, theirs = _parted(table, options_type)
    faults = check_options(options_type, own)
    url = own.options.get("url")
    if not isinstance(url, str):
        return faults, None
    try:
        engine = engine_of(url, table.place)
    except ConfigError as error:
        return [*faults, *error.faults], None
    faults += [own.place.fault(f"option 'url': {problem}", "url") for problem in engine.faults(url)]
    faults += check_options(engine.options, theirs)
    return faults, engine


def resolve_stream(config: Config) -> StreamConfig:
    """The stream with its references followed.

    Raises BrokenReporter if a reference is unset or an engine can't be imported, and ConfigError if the file is wrong.
    """
    table = config.stream
    assert table is not None  # noqa: S101 - nobody asks where there is no stream
    target, options = resolve_table(table, StreamOptions, config)
    assert isinstance(options, StreamOptions)  # noqa: S101 - it was resolved as such
    spool = options.spool
    if spool is not None:
        spool = os.path.join(table.folder or os.curdir, spool)
    elif not target.engine.direct:
        spool = target.engine.spool_folder(target.url)
    return StreamConfig(url=target.url, engine=target.engine, settings=target.settings, options=options, spool=spool)


def default_namespace(config: Config) -> str:
    """The namespace of a stream whose table names none."""
    return config.context.service or "jobreporter"


def resolve_table(table: ReporterConfig, options_type: type[Options], config: Config) -> tuple[StreamTarget, Options]:
    """The stream that a table says, and core's own keys there.

    options_type: core's keys there, among them ``url``, ``namespace``, ``partitions``, ``sync`` and ``max_bytes``. Raises
    BrokenReporter if a reference is unset or an engine can't be imported, and ConfigError if the file is wrong.
    """
    own, theirs = _parted(table, options_type)
    options: Any = resolve_options(options_type, own)
    url = options.url.reveal()
    engine = _sound_engine_of(url, table.place)
    settings = StreamSettings(
        namespace=options.namespace or default_namespace(config),
        partitions=options.partitions,
        timeout=_LONGEST_CALL,
        sync=options.sync,
        max_bytes=options.max_bytes,
        options=resolve_options(engine.options, theirs),
    )
    return StreamTarget(url=url, engine=engine, settings=settings), options


def _parted(table: ReporterConfig, options_type: type[Options]) -> tuple[ReporterConfig, ReporterConfig]:
    """Core's keys, and the engine's."""
    core = options_type.__struct_fields__
    own = RawOptions((key, value) for key, value in table.options.items() if key in core)
    theirs = RawOptions((key, value) for key, value in table.options.items() if key not in core)
    return msgspec.structs.replace(table, options=own), msgspec.structs.replace(table, options=theirs)


def _sound_engine_of(url: str, place: Place) -> Engine:
    """The same as `engine_of`, for a URL that the engine has nothing against. Raises ConfigError otherwise."""
    engine = engine_of(url, place)
    if problems := engine.faults(url):
        raise ConfigError([place.fault(f"option 'url': {problem}", "url") for problem in problems])
    return engine


def engine_of(url: str, place: Place) -> Engine:
    """The engine that a URL's scheme names. Raises ConfigError if there is none, BrokenReporter if it can't be had."""
    scheme, separator, _ = url.partition(":")
    if not separator:
        raise ConfigError([place.fault("option 'url': expected a URL, as in sqlite:///var/lib/shop/stream.db")])
    value = BUILT_IN.get(scheme)
    if value is None:
        # The standard library's own, which most queues have imported already: a worker needs nothing else of the other.
        from importlib.metadata import entry_points

        found = {entry.value for entry in entry_points(group=GROUP, name=scheme)}
        if len(found) > 1:
            problem = f"streams of {scheme}:// are provided more than once, by {' and '.join(sorted(found))}"
            raise ConfigError([place.fault(f"option 'url': {problem}: uninstall all but one")])
        if not found:
            raise ConfigError([place.fault(f"option 'url': {_missing(scheme)}")])
        (value,) = found
    module, _, attribute = value.partition(":")
    try:
        engine: Engine = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise BrokenReporter(
            f"{place}: can't import the engine of {scheme}://: {type(error).__name__}: {error}"
        ) from error
    return engine


def _missing(scheme: str) -> str:
    if scheme in OFFICIAL:
        return f"streams of {scheme}:// are not installed: run pip install {OFFICIAL[scheme]}"
    return f"no engine opens {scheme}://{did_you_mean(scheme, [*BUILT_IN, *OFFICIAL])}"
