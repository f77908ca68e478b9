"""A run hands over what the calls of the table would, and counts what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, permutations
from typing import Any

import pytest

from jobreporter._plugins.hooks import GENERATED, Implementation, Whence, table
from jobreporter._plugins.runs import Run, run_of
from jobreporter.context import Origin
from jobreporter.events import Event
from jobreporter.hookspecs import ARGUMENTS, HANDLERS
from jobreporter.testing import make_event

WHENCE = Whence(Origin(host="host", pid=1, version="0"))
KINDS = {hook: kind for kind, hook in HANDLERS.items()}


class Held:
    """The events of a lane."""

    def __init__(self, *events: Event) -> None:
        self.events: Iterator[Event] = iter(events)
        self.handled = self.filtered = 0
        self.given_up = False


class Thread:
    """Whoever hands them over."""

    interrupted = False


def run_for(*implementations: Implementation) -> Run | None:
    return run_of(table(implementations, WHENCE).events, WHENCE)


def run_calling(**handlers: Callable[..., object]) -> Run:
    run = run_for(*(Implementation(hook, call, ("meta",), asynchronous=False) for hook, call in handlers.items()))
    assert run is not None
    return run


def signatures(hook: str) -> Iterable[tuple[str, ...]]:
    offered = [argument for argument in ARGUMENTS[hook] if argument != "state"]
    return chain.from_iterable(permutations(offered, size) for size in range(len(offered) + 1))


@pytest.mark.parametrize("hook", HANDLERS.values())
def test_handlers_get_what_calls_of_the_table_give_them(hook: str) -> None:
    """With every subset of the arguments, in every order."""
    event = make_event(KINDS[hook])
    for arguments in signatures(hook):
        got: list[tuple[Any, ...]] = []
        implementation = Implementation(hook, lambda *given, got=got: got.append(given), arguments, asynchronous=False)
        hooks = table([implementation], WHENCE)
        run = run_of(hooks.events, WHENCE)
        assert run is not None
        assert run(Held(event), Thread()) is None
        hooks.events[type(event)](event, None)
        assert got[0] == got[1]
        assert len(got) == 2


def test_what_handlers_return_has_to_be_seen_to() -> None:
    """A reporter that threads state or awaits has no run, nor has one without handlers."""
    assert run_for() is None
    assert run_for(Implementation("reporter_flush", lambda: None, (), asynchronous=False)) is None
    plain = Implementation("handle_started", lambda job: None, ("job",), asynchronous=False)
    assert run_for(plain) is not None
    assert run_for(plain, Implementation("handle_stopped", lambda state: state, ("state",), asynchronous=False)) is None
    assert run_for(plain, Implementation("handle_stopped", lambda job: None, ("job",), asynchronous=True)) is None


def test_a_kind_without_a_handler_is_filtered() -> None:
    """In the order in which they come."""
    seen: list[Event] = []
    run = run_calling(handle_failure=seen.append, handle_started=seen.append)
    events = [make_event(kind) for kind in ("started", "success", "stopped", "started", "failure", "stopped")]
    held = Held(*events)
    assert run(held, Thread()) is None
    assert seen == [events[0], events[3], events[4]]
    assert (held.handled, held.filtered) == (3, 3)


def test_what_a_handler_raises_is_returned_with_its_event() -> None:
    """It counts as nothing, and the next run goes on behind it."""
    bad = SystemExit("bad")

    def handle(meta: Event) -> None:
        if meta is events[1]:
            raise bad

    run = run_calling(handle_started=handle)
    events = [make_event("started") for _ in range(3)]
    held = Held(*events)
    assert run(held, Thread()) == (events[1], bad)
    assert held.handled == 1
    assert run(held, Thread()) is None
    assert held.handled == 2
    assert bad.__traceback__ is not None
    assert bad.__traceback__.tb_frame.f_code.co_filename.startswith(GENERATED)
    assert bad.__traceback__.tb_next is not None


def test_it_stops_where_something_else_is_due() -> None:
    """Behind the event at which that was said, which counts."""
    thread = Thread()

    def handle(_meta: Event) -> None:
        thread.interrupted = True

    held = Held(*(make_event("started") for _ in range(3)))
    run = run_calling(handle_started=handle)
    assert run(held, thread) is None
    assert (held.handled, len(list(held.events))) == (1, 2)


def test_a_thread_that_was_given_up_counts_nothing_more() -> None:
    """Its event has been counted by whoever gave it up."""
    held = Held(*(make_event("started") for _ in range(3)))

    def handle(_meta: Event) -> None:
        held.given_up = True

    run = run_calling(handle_started=handle)
    assert run(held, Thread()) is None
    assert (held.handled, len(list(held.events))) == (0, 2)
