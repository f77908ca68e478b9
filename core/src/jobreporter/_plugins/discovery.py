"""Which plugin a reporter's name stands for, and importing it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import importlib_metadata

from jobreporter._config.agreement import RELAY
from jobreporter._config.places import Place
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._config.wording import quoted
from jobreporter._nearest import did_you_mean, did_you_mean_or_all, nearest
from jobreporter._plugins.installed import REPORTERS, Installed
from jobreporter._plugins.missing import Home
from jobreporter._plugins.named import NotFoundError, attribute_of, module_named
from jobreporter._plugins.plugin import Plugin, load
from jobreporter.errors import BrokenReporter, ConfigError, Fault

#: Where reporters come from that this project publishes beside the core.
OFFICIAL = {name: f"jobreporter-{name}" for name in ("sentry", "prometheus", "honeybadger", "history", "notify")}


class Target(NamedTuple):
    """What a reporter's name stands for: the plugin, and where it came from (``None`` for app-local code)."""

    object: Any
    distribution: str | None
    version: str | None


def check_reporters(config: Config, installed: Mapping[str, tuple[Installed, ...]]) -> dict[str, Fault]:
    """What is wrong with the names of the enabled reporters: not installed, or provided more than once."""
    plugins = [reporter for reporter in config.reporters if reporter.enabled and reporter.use != RELAY]
    problems = ((reporter, _problem(reporter, installed)) for reporter in plugins)
    return {reporter.name: reporter.place.fault(problem) for reporter, problem in problems if problem}


def _problem(reporter: ReporterConfig, installed: Mapping[str, tuple[Installed, ...]]) -> str | None:
    use = reporter.use
    if ":" in use:
        return None
    if use == RELAY:
        return "it is a relay, which an agent runs without a plugin"
    providers = installed.get(use, ())
    if len(providers) == 1:
        return None
    if providers:
        names = " and ".join(f"{provider.distribution} {provider.version}" for provider in providers)
        return f"reporter {quoted(use)} is provided more than once, by {names}: uninstall all but one"
    if use in OFFICIAL:
        return f"reporter {quoted(use)} is not installed: run pip install {OFFICIAL[use]}"
    bare = re.sub(r"\Ajobreporter[-_]", "", use)  # as what brings it is called
    meant = nearest(bare, [*installed, *OFFICIAL])
    hint = did_you_mean(bare, [*installed, *OFFICIAL]) or did_you_mean_or_all(use, installed, "installed ones")
    problem = f"no reporter {quoted(use)} is installed{hint}"
    if meant in OFFICIAL and meant not in installed:
        problem += f" It comes with pip install {OFFICIAL[meant]}"
    elif not meant:
        problem += ". Code of your own is named by use = 'module:attribute'"
    return problem


def load_plugin(reporter: ReporterConfig, installed: Mapping[str, tuple[Installed, ...]]) -> Plugin:
    """The plugin that a reporter uses, imported and validated.

    Raises BrokenReporter, ConfigError or PluginError.
    """
    target = load_target(reporter, installed)
    return load(reporter.name, target.object, distribution=target.distribution, version=target.version)


def load_target(reporter: ReporterConfig, installed: Mapping[str, tuple[Installed, ...]]) -> Target:
    """Import what a reporter uses.

    Raises BrokenReporter, with its cause, if that fails, whatever the plugin's module raises but KeyboardInterrupt;
    ConfigError for a name that `check_reporters` would refuse.
    """
    if problem := _problem(reporter, installed):
        raise ConfigError([reporter.place.fault(problem)])
    if ":" in reporter.use:
        return Target(_import(reporter.use, reporter.place, origin="", folder=reporter.folder), None, None)
    (provider,) = installed[reporter.use]
    origin = f" of {provider.distribution} {provider.version}"
    return Target(_import(provider.value, reporter.place, origin), provider.distribution, provider.version)


def _import(value: str, place: Place, origin: str, folder: Path | None = None) -> Any:
    module_name, attribute = _parts(value, place, origin)
    try:
        module = module_named(module_name, None if folder is None else Home(folder), of=origin)
        return attribute_of(module, attribute, of=origin)
    except NotFoundError as error:
        raise _broken(place, str(error)) from error.__cause__


def _parts(value: str, place: Place, origin: str) -> tuple[str, str]:
    """The module, and the attribute of it."""
    if not origin:
        module, _, attribute = map(str.strip, value.partition(":"))
        if module and attribute:
            return module, attribute
        raise _broken(place, f"{quoted(value)} names nothing: expected 'module:attribute'")
    entry = importlib_metadata.EntryPoint(name="", value=value, group=REPORTERS)
    try:
        return entry.module, entry.attr or ""
    except ValueError:
        raise _broken(place, f"the entry point {quoted(value)}{origin} is malformed") from None


def _broken(place: Place, problem: str) -> BrokenReporter:
    fault = place.fault(problem)
    return BrokenReporter(str(fault), fault=fault)
