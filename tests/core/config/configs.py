"""Configs for these tests: from text, with faults as text, and single reporters."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from jobreporter._config.lines import Lines
from jobreporter._config.parse import parse
from jobreporter._config.places import Place
from jobreporter._config.records import Config, Parsed, RawOptions, ReporterConfig
from jobreporter.errors import ConfigError

FILE = "/srv/shop/jobreporter.toml"


def parsed(text: str, *, path: Path | None = None, **environ: str) -> Parsed:
    """What a file with this text says."""
    return parse(tomllib.loads(text), Place(FILE, lines=Lines(text)), path=path, environ=environ)


def read(text: str, **environ: str) -> Config:
    """The config of a file with this text, in which nothing is wrong."""
    return parsed(text, **environ).checked()


def faults_of(text: str, **environ: str) -> list[str]:
    """What is wrong in a file with this text."""
    with pytest.raises(ConfigError) as caught:
        read(text, **environ)
    return list(map(str, caught.value.faults))


def reporter(folder: Path = Path(), /, **options: Any) -> ReporterConfig:
    """A reporter with these options, in a file without lines."""
    place = Place("jobreporter.toml", table=("reporters", "x"))
    return ReporterConfig(name="x", use="x", options=RawOptions(options), place=place, folder=folder)
