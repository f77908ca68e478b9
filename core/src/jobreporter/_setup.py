"""From a config and plugins to what a dispatcher is made of."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from jobreporter._config.parse import parse
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._nearest import did_you_mean
from jobreporter._plugins.plugin import Plugin, load
from jobreporter._recipe import Loader, Recipe
from jobreporter.errors import ConfigError, Fault

IN_CODE = "Dispatcher(config=...)"


class Setup(NamedTuple):
    """What a dispatcher gets: the config, and a recipe for each enabled reporter."""

    config: Config
    recipes: tuple[Recipe, ...]


def from_objects(reporters: Mapping[str, object], config: Mapping[str, Any]) -> Setup:
    """The setup for plugins that a program made, configured by a dict in the shape of a config file.

    Raises PluginError for the first plugin that is refused, and ConfigError for all that is wrong with ``config``.
    """
    tables = config.get("reporters", {})
    if isinstance(tables, Mapping):
        strangers = [name for name in tables if name not in reporters]
        if strangers:
            raise ConfigError([_stranger(name, reporters) for name in strangers])
        config = {**config, "reporters": {name: tables.get(name, {}) for name in reporters}}
    parsed = parse(config, where=IN_CODE)
    plugins = {name: load(name, target) for name, target in reporters.items()}
    enabled = [reporter for reporter in parsed.reporters if reporter.enabled]
    return _setup(parsed, [Recipe(reporter, partial(plugins.__getitem__, reporter.name)) for reporter in enabled])


def _stranger(name: object, reporters: Mapping[str, object]) -> Fault:
    return Fault(
        f"{IN_CODE}, [reporters.{name}]", f"no reporter {str(name)!r} was given{did_you_mean(name, reporters)}"
    )


def from_file(path: str | os.PathLike[str] | None) -> Setup:
    """The setup that a config file describes; ``None``: the file that is found.

    Raises ConfigError for all that is wrong with it. A plugin that can't be loaded doesn't count: its reporter is broken.
    """
    # What only a file needs, a program without one doesn't import.
    from jobreporter import _discovery
    from jobreporter._config.load import load as load_config

    faults: list[Fault] = []
    try:
        config = load_config(path)
    except ConfigError as error:
        if not isinstance(error.config, Config):
            raise
        config, faults = error.config, [*error.faults]
    if not faults and not any(reporter.enabled for reporter in config.reporters):
        return Setup(config, ())
    installed = _discovery.scan()
    strangers = _discovery.check_reporters(config, installed)

    def loader(reporter: ReporterConfig) -> Loader:
        def load_plugin() -> Plugin:
            target = _discovery.load_target(reporter, installed)
            return load(reporter.name, target.object, distribution=target.distribution, version=target.version)

        return load_plugin

    unknown = {fault.where for fault in strangers}
    known = [reporter for reporter in config.reporters if reporter.enabled and reporter.where not in unknown]
    return _setup(config, [Recipe(reporter, loader(reporter)) for reporter in known], [*faults, *strangers])


def _setup(config: Config, recipes: Sequence[Recipe], faults: Sequence[Fault] = ()) -> Setup:
    """The setup, unless there are faults, those of the reporters' options included."""
    faults = [*faults, *(fault for recipe in recipes for fault in recipe.faults())]
    if faults:
        raise ConfigError(faults, config=config)
    return Setup(config, tuple(recipes))
