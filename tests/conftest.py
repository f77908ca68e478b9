"""What all tests share: an environment without the user's own settings, and the same signals and examples everywhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from jobreporter.testing import SourceConformance
from jobreporter.testing._source import UndisturbedCases

CORE = Path(__file__).parent / "core"

# How long an example takes depends on what else the machine does, which is no fault of the code's.
settings.register_profile("jobreporter", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("jobreporter")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own JOBREPORTER_CONFIG or JOBREPORTER_DISABLE changes no test."""
    for name in [name for name in os.environ if name.startswith("JOBREPORTER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def no_ignored_signals_from_outside() -> Iterator[None]:
    """A shell has its background jobs ignore some signals, and nohup does; so would every worker that a test starts."""
    usual: dict[signal.Signals, Any] = {
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGINT: signal.default_int_handler,
        signal.SIGQUIT: signal.SIG_DFL,
    }
    ignored = [number for number in usual if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, usual[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what one interpreter runs, and has the short tests come last.

    Where processes share the tests, those of one file or class stay in one: they share what is slow to make. Core's are many
    and short, so that no process is left with a long one when the others are done.
    """
    for item in items:
        suite = item.cls if isinstance(item, pytest.Function) else None
        is_case = suite is not None and issubclass(suite, SourceConformance)
        if is_case and not hasattr(UndisturbedCases, item.originalname):
            item.add_marker(pytest.mark.one_interpreter)
    items.sort(key=lambda item: item.path.is_relative_to(CORE))
