"""``python -m jobreporter._cli._prover ANSWER``: imports an application and has its reporters try a failure.

It reads what is asked from stdin, and writes what it found into the file ANSWER.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from jobreporter._cli._apps import app_report
from jobreporter._cli._proof import Asked, Proof, looks_at_apps
from jobreporter._config.records import ReporterConfig
from jobreporter._config.wording import described
from jobreporter._dispatch.dispatcher import Dispatcher
from jobreporter._dispatch.wiring import survey
from jobreporter._plugins.factory import ReporterFactory
from jobreporter.errors import Fault, JobReporterError
from jobreporter.reporters.log import LogReporter

# Seconds in which reporters should have taken one failure.
_PATIENCE = 20.0


class TestFailureError(Exception):
    """What the job fails with."""


def main(answer: str) -> None:
    """Try it."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    Path(answer).write_bytes(msgspec.json.encode(_tried(asked)))


def _tried(asked: Asked) -> Proof:
    app = app_report(asked.app)
    if not app.attached:
        return Proof()
    source = f"jobreporter.sources.{app.source}"
    if find_spec(source) is None or find_spec(f"{source}._trial") is None:
        return Proof(
            notes=[f"how a failure is reported can't be tried with {app.source}, whose jobs don't run in memory"]
        )
    fail: Callable[[Dispatcher, Exception], None] = importlib.import_module(f"{source}._trial").fail_once

    def fail_once(reporter: object) -> None:
        reporters = {"trial": reporter, "log": LogReporter()}
        with Dispatcher(reporters, config={"reporters": {name: {} for name in reporters}}) as dispatcher:
            fail(dispatcher, TestFailureError("a test failure, made by jobreporter check --app: nothing is wrong"))
            dispatcher.flush(_PATIENCE)

    problems: list[Fault] = []
    notes: list[str] = []
    for factory in survey(asked.config).factories:
        config = factory.config
        if config.name not in asked.reporters:
            continue
        try:
            notes += (f"reporter {config.name!r}: {said}" for said in _said(factory, config, fail_once))
        except JobReporterError:
            continue  # it can't start, which is told where it is tried by itself
        except ValueError as error:
            problems.append(config.place.fault(str(error)))
        except ExceptionGroup as group:
            problems += (config.place.fault(str(error)) for error in group.exceptions)
        except Exception as error:  # the plugin's own code, or the queue's
            notes.append(f"reporter {config.name!r}: how a failure is reported could not be tried: {described(error)}")
    return Proof(problems, notes)


def _said(factory: ReporterFactory, config: ReporterConfig, fail_once: Callable[[object], None]) -> Iterator[str]:
    plugin, options = factory.prepare()
    if options is not None and looks_at_apps(plugin.options_type):
        said: Any = options.check_app(config.placement, fail_once)
        yield from map(str, said)


if __name__ == "__main__":
    main(sys.argv[1])
