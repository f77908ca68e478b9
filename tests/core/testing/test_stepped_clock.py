"""The clock of the kit, where the process has a past."""

from __future__ import annotations

import pytest

from jobreporter import Dispatcher
from jobreporter._system import threads
from jobreporter.testing import Recorder, SteppedClock, make_event


def test_what_was_there_before_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a thread that another test has started, and that the system had no memory to begin."""
    monkeypatch.setattr(threads, "STARTING", [object()])
    clock = SteppedClock()
    with Dispatcher({"recorder": Recorder()}, clock=clock) as dispatcher:
        dispatcher.publish(make_event("started"))
        clock.advance(5)
        assert dispatcher.stats()["recorder"].handled == 1
