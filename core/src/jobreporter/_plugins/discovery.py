"""Which plugin a reporter's name stands for, and importing it."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import importlib_metadata

from jobreporter._config.parse import RELAY
from jobreporter._config.places import Place
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._config.trust import distrust_of_folder
from jobreporter._config.wording import described, quoted
from jobreporter._nearest import did_you_mean, did_you_mean_or_all, nearest
from jobreporter._plugins.installed import REPORTERS, Installed
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
    entry = importlib_metadata.EntryPoint(name="", value=value, group=REPORTERS)
    try:
        module_name, attribute = entry.module, entry.attr or ""
    except ValueError:
        raise _broken(place, f"the entry point {quoted(value)}{origin} is malformed") from None
    try:
        found: Any = _module(module_name, folder)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the worker
        reason = _missing_module(module_name, error, folder) or described(error)
        raise _broken(place, f"can't import {quoted(module_name)}{origin}: {reason}") from error
    for name in filter(None, attribute.split(".")):
        try:
            found = getattr(found, name)
        except KeyboardInterrupt:
            raise
        except AttributeError as error:
            # A module within a package is no attribute of it before it is imported: `use = "shop:reporters"`.
            if hasattr(found, "__path__") and find_spec(f"{found.__name__}.{name}") is not None:
                found = _import(f"{found.__name__}.{name}", place, origin)
                continue
            problem = f"{quoted(module_name)}{origin} has no {quoted(attribute)}{_names_meant(name, found)}"
            raise _broken(place, f"{problem}") from error
        except BaseException as error:  # a module's own __getattr__
            raise _broken(place, f"can't import {quoted(value)}{origin}: {described(error)}") from error
    return found


def _broken(place: Place, problem: str) -> BrokenReporter:
    fault = place.fault(problem)
    return BrokenReporter(str(fault), fault=fault)


def _module(name: str, folder: Path | None) -> ModuleType:
    """The module; where it isn't found otherwise, that in the config's folder, if nobody else may write there.

    The folder is appended to ``sys.path``, never put first: it adds modules, and hides none.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if folder is None or not _lies_in(folder, name, error) or distrust_of_folder(folder, os.environ):
            raise
    sys.path.append(str(folder))
    try:
        return importlib.import_module(name)
    except BaseException:
        sys.path.remove(str(folder))
        raise


def _lies_in(folder: Path, name: str, error: ModuleNotFoundError) -> bool:
    """Whether it is this module that is missing, and not one that it imports; and whether it is in the folder."""
    if not f"{name}.".startswith(f"{error.name}.") or str(folder) in sys.path:
        return False
    return PathFinder.find_spec(name.partition(".")[0], [str(folder)]) is not None


def _names_meant(name: str, found: object) -> str:
    names: Mapping[str, object] = getattr(found, "__dict__", {})
    if hint := did_you_mean(name, names):
        return hint
    # What the module has made itself, and not what it has imported.
    own = [
        each for each, value in names.items() if getattr(value, "__module__", "") == getattr(found, "__name__", None)
    ]
    return did_you_mean_or_all(name, (each for each in own if not each.startswith("_")), "names in it")


def _missing_module(module_name: str, error: BaseException, folder: Path | None) -> str | None:
    """The reason in words where it is the top-level package itself that isn't there, and not one that it imports."""
    package = module_name.partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or error.name != package:
        return None
    reason = f"there is no module {quoted(package)} on sys.path"
    if folder is not None:
        distrust = distrust_of_folder(folder, os.environ)
        untrusted = f", which isn't searched, since it {distrust}" if distrust else ""
        return (
            f"{reason}, nor in the config's folder {quoted(folder)}{untrusted}: set PYTHONPATH, or install the package"
        )
    with suppress(FileNotFoundError):  # the working directory itself may have been deleted
        cwd = os.getcwd()
        if not {"", cwd} & set(sys.path):
            reason += f", and the working directory {cwd!r} is not on it: set PYTHONPATH, or install the package"
    return reason
