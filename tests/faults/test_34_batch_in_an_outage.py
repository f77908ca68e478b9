"""Row 34: a reporter that collects a batch can't send it just now, or crashes over it."""

from __future__ import annotations

import pytest

from jobreporter import Job, TryAgain, hookimpl
from tests.core.lane.stepping import Stepped


class Batching:
    """Sends its jobs with each flush. down: what its vendor's outage raises, while it lasts."""

    def __init__(self, down: type[Exception] | None) -> None:
        self.down = down
        self.sent: list[str] = []

    @hookimpl
    def reporter_start(self) -> list[str]:
        return []

    @hookimpl
    def handle_started(self, job: Job, state: list[str]) -> None:
        state.append(job.id)

    @hookimpl
    def reporter_flush(self, state: list[str]) -> None:
        if self.down is not None:
            raise self.down
        self.sent += state
        state.clear()


def test_one_that_asks_for_time_keeps_its_batch() -> None:
    """It is flushed again by itself, without another event, until the vendor is back."""
    vendor = Batching(TryAgain)
    stepped = Stepped(vendor)
    stepped.publish(0, 1, 2)
    stepped.run_until(lambda: stepped.stats.retries == 3)
    assert (stepped.stats.handled, stepped.stats.failed, stepped.stats.unflushed) == (0, 0, 3)
    assert stepped.stats.status == "backing_off"

    vendor.down = None
    stepped.run_until(lambda: stepped.stats.handled == 3)
    assert vendor.sent == ["0", "1", "2"]
    assert stepped.close(1)
    assert stepped.stats.lost == 0


@pytest.mark.parametrize("error", [ConnectionError, MemoryError])
def test_one_that_crashes_loses_its_batch_and_that_is_counted(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it was handled, whatever its handlers said; and the log says how much was lost."""
    vendor = Batching(error)
    stepped = Stepped(vendor)
    stepped.publish(0, 1, 2)
    stepped.run_until(lambda: stepped.stats.failed == 3)
    assert (stepped.stats.handled, stepped.stats.pending) == (0, 0)

    vendor.down = None
    stepped.publish(3)
    stepped.run_until(lambda: stepped.stats.handled == 1)
    assert vendor.sent == ["3"]
    stepped.close(1)
    assert "that it had taken and not flushed are lost" in caplog.text
