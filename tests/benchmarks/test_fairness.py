"""The race is fair: both sides do what they are there for, as their documentation recommends, and all of it."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from functools import partial
from logging.handlers import QueueHandler

import pytest
from _ours import calls_alone, dispatcher, events
from _peers import batch_span_processors, celery_signal, queue_handler, simple_queue
from _rounds import WARM_UP, compare
from _subject import Subject, both_lost, by_threads, end_to_end, sparse, stream
from celery.signals import task_success

COUNT = 300

SUBJECTS: dict[str, Callable[[], Subject]] = {
    "ours": lambda: dispatcher(1, events(COUNT)),
    "ours, 3 reporters": lambda: dispatcher(3, events(COUNT)),
    "hooks alone": lambda: calls_alone(3, events(COUNT)),
    "SimpleQueue": lambda: simple_queue(events(COUNT)),
    "QueueHandler": lambda: queue_handler(COUNT, queue.Queue(-1)),
    "QueueHandler with a SimpleQueue": lambda: queue_handler(COUNT, queue.SimpleQueue()),
    "BatchSpanProcessor": lambda: batch_span_processors(1, COUNT),
    "3 BatchSpanProcessors": lambda: batch_span_processors(3, COUNT),
    "celery's signal": lambda: celery_signal(COUNT),
}

WAYS: dict[str, Callable[[Subject], float]] = {
    "tight": partial(stream, size=COUNT),
    "end to end": partial(end_to_end, size=COUNT),
    "by threads": partial(by_threads, size=COUNT, count=3),
    "one a millisecond": partial(sparse, size=3),
}


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    subject = SUBJECTS[request.param]()
    yield subject
    subject.close()


@pytest.mark.parametrize("way", WAYS)
def test_every_consumer_counts_every_item(subject: Subject, way: str) -> None:
    """Whatever is measured reaches those who wait for it, and no delay of a peer's own is waited out for that.

    A span processor would export so few spans after five seconds only: it is told to do it at once.
    """
    assert WAYS[way](subject) > 0
    assert subject.sent > 0
    assert subject.seen() == subject.sent * subject.consumers
    assert subject.account() == (subject.sent * subject.consumers, 0)


def test_the_queue_handler_is_the_standard_librarys_own() -> None:
    """Its `emit` is measured with all that it does, before an unbounded queue and a listener that lives."""
    room: queue.Queue[object] = queue.Queue(-1)
    subject = queue_handler(1, room)
    assert getattr(subject.send, "__func__", None) is QueueHandler.emit
    assert room.maxsize <= 0
    subject.close()


def test_a_span_processor_is_as_it_is_by_default_but_for_its_room() -> None:
    """A burst finds room in it, and neither its delay nor the size of its batches is changed."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

    subject, default = batch_span_processors(1, 1), BatchSpanProcessor(SpanExporter())
    measured = vars(subject.send.__self__._batch_processor)  # type: ignore[attr-defined]
    usual = vars(default._batch_processor)
    settings = {name for name, value in usual.items() if isinstance(value, int | float) and name != "_pid"}
    assert {name for name in settings if measured[name] != usual[name]} == {"_max_queue_size"}
    subject.close()
    default.shutdown()


def test_the_signal_is_celerys_own() -> None:
    """It has the one receiver that the row names."""
    subject = celery_signal(1)
    assert subject.send.func.__self__ is task_success  # type: ignore[attr-defined]
    assert len(task_success.receivers) == 1
    subject.close()
    assert not task_success.receivers


def test_what_a_consumer_did_not_get_is_told() -> None:
    """For each side, and once."""
    ours, peer = calls_alone(2, events(COUNT)), simple_queue(events(COUNT))
    ours.sent, peer.sent = 10, 5
    assert both_lost(ours, peer) == "ours: 20 of 20; peer's: 5 of 5"
    assert both_lost(ours, peer) == "none"
    ours.seen = lambda: 20
    assert ours.lost == 0


def test_sides_take_turns_and_neither_is_always_first() -> None:
    """Each ratio is of two figures of one round. What is measured to get warm doesn't count."""
    order: list[str] = []

    def side(name: str, figure: float) -> float:
        order.append(name)
        return figure * (100 if len(order) <= 2 * WARM_UP else 1)

    compared = compare(lambda: side("ours", 2.0), lambda: side("peer", 8.0), 4)
    assert len(order) == 2 * (WARM_UP + 4)
    rounds = list(zip(order[::2], order[1::2], strict=True))
    assert all(first != second for first, second in rounds)
    assert {first for first, _ in rounds} == {"ours", "peer"}
    assert (compared.ours.median, compared.peer.median, compared.ratio) == (2.0, 8.0, (0.25, 0.25, 0.25))
