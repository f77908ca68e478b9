"""The tests of a reporter that ``pytest --jobreporter-reporter NAME`` names: pytest is given this file."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from jobreporter.testing import ReporterConformance


class TestReporter(ReporterConformance):
    """`ReporterConformance`, of the reporter and with the options that the command line says."""

    _given: list[str]

    @pytest.fixture(autouse=True)
    def _named(self, pytestconfig: pytest.Config) -> None:
        type(self).reporter = pytestconfig.getoption("jobreporter_reporter")
        self._given = pytestconfig.getoption("jobreporter_options")

    def options(self) -> dict[str, Any]:
        """Each ``KEY=VALUE``, with the port of the stand-in and the folder filled in."""
        here = {"{port}": str(self.stand_in.port), "{folder}": str(self.folder)}
        return tomllib.loads("\n".join(_line(given, here) for given in self._given))


def _line(given: str, here: dict[str, str]) -> str:
    """A line of TOML. A value that TOML doesn't take is text."""
    key, _, value = given.partition("=")
    for name, filling in here.items():
        value = value.replace(name, filling)
    line = f"{key} = {value}"
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return f"{key} = {json.dumps(value)}"
    return line
