"""Row 5: publish from a signal handler, ``__del__``, a weakref callback or the garbage collector, inside publish."""

from __future__ import annotations

import gc
import signal
import weakref
from collections.abc import Callable, Iterator

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import Recorder, make_event, make_job
from tests.waiting import until

from .interrupting import every_instruction, interrupt, numbered

Publish = Callable[[], None]


class Published:
    """Publishes, and keeps its own count of it."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._ids = numbered("job")
        self.ids: list[str] = []

    def __call__(self) -> None:
        job = make_job(id=next(self._ids))
        self.ids.append(job.id)
        self._dispatcher.publish(make_event("started", job=job))


def by_signal(publish: Publish) -> Callable[[], None]:
    signal.signal(signal.SIGUSR1, lambda *_: publish())
    return lambda: signal.raise_signal(signal.SIGUSR1)


class Dying:
    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def __del__(self) -> None:
        self._publish()


def by_finalizer(publish: Publish) -> Callable[[], None]:
    def act() -> None:
        dying = Dying(publish)
        del dying

    return act


def by_weakref(publish: Publish) -> Callable[[], None]:
    class Referred:
        pass

    def act() -> None:
        referred = Referred()
        reference = weakref.ref(referred, lambda _: publish())
        del referred
        assert reference() is None

    return act


def by_garbage_collection(publish: Publish) -> Callable[[], None]:
    def act() -> None:
        dying = Dying(publish)
        dying.itself = dying  # type: ignore[attr-defined]
        del dying
        gc.collect(0)

    return act


@pytest.fixture(params=[by_signal, by_finalizer, by_weakref, by_garbage_collection])
def way(request: pytest.FixtureRequest) -> Iterator[Callable[[Publish], Callable[[], None]]]:
    """A way to publish out of nowhere."""
    before = signal.getsignal(signal.SIGUSR1)
    yield request.param
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("pump", ["awake", "asleep"])
def test_every_instruction_of_publish(way: Callable[[Publish], Callable[[], None]], pump: str) -> None:
    """Whichever instruction of publish is interrupted by another publish, both events arrive, and nothing blocks."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    published = Published(dispatcher)
    published()
    act = way(published)

    def attempt(number: int) -> bool:
        if pump == "asleep":
            until(lambda: dispatcher._ingress.asleep and dispatcher._ingress.wakeup.unset())
        return interrupt(published, number, act)

    assert every_instruction(attempt) >= 20
    assert dispatcher.close(20)
    assert sorted(event.job.id for event in recorder.events) == sorted(published.ids)
    assert dispatcher.stats()["recorder"].dropped == {}


def test_every_instruction_of_the_first_publish() -> None:
    """The same where the interrupted publish is the first of the process, and starts the threads."""
    before = signal.getsignal(signal.SIGUSR1)

    def attempt(number: int) -> bool:
        recorder = Recorder()
        dispatcher = Dispatcher({"recorder": recorder})
        published = Published(dispatcher)
        acted = interrupt(published, number, by_signal(published))
        assert dispatcher.close(20)
        assert sorted(event.job.id for event in recorder.events) == sorted(published.ids)
        assert len(published.ids) == 1 + acted
        return acted

    try:
        assert every_instruction(attempt) >= 50
    finally:
        signal.signal(signal.SIGUSR1, before)
