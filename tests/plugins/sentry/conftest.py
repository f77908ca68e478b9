"""What the tests of the reporter share: a Sentry to report to, and dispatchers that report to it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk

from jobreporter import Dispatcher
from jobreporter_sentry import SentryReporter

from .fake_sentry import Kent

MakeDispatcher = Callable[..., Dispatcher]


@pytest.fixture(scope="session")
def kent_process() -> Iterator[Kent]:
    """One kent for all tests."""
    if importlib.util.find_spec("kent") is None:
        assert "CI" not in os.environ, "kent is not installed: pip install kent"
        pytest.skip("kent is not installed: pip install kent")
    kent = Kent()
    yield kent
    kent.stop()


@pytest.fixture
def kent(kent_process: Kent) -> Kent:
    """A kent that has got nothing yet."""
    kent_process.forget()
    return kent_process


@pytest.fixture(autouse=True)
def no_sentry_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment names neither a Sentry nor a proxy, and what a test makes the program's own client goes with it."""
    for name in [*os.environ]:
        if name.startswith("SENTRY_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    yield
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def make_dispatcher() -> Iterator[MakeDispatcher]:
    """Makes dispatchers with this reporter alone, from its options, and closes them with the test."""
    dispatchers: list[Dispatcher] = []

    def make(
        context: dict[str, Any] | None = None, capture: dict[str, Any] | None = None, **options: Any
    ) -> Dispatcher:
        config = {"context": context or {}, "capture": capture or {}, "reporters": {"sentry": options}}
        dispatchers.append(Dispatcher(reporters={"sentry": SentryReporter}, config=config))
        return dispatchers[-1]

    yield make
    for dispatcher in dispatchers:
        dispatcher.close(10.0)
