"""What others build on: `python -m tests.packaging.surface` writes it to docs/surface.json anew.

Within a major version it is only added to. A test holds it to what was recorded, so that whatever is removed or renamed is
removed or renamed on purpose, by recording it anew.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin

import click
import importlib_metadata
import msgspec

from jobreporter import ARGUMENTS, Options
from jobreporter._cli import main
from jobreporter._cli._listing import loaded
from jobreporter._cli._reference import options_of
from jobreporter._config.places import Place
from jobreporter._config.records import ReporterConfig
from jobreporter._config.settings import LaneSettings, ReporterSettings, Tables, When
from jobreporter._plugins.installed import COMMANDS, REPORTERS, SOURCES, STREAMS, scan
from jobreporter._stream.settings import StreamOptions

from .documents import ROOT

RECORDED = ROOT / "docs/surface.json"
#: The modules that others import.
MODULES = (
    "jobreporter",
    "jobreporter.recording",
    "jobreporter.schedules",
    "jobreporter.sourcekit",
    "jobreporter.streams",
    "jobreporter.testing",
)
#: The distributions of this repository.
OURS = {"jobreporter", *(f"jobreporter-{path.parent.name}" for path in ROOT.glob("plugins/*/pyproject.toml"))}


def surface() -> dict[str, Any]:
    """All of it, as it is now."""
    return {
        "hooks": {hook: list(arguments) for hook, arguments in ARGUMENTS.items()},
        "names": {name: sorted(import_module(name).__all__) for name in MODULES},
        "fields": dict(sorted(fields())),
        "arguments": dict(sorted(arguments())),
        "commands": dict(flags(main, click.Context(main), "jobreporter")),
        "config": config(),
        "options": options(),
        "entry points": sorted((COMMANDS, REPORTERS, SOURCES, STREAMS)),
    }


def public() -> Iterator[tuple[str, Any]]:
    """Everything that the modules publish, by its full name."""
    for module in MODULES:
        published = import_module(module)
        yield from ((f"{module}.{name}", getattr(published, name)) for name in published.__all__)


def fields() -> Iterator[tuple[str, list[str]]]:
    """The fields of each record."""
    for name, value in public():
        if inspect.isclass(value) and issubclass(value, msgspec.Struct):
            yield name, [field.name for field in msgspec.structs.fields(value)]
        elif inspect.isclass(value) and issubclass(value, tuple) and hasattr(value, "_fields"):
            yield name, list(value._fields)


def arguments() -> Iterator[tuple[str, list[str]]]:
    """The arguments of each function, of each class that is no record, and of its methods."""
    for name, value in public():
        if inspect.isfunction(value):
            yield name, list(inspect.signature(value).parameters)
        elif inspect.isclass(value) and not issubclass(value, msgspec.Struct | tuple):
            yield from methods(name, value)


def methods(name: str, value: type) -> Iterator[tuple[str, list[str]]]:
    """Those that are a class's own, or of a private base; the cases of a suite are its own matter."""
    if inspect.isfunction(value.__init__):
        yield name, list(inspect.signature(value.__init__).parameters)[1:]
    for attribute in sorted(dir(value)):
        found = inspect.getattr_static(value, attribute)
        found = found.__func__ if isinstance(found, staticmethod | classmethod) else found
        if attribute.startswith(("_", "test_")) or not str(getattr(found, "__module__", "")).startswith("jobreporter"):
            continue
        if inspect.isfunction(found):
            yield f"{name}.{attribute}", list(inspect.signature(found).parameters)


def flags(command: click.Command, context: click.Context, path: str) -> Iterator[tuple[str, list[str]]]:
    """The options and arguments of each command of core's own, with those below it."""
    parameters = [*command.params]
    yield (
        path,
        sorted(name for each in parameters for name in (each.opts if each.opts[0] != each.name else [str(each.name)])),
    )
    if isinstance(command, click.Group):
        own = getattr(command, "_own", None)
        for name in command.list_commands(context) if own is None else own:
            below = command.get_command(context, name)
            assert below is not None
            yield from flags(below, click.Context(below, parent=context), f"{path} {name}")


def config() -> dict[str, list[str]]:
    """The keys of each table of the config."""
    found: dict[str, type[msgspec.Struct]] = {"stream": StreamOptions}
    for field in msgspec.structs.fields(Tables):
        kind = get_args(field.type)[1] if get_origin(field.type) is dict else (get_args(field.type) or (field.type,))[0]
        found[field.encode_name] = kind
    found |= {"reporters.NAME": ReporterSettings, "reporters.NAME.when": When, "reporters.NAME.lane": LaneSettings}
    return {table: sorted(field.encode_name for field in msgspec.structs.fields(kind)) for table, kind in found.items()}


def options() -> dict[str, list[str]]:
    """The options of each reporter of this repository."""
    found: dict[str, list[str]] = {}
    for name, providers in sorted(scan(REPORTERS).items()):
        if {provider.distribution for provider in providers} <= OURS:
            plugin = loaded(ReporterConfig(name=name, use=name, place=Place(name)), {name: providers})
            assert issubclass(plugin.options_type or Options, Options)
            found[name] = [option.name for option in options_of(plugin)]
    return found


def missing(recorded: Any, now: Any, path: str = "") -> Iterator[str]:
    """What was recorded and is no more, each by where it stood."""
    if isinstance(recorded, dict):
        for key, value in recorded.items():
            if key not in now:
                yield f"{path}/{key}"
            else:
                yield from missing(value, now[key], f"{path}/{key}")
    else:
        yield from (f"{path}/{item}" for item in recorded if item not in now)


def installed() -> set[str]:
    """Those of the distributions of this repository that can be looked at here."""
    return {name for name in OURS if any(importlib_metadata.distributions(name=name))}


def record(path: Path = RECORDED) -> None:
    """Write it down. Raises RuntimeError where a distribution of this repository isn't installed, and so would be left out."""
    if absent := OURS - installed():
        raise RuntimeError(
            f"the surface can't be recorded without {', '.join(sorted(absent))}: install all of plugins/"
        )
    path.write_text(json.dumps(surface(), indent=2) + "\n")


if __name__ == "__main__":
    record()
