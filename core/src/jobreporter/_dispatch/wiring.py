"""From a config and plugins to what a dispatcher is made of."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import msgspec

from jobreporter._config.agreement import RELAY
from jobreporter._config.parse import parse
from jobreporter._config.places import Place
from jobreporter._config.records import Config, Note, Parsed, ReporterConfig
from jobreporter._nearest import did_you_mean_or_all
from jobreporter._plugins.factory import Loader, ReporterFactory
from jobreporter._plugins.plugin import load
from jobreporter._publish.identity import Identity
from jobreporter._system.log_aside import log_aside
from jobreporter._version import __version__
from jobreporter.context import Context, LaneStats
from jobreporter.errors import BrokenReporter, ConfigError, Fault, PluginError
from jobreporter.schedules import Schedule, ScheduleError, next_due

logger = logging.getLogger("jobreporter")

IN_CODE = Place("Dispatcher(config=...)")


class Wiring(NamedTuple):
    """What a dispatcher or an agent gets: the config, and a factory for each enabled reporter."""

    config: Config
    factories: tuple[ReporterFactory, ...]
    #: Of an agent: the relays that are on.
    relays: tuple[ReporterConfig, ...] = ()

    def context(self, identity: Identity, stats: Callable[[], dict[str, LaneStats]]) -> Context:
        """What reporters of this process are started with."""
        config, path = self.config.context, self.config.path
        return Context(
            service=config.service,
            environment=config.environment,
            release=config.release,
            host=identity.host,
            pid=identity.pid,
            version=__version__,
            stats=stats,
            page=config.page,
            schedules=schedules_of(self.config),
            config=None if path is None else str(path),
        )


class Survey(NamedTuple):
    """A config with the plugins that it switches on, and everything that is wrong with them."""

    parsed: Parsed
    #: One for each enabled reporter whose plugin is known by its name.
    factories: tuple[ReporterFactory, ...]
    #: What stops a worker, that of the plugins' options included.
    faults: tuple[Fault, ...]

    def wiring(self) -> Wiring:
        """What a dispatcher gets. Raises ConfigError with everything that is wrong, if a worker must not start.

        In that case it says also which reporters would be broken, which alone would stop nobody: so all is told in one
        go.
        """
        if self.faults:
            troubles = ((factory.config, factory.trouble()) for factory in self.factories)
            broken = [fault_of(error, reporter) for reporter, error in troubles if error]
            raise ConfigError(in_order([*self.faults, *broken]))
        for warning in (*self.parsed.warnings, *self.parsed.left_out):
            log_aside(logger, logging.WARNING, "%s", warning)
        for note in self.parsed.notes:
            log_aside(logger, logging.WARNING if note.doubtful else logging.INFO, "%s", note.text)
        relays = (each for each in self.parsed.config.reporters if each.enabled and each.use == RELAY)
        return Wiring(self.parsed.config, self.factories, tuple(relays))


def schedules_of(config: Config) -> tuple[Schedule, ...]:
    """The schedules of a config, as they are told to reporters."""
    return tuple(
        Schedule(name=name, **{**msgspec.structs.asdict(each), "job": each.job or name})
        for name, each in config.schedules.items()
    )


def from_objects(reporters: Mapping[str, object], config: Mapping[str, Any]) -> Wiring:
    """The wiring for plugins that a program made, configured by a dict in the shape of a config file.

    Raises PluginError for the first plugin that is refused, and ConfigError for all that is wrong with ``config``.
    """
    tables = config.get("reporters", {})
    strangers: list[Fault] = []
    if isinstance(tables, Mapping):
        strangers = [_stranger(name, reporters) for name in tables if name not in reporters]
        config = {**config, "reporters": {name: tables.get(name, {}) for name in reporters}}
    parsed = parse(config, IN_CODE)
    plugins = {name: load(name, target) for name, target in reporters.items()}
    factories = [
        # They run in this program, whatever the config says of a stream.
        ReporterFactory(msgspec.structs.replace(reporter, in_agent=False), partial(plugins.__getitem__, reporter.name))
        for reporter in parsed.config.reporters
        if reporter.enabled
    ]
    return _survey(parsed, factories, strangers).wiring()


def _stranger(name: object, reporters: Mapping[str, object]) -> Fault:
    hint = did_you_mean_or_all(name, reporters, "reporters")
    return IN_CODE.below("reporters", str(name)).fault(f"no reporter {str(name)!r} was given{hint}")


def from_file(path: str | os.PathLike[str] | None) -> Wiring:
    """The wiring that a config file describes; ``None``: the file that is found.

    Raises ConfigError for all that is wrong with it. A plugin that can't be loaded doesn't count: its reporter is broken.
    """
    return survey(path, "worker").wiring()


def survey(path: str | os.PathLike[str] | None, place: Literal["worker", "agent"] | None = None) -> Survey:
    """What a config file says, ``None``: the file that is found, with the plugins that it names loaded.

    place: where they are to run. With a stream, what runs in the other place is not looked at, neither its plugins nor its
    options; without one, everything runs in the worker. ``None``: everything is looked at. Raises ConfigError only where
    there is nothing to read.
    """
    # What only a file needs, a program without one doesn't import.
    from jobreporter._config.load import load as load_config

    parsed = load_config(path)
    if place != "worker" and not parsed.faults:
        parsed = parsed._replace(faults=(*parsed.faults, *_faults_of_schedules(parsed.config)))
    lanes: list[ReporterFactory] = []
    if parsed.config.stream is not None:
        parsed, lanes = _with_stream(parsed, place)
    enabled = [reporter for reporter in parsed.config.reporters if reporter.enabled]
    if not enabled:
        return Survey(parsed, tuple(lanes), parsed.faults)
    # Nor does a worker whose reporters all run in an agent import what finds plugins.
    from jobreporter._plugins import discovery
    from jobreporter._plugins.installed import scan

    installed = scan()
    strangers = discovery.check_reporters(parsed.config, installed)

    def loader(reporter: ReporterConfig) -> Loader:
        return partial(discovery.load_plugin, reporter, installed)

    known = [reporter for reporter in enabled if reporter.name not in strangers and reporter.use != RELAY]
    factories = [ReporterFactory(reporter, loader(reporter)) for reporter in known]
    return _unwatched(_survey(parsed, [*lanes, *factories], strangers.values()))


def _faults_of_schedules(config: Config) -> Iterator[Fault]:
    """What only evaluating shows, which no worker does."""
    for schedule in schedules_of(config):
        if schedule.cron is None:
            continue
        try:
            next_due(schedule, 0)
        except ScheduleError as error:
            place = config.place.below("schedules", schedule.name)
            yield (
                place.fault(f"key {error.key!r}: {error.problem}", error.key)
                if error.key
                else place.fault(error.problem)
            )


def _unwatched(found: Survey) -> Survey:
    """Nobody looks at schedules but agents, and reporters that do something by time.

    found: with its plugins loaded. Of one that can't be had now, nobody knows what it does.
    """
    parsed = found.parsed
    if not parsed.config.schedules or parsed.config.stream is not None:
        return found
    if any(each.plugin is None or each.plugin.ticks for each in found.factories):
        return found
    what = "[schedules] has no effect: agents of a [stream] watch them, or a reporter that does so by itself"
    return found._replace(parsed=parsed._replace(notes=(*parsed.notes, Note(what, doubtful=True))))


def _with_stream(parsed: Parsed, place: Literal["worker", "agent"] | None) -> tuple[Parsed, list[ReporterFactory]]:
    """What is left of a config in one place, and the lane that a worker has to the stream."""
    # What a worker without a stream has no use for, it doesn't import.
    from jobreporter._stream.settings import stream_faults

    config = parsed.config
    parsed = parsed._replace(faults=(*parsed.faults, *stream_faults(config), *_faults_of_relays(config, place)))
    if place is None:
        return parsed, []
    chosen = tuple(reporter for reporter in config.reporters if reporter.where == place)
    config = msgspec.structs.replace(config, reporters=chosen)
    parsed = parsed._replace(config=config)
    if place == "agent" or parsed.faults:
        return parsed, []
    from jobreporter._stream.reporter import lane_config, reporter_for

    lane = lane_config(config)
    return parsed, [ReporterFactory(lane, partial(load, lane.name, reporter_for(config)))]


def _faults_of_relays(config: Config, place: Literal["worker", "agent"] | None) -> Iterator[Fault]:
    """What is wrong with the targets of relays, which a worker has nothing to do with."""
    relays = [each for each in config.reporters if each.enabled and each.use == RELAY]
    if place == "worker" or not relays:
        return
    from jobreporter._stream.relay_settings import relay_faults

    for relay in relays:
        yield from relay_faults(relay, config)


def _survey(parsed: Parsed, factories: Sequence[ReporterFactory], strangers: Iterable[Fault]) -> Survey:
    of_options = [fault for factory in factories for fault in factory.faults()]
    remarks = [Note(remark, doubtful=True) for factory in factories for remark in factory.remarks]
    parsed = parsed._replace(notes=(*parsed.notes, *remarks))
    return Survey(parsed, tuple(factories), tuple(in_order([*parsed.faults, *strangers, *of_options])))


def fault_of(error: BrokenReporter | PluginError, reporter: ReporterConfig) -> Fault:
    """What keeps a reporter from running, told like what is wrong in the config."""
    known = getattr(error, "fault", None)
    return known if known is not None else reporter.place.fault(str(error))


def in_order(faults: Sequence[Fault]) -> list[Fault]:
    """The faults as they stand in the file, those of no line first."""
    return sorted(faults, key=lambda fault: fault.line or 0)
