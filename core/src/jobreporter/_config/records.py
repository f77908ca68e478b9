"""A config as frozen records, after everything in the file was found right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from jobreporter._config.lines import KeyPath
from jobreporter._config.places import Place
from jobreporter._config.settings import ReporterSettings, Tables
from jobreporter.errors import ConfigError, Fault
from jobreporter.options import Placement


class RawOptions(dict[str, Any]):
    """A plugin's options as they stand in the file: not yet checked, so any of them may be a secret."""

    def __repr__(self) -> str:
        return f"RawOptions({', '.join(map(str, self))})"


class ReporterConfig(ReporterSettings, frozen=True, kw_only=True):
    """``[reporters.NAME]``."""

    name: str
    #: The entry point that provides it, or ``module:attribute``.
    use: str
    #: What switched it off: ``config`` or ``JOBREPORTER_DISABLE``; ``None`` while it is on.
    disabled_by: str | None = None
    #: Whether it runs in an agent: with a ``[stream]``, unless the table says ``where = "worker"``.
    in_agent: bool = False
    #: Everything in the table that is not the core's own.
    options: RawOptions = msgspec.field(default_factory=RawOptions)
    place: Place
    #: Where relative paths of ``{ file = ... }`` start, and where a module that isn't installed is looked for; ``None``
    #: without a file.
    folder: Path | None = None

    @property
    def placement(self) -> Placement:
        """Where it is to run, as plugins are told."""
        return Placement(place="agent" if self.in_agent else "worker", agents=self.lane.agents)


class Config(Tables, frozen=True, kw_only=True):
    """A config file, or without one, the defaults and no reporters."""

    #: The file; ``None`` without one.
    path: Path | None = None
    place: Place = Place("the config")
    #: Where the core's own keys that are set got their values: ``config``, ``env NAME`` or ``file PATH``.
    origins: Mapping[KeyPath, str] = {}
    #: ``[stream]`` as it stands in the file: read as a reporter's table is, by those who know what may stand there.
    stream: ReporterConfig | None = None
    #: In the order of the file, those that are switched off too.
    reporters: tuple[ReporterConfig, ...] = ()


class Note(NamedTuple):
    """A remark. doubtful: whether it may be about a mistake."""

    text: str
    doubtful: bool


class Parsed(NamedTuple):
    """What a file says, and everything that is wrong with it."""

    config: Config
    #: What stops a worker.
    faults: tuple[Fault, ...] = ()
    #: What a worker only logs, and ``jobreporter check`` doesn't let pass.
    warnings: tuple[Fault, ...] = ()
    #: What somebody may want to know, and is right in itself.
    notes: tuple[Note, ...] = ()
    #: What is left out, since a reference leads nowhere here; logged like a warning.
    left_out: tuple[Fault, ...] = ()

    def checked(self) -> Config:
        """The config. Raises ConfigError with every fault, if there are any."""
        if self.faults:
            raise ConfigError(self.faults)
        return self.config
