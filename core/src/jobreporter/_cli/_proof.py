"""What reporters say of a failure in the program's own set-up, tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from jobreporter._dispatch.wiring import survey
from jobreporter.errors import ConfigError, Fault
from jobreporter.options import Options

# Seconds that the program's import and the trials may take together.
_PATIENCE = 120.0


class Asked(msgspec.Struct, frozen=True):
    """What is to be tried."""

    app: str
    config: str | None
    reporters: list[str]


class Proof(msgspec.Struct, frozen=True):
    """What came of it. problems: what is wrong, each with the place in the config of the reporter that says so."""

    problems: list[Fault] = []
    notes: list[str] = []


def proof(app: str, path: str | None, names: Iterable[str]) -> Proof:
    """What the reporters with these names say, as far as their plugins look at an application at all."""
    asked = _that_look_at_apps(path, names)
    if not asked:
        return Proof()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        request = msgspec.json.encode(Asked(app, path, asked))
        command = [sys.executable, "-m", "jobreporter._cli._prover", str(answer)]
        try:
            # The program's own import prints what it likes, which is of no use here.
            subprocess.run(command, input=request, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603 - our own module
            return msgspec.json.decode(answer.read_bytes(), type=Proof)
        except subprocess.TimeoutExpired:
            why = f"took longer than {_PATIENCE:g} s"
        except (OSError, msgspec.DecodeError):
            why = "ended before it was through"
    return Proof(notes=[f"how a failure is reported isn't known: the process that tried it {why}"])


def looks_at_apps(options_type: type[Options] | None) -> bool:
    """Whether a plugin has something to say of an application."""
    return options_type is not None and options_type.check_app is not Options.check_app


def _that_look_at_apps(path: str | None, names: Iterable[str]) -> list[str]:
    try:
        factories = survey(path).factories
    except ConfigError:
        return []
    wanted = set(names)
    return [
        each.config.name
        for each in factories
        if each.config.name in wanted and each.plugin and looks_at_apps(each.plugin.options_type)
    ]
