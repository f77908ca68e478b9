"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import msgspec

from jobreporter._config.records import ReporterConfig
from jobreporter._nearest import did_you_mean_or_all

Function = TypeVar("Function", bound=Callable[..., Any])


def reporter_option(help_text: str) -> Callable[[Function], Function]:
    """``--reporter NAME``, as often as is wanted."""
    return click.option("--reporter", "names", metavar="NAME", multiple=True, help=help_text)


def json_option(function: Function) -> Function:
    """``--json``."""
    return click.option("--json", "for_programs", is_flag=True, help="For programs.")(function)


def chosen(reporters: Iterable[ReporterConfig], names: Iterable[str]) -> list[ReporterConfig]:
    """The reporters of a config that ``--reporter`` names; all of them without it. An unknown name is wrong usage."""
    found = {reporter.name: reporter for reporter in reporters}
    for name in names:
        if name not in found:
            hint = did_you_mean_or_all(name, found, "reporters")
            raise click.BadParameter(f"the config has no reporter {name!r}{hint}", param_hint="--reporter")
    return [reporter for name, reporter in found.items() if not names or name in names]


def as_json(value: Any) -> str:
    """A record for programs."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
