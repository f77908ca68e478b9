"""What a plugin's entry points stand for, imported."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import msgspec

from jobreporter._cli._entries import named_by
from jobreporter._cli._listing import loaded
from jobreporter._cli._names import LANES, OWN
from jobreporter._cli._readiness.subject import Subject
from jobreporter._cli._reference import Option, description_of, options_of
from jobreporter._cli._terminal import others_aside
from jobreporter._config.places import Place
from jobreporter._config.plugin_options import check_usable
from jobreporter._config.records import ReporterConfig
from jobreporter._config.wording import described
from jobreporter._plugins.installed import COMMANDS, REPORTERS, Installed, scan
from jobreporter.errors import JobReporterError
from jobreporter.sourcekit import UnusableLibrary


class Provided(msgspec.Struct, frozen=True, kw_only=True):
    """What one entry point stands for."""

    name: str
    description: str | None
    options: list[Option] = []


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """All that could be imported, and why the rest could not."""

    found: tuple[Provided, ...]
    troubles: tuple[str, ...]


def load(subject: Subject) -> Loaded:
    """Import everything that a plugin announces."""
    found: list[Provided] = []
    troubles: list[str] = [*_taken(subject)]
    for group, name, value in subject.entries:
        provider = Installed(name, value, subject.name, subject.version)
        try:
            with others_aside():
                found += _provided(group, provider)
        except UnusableLibrary as unusable:
            troubles.append(f"{name!r}: {unusable.library.remedy}, to try it here")
        except KeyboardInterrupt:
            raise
        except JobReporterError as error:
            troubles.append(str(error))
        except BaseException as error:  # whatever its module raises, SystemExit too
            troubles.append(f"{value!r} can't be imported: {described(error)}")
    return Loaded(found=tuple(found), troubles=tuple(troubles))


def _taken(subject: Subject) -> Iterator[str]:
    """Names that somebody else has: a worker can't tell which one is meant."""
    for group, name, _ in subject.entries:
        others = [each for each in scan(group).get(name, ()) if _same(each.distribution) != _same(subject.name)]
        owner = f"{others[0].distribution} {others[0].version}" if others else None
        if group == REPORTERS and not owner:
            owner = LANES.get(name)
            if name in OWN and _same(subject.name) != f"jobreporter-{name}":
                owner = f"the package jobreporter-{name}"
        if owner:
            yield f"the name {name!r} is taken by {owner}"


def _same(distribution: str) -> str:
    """The name of a distribution as an installer compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _provided(group: str, provider: Installed) -> Iterator[Provided]:
    if group == REPORTERS:
        reporter = ReporterConfig(name=provider.name, use=provider.name, place=Place(f"reporter {provider.name!r}"))
        plugin = loaded(reporter, {provider.name: (provider,)})
        if plugin.options_type is not None:
            check_usable(plugin.options_type, reporter)
        yield Provided(name=provider.name, description=description_of(plugin), options=options_of(plugin))
        return
    target = named_by(provider.value)
    if group != COMMANDS:
        yield Provided(name=provider.name, description=inspect.getdoc(target))
