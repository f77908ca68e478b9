"""What is told of a dispatcher as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from jobreporter._dispatch import dispatcher_log
from jobreporter._dispatch.dispatcher_log import DispatcherLog
from jobreporter.testing import SteppedClock
from tests.waiting import until


def test_a_line_that_is_interrupted_on_its_way_is_said_the_next_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What interrupts the pump may interrupt it again while it tells of that: the half minute begins with the line."""

    def interrupted(*_: Any) -> None:
        raise SystemExit

    log = DispatcherLog(SteppedClock())
    with monkeypatch.context() as patch:
        patch.setattr(dispatcher_log, "lines_aside", interrupted)
        with pytest.raises(SystemExit):
            log.stumbled(MemoryError())
    log.stumbled(MemoryError())
    log.stumbled(MemoryError())
    until(lambda: "handing out events was interrupted, and goes on: MemoryError" in caplog.text, "the line")
    assert len(caplog.messages) == 1
