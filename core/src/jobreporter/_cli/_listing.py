"""The reporters that are installed, and those that the config names, as one list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from jobreporter._cli._terminal import others_aside
from jobreporter._config.agreement import RELAY
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._plugins.discovery import load_plugin
from jobreporter._plugins.factory import ReporterFactory
from jobreporter._plugins.installed import Installed
from jobreporter._plugins.plugin import Plugin
from jobreporter.errors import ConfigError, JobReporterError

Providers = Mapping[str, tuple[Installed, ...]]

Status = Literal["enabled", "available", "broken"]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One reporter, as ``jobreporter plugins --json`` shows it. Fields are only added."""

    name: str
    #: ``enabled``: the config switches it on, and it can be loaded. ``available``: it is installed, and off.
    #: ``broken``: the config switches it on, but it can't run; or two distributions provide it.
    status: Status
    #: Why it is broken, or what switched it off.
    reason: str | None = None
    #: The plugin: the entry point's name, or ``module:attribute`` of app-local code.
    use: str
    #: What provides it; ``None`` for app-local code, and for what isn't installed.
    distribution: str | None = None
    version: str | None = None


def listed(config: Config, installed: Providers) -> list[Listed]:
    """Every reporter by name. Those that the config enables are imported, the others are known from metadata alone."""
    configured = [row for reporter in config.reporters for row in _configured(reporter, installed)]
    named = {reporter.name for reporter in config.reporters}
    others = [row for name in installed if name not in named for row in _provided(name, installed[name])]
    return sorted(configured + others, key=lambda row: (row.name, row.distribution or ""))


def factory(reporter: ReporterConfig, installed: Providers) -> ReporterFactory:
    """How to load a reporter's plugin, whether it is enabled or not."""
    return ReporterFactory(reporter, lambda: loaded(reporter, installed))


def loaded(reporter: ReporterConfig, installed: Providers) -> Plugin:
    """A reporter's plugin, imported.

    Raises BrokenReporter, ConfigError or PluginError.
    """
    with others_aside():
        return load_plugin(reporter, installed)


def _configured(reporter: ReporterConfig, installed: Providers) -> list[Listed]:
    if not reporter.enabled:
        rows = _provided(reporter.name, installed.get(reporter.use, ()), reporter.use)
        off = f"switched off by {'the config' if reporter.disabled_by == 'config' else reporter.disabled_by}"
        return [
            row if row.status == "broken" else msgspec.structs.replace(row, reason=off)
            for row in rows or [Listed(name=reporter.name, status="available", use=reporter.use)]
        ]
    if reporter.use == RELAY:
        return [Listed(name=reporter.name, status="enabled", reason="a relay, which an agent runs", use=RELAY)]
    status, reason = _state(reporter, installed)
    providers = installed.get(reporter.use) or (None,)
    return [
        Listed(
            name=reporter.name,
            status=status,
            reason=reason,
            use=reporter.use,
            distribution=provider and provider.distribution,
            version=provider and provider.version,
        )
        for provider in providers
    ]


def _state(reporter: ReporterConfig, installed: Providers) -> tuple[Status, str | None]:
    try:
        factory(reporter, installed).prepare()
    except ConfigError as error:
        return "broken", "; ".join(map(str, error.faults))
    except JobReporterError as error:
        return "broken", str(error)
    return "enabled", None


def _provided(name: str, providers: tuple[Installed, ...], use: str | None = None) -> list[Listed]:
    """A reporter that is not enabled."""
    twice = len(providers) > 1
    return [
        Listed(
            name=name,
            status="broken" if twice else "available",
            reason="provided more than once: uninstall all but one" if twice else None,
            use=use or name,
            distribution=provider.distribution,
            version=provider.version,
        )
        for provider in providers
    ]
