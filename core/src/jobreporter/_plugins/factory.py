"""What a lane needs to make its reporter, as often as it has to."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from jobreporter._capture.secret_names import SecretNames
from jobreporter._config.plugin_options import check_options, remarks_on, resolve_options
from jobreporter._config.records import ReporterConfig
from jobreporter._plugins.plugin import Plugin
from jobreporter._system.said import Said
from jobreporter.errors import BrokenReporter, ConfigError, Fault, PluginError
from jobreporter.options import Options

#: Loads a plugin. Raises BrokenReporter or PluginError if it can't be had now.
Loader = Callable[[], Plugin]


class Prepared(NamedTuple):
    """A plugin that was loaded, and the options to start it with."""

    plugin: Plugin
    options: Options | None


class ReporterFactory:
    """One enabled reporter: what the config says of it, and how to load its plugin."""

    def __init__(self, config: ReporterConfig, load: Loader) -> None:
        self.config = config
        self._load = load
        self._plugin: Plugin | None = None
        self._told: tuple[str, int] | None = None
        self._said: Said | None = None
        #: What the plugin remarks on its options, as sentences; known once it is loaded.
        self.remarks: list[str] = []

    @property
    def plugin(self) -> Plugin | None:
        """The plugin; ``None`` while it can't be loaded."""
        return self._plugin

    def faults(self) -> list[Fault]:
        """Load the plugin, and say what the config has wrong about its options.

        One that can't be loaded has none: that is its `trouble`, and `prepare` tries again.
        """
        try:
            plugin = self._load()
            faults = check_options(plugin.options_type, self.config, is_secret=SecretNames().__contains__)
        except (BrokenReporter, PluginError):
            return []
        self._plugin = plugin
        if not faults:
            self.remarks = remarks_on(plugin.options_type, self.config)
        return faults

    def trouble(self) -> BrokenReporter | PluginError | None:
        """Why the reporter can't run here and now though its config is right, if that is so."""
        try:
            self.prepare()
        except (BrokenReporter, PluginError) as error:
            return error
        except ConfigError:
            pass
        return None

    def share(self) -> None:
        """This process will fork others that have the same reporter: of what breaks it, one of them tells."""
        with suppress(OSError):  # there is no memory for it, so each tells for itself
            self._said = self._said or Said()

    def told(self, reason: str) -> None:
        """Remember that the log has the reason why this reporter is broken."""
        self._told = (reason, os.getpid())

    def has_told(self, reason: str, now: float, interval: float) -> bool:
        """Whether the log has that already: from this process for the first time, or from the one that forked it.

        Or, within the interval, from another that was forked by it. If not, the caller is to tell. now: monotonic.
        """
        if self._told is not None and self._told[0] == reason:
            if self._told[1] == os.getpid():
                self._told = None
            return True
        return self._said is not None and self._said.lately(reason, now, interval)

    def prepare(self) -> Prepared:
        """The plugin with its options, read afresh: a secret may have changed since.

        Raises BrokenReporter, PluginError or ConfigError where it can't be done now.
        """
        if self._plugin is None:
            self._plugin = self._load()
        return Prepared(self._plugin, resolve_options(self._plugin.options_type, self.config))
