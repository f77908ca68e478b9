"""What the tests of the reporter share: a Honeybadger to report to, and dispatchers that report to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter_honeybadger import HoneybadgerReporter, _account

from .fake_honeybadger import KEY, FakeHoneybadger

MakeDispatcher = Callable[..., Dispatcher]


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    """Nothing is remembered of the servers of other tests."""
    _account._refusals.clear()
    yield
    _account._refusals.clear()


@pytest.fixture
def honeybadger() -> Iterator[FakeHoneybadger]:
    """A Honeybadger that found nothing to object to, unless a test has taken note of it."""
    with FakeHoneybadger() as fake:
        yield fake
    assert fake.problems == []


@pytest.fixture
def dispatcher_of(honeybadger: FakeHoneybadger) -> Iterator[MakeDispatcher]:
    """Makes dispatchers with the reporter under test as ``honeybadger``, given its options; closes them at the end."""
    made = []

    def make(context: dict[str, Any] | None = None, lane: dict[str, Any] | None = None, **options: Any) -> Dispatcher:
        table = {"api_key": KEY, "endpoint": honeybadger.url, "lane": lane or {}, **options}
        config = {"context": context or {}, "reporters": {"honeybadger": table}}
        made.append(Dispatcher({"honeybadger": HoneybadgerReporter}, config=config))
        return made[-1]

    yield make
    honeybadger.release()
    for dispatcher in made:
        dispatcher.close(20)
