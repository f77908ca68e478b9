"""Row 32: a reporter changes the events that it is given."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from jobreporter import Dispatcher, Event, hookimpl
from jobreporter.testing import Recorder


class Vandal:
    """Puts what is no plain data into everything that it gets. stubborn: it goes by the builtin types' own methods."""

    def __init__(self, *, stubborn: bool) -> None:
        self.stubborn = stubborn
        self.attempts = 0

    def wreck(self, event: Event) -> None:
        self.attempts += 1
        tags = getattr(event, "tags", None)
        for container in (event.job.kwargs, event.job.kwargs["order"], event.job.extra, tags):
            if isinstance(container, dict):
                self.put(container)

    def put(self, container: dict[str, Any]) -> None:
        if self.stubborn:
            dict.__setitem__(container, "o", None)
        else:
            container["o"] = object()

    @hookimpl
    def handle_started(self, meta: Event) -> None:
        self.wreck(meta)

    @hookimpl
    def handle_failure(self, meta: Event) -> None:
        self.wreck(meta)

    @hookimpl
    def handle_stopped(self, meta: Event) -> None:
        self.wreck(meta)


@pytest.mark.parametrize("stubborn", [False, True])
def test_its_neighbours_get_every_event(stubborn: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The change is refused, and told to be the reporter's own mistake; nobody else's event is touched or invalid."""
    vandal, neighbour = Vandal(stubborn=stubborn), Recorder()
    caplog.set_level(logging.ERROR)
    with Dispatcher({"vandal": vandal, "neighbour": neighbour}) as dispatcher:
        execution = dispatcher.begin("a", kwargs={"order": {"number": 7}}, extra={"node": "one"})
        assert dispatcher.flush(20)  # the vandal has had the start before anything else is published
        execution.tag(customer="acme")
        execution.fail(ValueError("x"))
        execution.stop()
        assert dispatcher.flush(20)
        stats = dispatcher.stats()

    assert vandal.attempts == 3
    assert (stats["neighbour"].handled, stats["neighbour"].dropped) == (3, {})
    if not stubborn:
        assert [event.job.kwargs for event in neighbour.events] == [{"order": {"number": 7}}] * 3
        assert (stats["vandal"].failed, stats["vandal"].dropped) == (3, {})
        assert "events are shared by all reporters" in caplog.text
