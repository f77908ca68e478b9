"""What the tests of the reporter share: a Honeybadger to report to, and dispatchers that report to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter_honeybadger import HoneybadgerReporter, _pause

from .fake_honeybadger import KEY, FakeHoneybadger
from .stepped import SteppedClock

MakeDispatcher = Callable[..., Dispatcher]


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    """Nothing is remembered of the servers of other tests."""
    _pause._pauses.clear()
    yield
    _pause._pauses.clear()


@pytest.fixture
def honeybadger() -> Iterator[FakeHoneybadger]:
    """A Honeybadger that found nothing to object to, unless a test has taken note of it."""
    fake = FakeHoneybadger()
    yield fake
    fake.stop()
    assert fake.problems == []


@pytest.fixture
def clock() -> SteppedClock:
    """The time of the reporter, which stands still but for its waiting."""
    return SteppedClock()


@pytest.fixture
def dispatcher_of(honeybadger: FakeHoneybadger, clock: SteppedClock) -> Iterator[MakeDispatcher]:
    """Makes dispatchers with the reporter under test as ``honeybadger``, given its options; closes them at the end."""
    made = []

    class Reporter(HoneybadgerReporter):
        pass

    Reporter.clock = clock.clock

    def make(context: dict[str, Any] | None = None, lane: dict[str, Any] | None = None, **options: Any) -> Dispatcher:
        table = {"api_key": KEY, "endpoint": honeybadger.url, "lane": lane or {}, **options}
        config = {"context": context or {}, "reporters": {"honeybadger": table}}
        made.append(Dispatcher({"honeybadger": Reporter}, config=config))
        return made[-1]

    yield make
    honeybadger.released.set()
    for dispatcher in made:
        dispatcher.close(20)
