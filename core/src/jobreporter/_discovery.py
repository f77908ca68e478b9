"""Which reporters are installed, by their metadata alone, and importing those that the config enables."""

from __future__ import annotations

import importlib
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, NamedTuple

import importlib_metadata

from jobreporter._config.records import Config, ReporterConfig
from jobreporter._config.wording import described, quoted
from jobreporter._nearest import did_you_mean, nearest
from jobreporter.errors import BrokenReporter, ConfigError, Fault

GROUP = "jobreporter.reporters"
#: Where reporters come from that this project publishes beside the core.
OFFICIAL = {name: f"jobreporter-{name}" for name in ("sentry", "prometheus", "honeybadger")}

logger = logging.getLogger("jobreporter")


class Installed(NamedTuple):
    """A reporter that an installed distribution provides, as its metadata says; nothing was imported to know it."""

    name: str
    #: ``module`` or ``module:attribute``.
    value: str
    distribution: str
    version: str


class Target(NamedTuple):
    """What a reporter's name stands for: the plugin, and where it came from (``None`` for app-local code)."""

    object: Any
    distribution: str | None
    version: str | None


def scan() -> dict[str, tuple[Installed, ...]]:
    """Every installed reporter by name, in one look over ``sys.path``. More than one under a name is for the caller."""
    found: dict[str, tuple[Installed, ...]] = {}
    for installed in _installed():
        found[installed.name] = (*found.get(installed.name, ()), installed)
    return found


def _installed() -> Iterator[Installed]:
    seen: set[str] = set()
    for candidate in importlib_metadata.distributions():
        try:
            # Asking every distribution for its name and its parsed entry points would cost several times as much, and
            # few have any of ours.
            if f"[{GROUP}]" not in (candidate.read_text("entry_points.txt") or ""):
                continue
            name = _headers(candidate).get("Name")
            if name is None or (normalized := re.sub(r"[-_.]+", "-", name).lower()) in seen:
                continue
            seen.add(normalized)
            # Of several distributions with one name, Python imports the first; the others are shadowed.
            distribution = importlib_metadata.distribution(name)
            version = _headers(distribution).get("Version", "of unknown version")
            provided = distribution.entry_points.select(group=GROUP)
        except Exception as error:  # a stranger's broken metadata must not hide the others
            logger.warning("%s can't be read, so its reporters are not seen: %s", candidate, described(error))
            continue
        yield from (Installed(entry.name, entry.value, name, version) for entry in provided)


def _headers(distribution: importlib_metadata.IDistribution) -> dict[str, str]:
    """The metadata of a distribution; empty for a folder that an upgrade left over.

    Read by hand, since ``distribution.name`` imports the email package, which takes longer than the whole scan.
    """
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    head, _, _ = text.partition("\n\n")
    return dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)


def check_reporters(config: Config, installed: Mapping[str, tuple[Installed, ...]]) -> list[Fault]:
    """What is wrong with the names of the enabled reporters: not installed, or provided more than once."""
    problems = ((reporter, _problem(reporter, installed)) for reporter in config.reporters if reporter.enabled)
    return [Fault(reporter.where, problem) for reporter, problem in problems if problem]


def _problem(reporter: ReporterConfig, installed: Mapping[str, tuple[Installed, ...]]) -> str | None:
    use = reporter.use
    if ":" in use:
        return None
    providers = installed.get(use, ())
    if len(providers) == 1:
        return None
    if providers:
        names = " and ".join(f"{provider.distribution} {provider.version}" for provider in providers)
        return f"reporter {quoted(use)} is provided more than once, by {names}: uninstall all but one"
    if use in OFFICIAL:
        return f"reporter {quoted(use)} is not installed: run pip install {OFFICIAL[use]}"
    meant = nearest(use, [*installed, *OFFICIAL])
    problem = f"no reporter {quoted(use)} is installed{did_you_mean(use, [*installed, *OFFICIAL])}"
    if meant in OFFICIAL and meant not in installed:
        problem += f" It comes with pip install {OFFICIAL[meant]}"
    if "." in use:
        problem += ". App-local code is written 'module:attribute'"
    return problem


def load_target(reporter: ReporterConfig, installed: Mapping[str, tuple[Installed, ...]]) -> Target:
    """Import the plugin that a reporter uses.

    Raises BrokenReporter, with its cause, if that fails, whatever the plugin's module raises but KeyboardInterrupt;
    ConfigError for a name that `check_reporters` would refuse.
    """
    if problem := _problem(reporter, installed):
        raise ConfigError([Fault(reporter.where, problem)])
    if ":" in reporter.use:
        return Target(_import(reporter.use, reporter.where, origin=""), None, None)
    (provider,) = installed[reporter.use]
    origin = f" of {provider.distribution} {provider.version}"
    return Target(_import(provider.value, reporter.where, origin), provider.distribution, provider.version)


def _import(value: str, where: str, origin: str) -> Any:
    entry = importlib_metadata.EntryPoint(name="", value=value, group=GROUP)
    try:
        module_name, attribute = entry.module, entry.attr or ""
    except ValueError:
        raise BrokenReporter(f"{where}: the entry point {quoted(value)}{origin} is malformed") from None
    try:
        found: Any = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the worker
        reason = _missing_module(module_name, error) or described(error)
        raise BrokenReporter(f"{where}: can't import {quoted(module_name)}{origin}: {reason}") from error
    for name in filter(None, attribute.split(".")):
        try:
            found = getattr(found, name)
        except KeyboardInterrupt:
            raise
        except AttributeError as error:
            # A module within a package is no attribute of it before it is imported: `use = "shop:reporters"`.
            if hasattr(found, "__path__") and find_spec(f"{found.__name__}.{name}") is not None:
                found = _import(f"{found.__name__}.{name}", where, origin)
                continue
            hint = did_you_mean(name, getattr(found, "__dict__", ()))
            problem = f"{quoted(module_name)}{origin} has no {quoted(attribute)}{hint}"
            raise BrokenReporter(f"{where}: {problem}") from error
        except BaseException as error:  # a module's own __getattr__
            raise BrokenReporter(f"{where}: can't import {quoted(value)}{origin}: {described(error)}") from error
    return found


def _missing_module(module_name: str, error: BaseException) -> str | None:
    """The reason in words where it is the top-level package itself that isn't there, and not one that it imports."""
    package = module_name.partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or error.name != package:
        return None
    reason = f"there is no module {quoted(package)} on sys.path"
    with suppress(FileNotFoundError):  # the working directory itself may have been deleted
        folder = os.getcwd()
        if not {"", folder} & set(sys.path):
            reason += f", and the working directory {folder!r} is not on it: set PYTHONPATH, or install the package"
    return reason
