"""What a lane needs to make its reporter, as often as it has to."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jobreporter._config.plugin_options import check_options, resolve_options
from jobreporter._config.records import ReporterConfig
from jobreporter._plugins.plugin import Plugin
from jobreporter.errors import BrokenReporter, Fault, PluginError
from jobreporter.options import Options

#: Loads a plugin. Raises BrokenReporter or PluginError if it can't be had now.
Loader = Callable[[], Plugin]


class Prepared(NamedTuple):
    """A plugin that was loaded, and the options to start it with."""

    plugin: Plugin
    options: Options | None


class Recipe:
    """One enabled reporter: what the config says of it, and how to load its plugin."""

    def __init__(self, config: ReporterConfig, load: Loader) -> None:
        self.config = config
        self._load = load
        self._plugin: Plugin | None = None

    def faults(self) -> list[Fault]:
        """Load the plugin, and say what the config has wrong about its options.

        One that can't be loaded has no faults: it is broken, and `prepare` tries again.
        """
        try:
            plugin = self._load()
            faults = check_options(plugin.options_type, self.config)
        except (BrokenReporter, PluginError):
            return []
        self._plugin = plugin
        return faults

    def prepare(self) -> Prepared:
        """The plugin with its options, read afresh: a secret may have changed since.

        Raises BrokenReporter, PluginError or ConfigError where it can't be done now.
        """
        if self._plugin is None:
            self._plugin = self._load()
        return Prepared(self._plugin, resolve_options(self._plugin.options_type, self.config))
