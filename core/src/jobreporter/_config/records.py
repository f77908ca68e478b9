"""The config as frozen records, after everything in the file was found right."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from jobreporter._settings import CaptureSettings, LaneSettings, When


class RawOptions(dict[str, Any]):
    """A plugin's options as they stand in the file: not yet checked, so any of them may be a secret."""

    def __repr__(self) -> str:
        return f"RawOptions({', '.join(map(str, self))})"


class ReporterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[reporters.NAME]``."""

    name: str
    #: The entry point that provides it, or ``module:attribute``.
    use: str
    #: What switched it off, ``None`` while it is on.
    disabled_by: Literal["config", "JOBREPORTER_DISABLE"] | None = None
    when: When = When()
    lane: LaneSettings = LaneSettings()
    #: Everything in the table that is not the core's own.
    options: RawOptions = msgspec.field(default_factory=RawOptions)
    #: File and table, for messages.
    where: str
    #: Where relative paths of ``{ file = ... }`` start.
    folder: Path = Path()

    @property
    def enabled(self) -> bool:
        return self.disabled_by is None


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A config file, or without one, the defaults and no reporters."""

    #: The file; ``None`` without one.
    path: Path | None = None
    service: str | None = None
    environment: str | None = None
    release: str | None = None
    #: Seconds that closing may take when the process exits.
    exit_timeout: float = 2.0
    capture: CaptureSettings = CaptureSettings()
    #: In the order of the file, the disabled ones too.
    reporters: tuple[ReporterConfig, ...] = ()
