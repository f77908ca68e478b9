"""A reporter that can't do its work just now: it keeps its state, loses nothing, and is called again by itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

import pytest

from jobreporter import Job, JobReporterError, TryAgain, Undeliverable, hookimpl
from tests.core.lane.stepping import Stepped


class Vendor:
    """Collects jobs and sends them in its flush; down as long as it is told to be."""

    def __init__(self, error: Callable[[], BaseException] = TryAgain) -> None:
        self.down = True
        self.error = error
        self.sent: list[str] = []
        self.tries: list[list[str]] = []
        self.starts = 0

    def tried(self, count: int) -> bool:
        return len(self.tries) == count

    @hookimpl
    def reporter_start(self) -> list[str]:
        self.starts += 1
        return []

    @hookimpl
    def handle_started(self, job: Job, state: list[str]) -> None:
        state.append(job.id)

    @hookimpl
    def reporter_flush(self, state: list[str]) -> None:
        self.tries.append(list(state))
        if self.down:
            raise self.error()
        self.sent += state
        state.clear()


def test_a_flush_that_asks_is_called_again_with_its_state() -> None:
    """Without another event: the batch leaves once the vendor is back, and nothing of it counts as handled before."""
    vendor = Vendor()
    stepped = Stepped(vendor)
    stepped.publish(0, 1)
    stepped.run_until(lambda: len(vendor.tries) == 3)
    stats = stepped.stats
    assert (stats.handled, stats.failed, stats.pending, stats.unflushed) == (0, 0, 2, 2)
    assert (stats.status, stats.retries, stats.restarts) == ("backing_off", 3, 0)
    assert stats.reason is not None
    assert stats.reason.startswith("reporter_flush: TryAgain")
    vendor.down = False
    stepped.run_until(lambda: vendor.sent)
    stepped.run_until(lambda: stepped.stats.handled == 2)
    assert vendor.tries == [["0", "1"]] * len(vendor.tries)
    assert (vendor.starts, stepped.stats.status, stepped.stats.reason) == (1, "running", None)
    assert stepped.close(1)


def test_its_pauses_grow_and_are_as_long_as_it_asks() -> None:
    """From a tenth of a second to half a minute; ``after`` is the least, whatever the pause would have been."""
    vendor = Vendor(lambda: TryAgain(after=45))
    stepped = Stepped(vendor)
    stepped.publish(0)
    stepped.run_until(lambda: len(vendor.tries) == 1)
    assert stepped.run_until(lambda: len(vendor.tries) == 2) >= 45
    vendor.error = TryAgain
    stepped.run_until(lambda: len(vendor.tries) == 3)
    pauses = [stepped.run_until(partial(vendor.tried, 3 + nth)) for nth in range(1, 10)]
    assert pauses == sorted(pauses)
    assert 20 < pauses[-1] <= 31
    stepped.close(0.1)


def test_nothing_is_handed_out_while_a_flush_is_put_off() -> None:
    """What comes meanwhile waits in the buffer, where it is bounded and counted, and follows in order."""
    vendor = Vendor()
    stepped = Stepped(vendor)
    stepped.publish(0)
    stepped.run_until(lambda: stepped.stats.retries)
    stepped.publish(1, 2)
    stepped.run_until(lambda: stepped.stats.retries == 3)
    assert vendor.tries[-1] == ["0"]
    assert (stepped.stats.pending, stepped.stats.unflushed) == (3, 1)
    vendor.down = False
    stepped.run_until(lambda: stepped.stats.handled == 3)
    assert vendor.sent == ["0", "1", "2"]
    assert stepped.close(1)


class Slow(Vendor):
    """Its first two jobs take until a test lets go of them."""

    def __init__(self) -> None:
        super().__init__()
        self.hanging: set[int] = set()
        self._go_on = threading.Semaphore(0)

    @hookimpl
    def handle_started(self, job: Job, state: list[str]) -> None:
        state.append(job.id)
        if job.id in {"0", "1"}:
            self.hanging.add(threading.get_ident())
            self._go_on.acquire()

    def let_go(self) -> None:
        self.hanging.clear()
        self._go_on.release()


def test_events_that_are_in_flight_when_a_flush_is_put_off_follow_it() -> None:
    """A busy reporter is asked to flush in the middle of what its lane has taken, and can't: the rest is not lost."""
    vendor = Slow()
    stepped = Stepped(
        vendor, lane={"overflow": "drop_oldest", "flush_interval": 0.5}
    )  # which takes all that waits at once
    watchdog = stepped.dispatcher._runtime.pump._turns.watchdogs[0]
    vendor.hanging = stepped.clock.hanging
    stepped.publish(0, 1, 2, 3, 4)
    stepped.run_until(lambda: watchdog.lane.buffer.waiting == 4)
    vendor.let_go()
    stepped.run_until(lambda: watchdog._lane_thread._delivery.interrupted)
    vendor.let_go()
    stepped.run_until(lambda: stepped.stats.retries == 2)
    vendor.down = False
    stepped.publish(5)
    stepped.run_until(lambda: stepped.stats.handled == 6)
    assert vendor.sent == ["0", "1", "2", "3", "4", "5"]
    assert stepped.stats.failed == 0
    assert stepped.close(1)


class Choosy:
    """A handler that raises what it is told to for each job, as often as it is told."""

    def __init__(self, **raises: list[BaseException]) -> None:
        self.raises = raises
        self.seen: list[str] = []
        self.states: list[int] = []

    @hookimpl
    def reporter_start(self) -> int:
        return 0

    @hookimpl
    def handle_started(self, job: Job, state: int) -> int:
        self.seen.append(job.id)
        self.states.append(state)
        if waiting := self.raises.get(f"job_{job.id}"):
            raise waiting.pop(0)
        return state + 1


def test_a_handler_that_asks_gets_the_same_event_first() -> None:
    """The event was not taken: the state is as before, the others wait behind it, and it counts once."""
    choosy = Choosy(job_1=[TryAgain(), TryAgain(after=3)])
    stepped = Stepped(choosy)
    stepped.publish(0, 1, 2)
    stepped.run_until(lambda: stepped.stats.handled == 3)
    assert choosy.seen == ["0", "1", "1", "1", "2"]
    assert choosy.states == [0, 1, 1, 1, 2]
    assert (stepped.stats.failed, stepped.stats.retries, stepped.stats.restarts) == (0, 2, 0)
    assert stepped.close(1)


def test_an_event_that_comes_again_is_not_filtered_again() -> None:
    """It has passed ``max_per_minute`` once, and would else be counted against it each time."""
    choosy = Choosy(job_0=[TryAgain(), TryAgain()])
    stepped = Stepped(choosy, when={"max_per_minute": 1})
    stepped.publish(0)
    stepped.run_until(lambda: stepped.stats.handled == 1)
    assert (choosy.seen, stepped.stats.filtered) == (["0", "0", "0"], 0)
    assert stepped.close(1)


def test_an_undeliverable_event_fails_alone() -> None:
    """No crash: the reporter keeps its state and its place, also where it had asked for that event again before."""
    choosy = Choosy(job_0=[Undeliverable("413: too large")], job_1=[TryAgain(), Undeliverable("410: gone")])
    stepped = Stepped(choosy)
    stepped.publish(0, 1, 2)
    stepped.run_until(lambda: stepped.stats.handled == 1)
    stats = stepped.stats
    assert (stats.failed, stats.restarts, stats.status) == (2, 0, "running")
    assert choosy.states == [0, 0, 0, 0]
    assert stepped.close(1)


def test_from_a_flush_undeliverable_is_a_crash() -> None:
    """It may be about any of the events, so all that were kept for that flush have failed."""
    vendor = Vendor(lambda: Undeliverable("400"))
    stepped = Stepped(vendor)
    stepped.publish(0, 1)
    stepped.run_until(lambda: stepped.stats.failed == 2)
    assert (stepped.stats.handled, stepped.stats.restarts, stepped.stats.failed_flushes) == (0, 1, 1)
    vendor.down = False
    assert stepped.close(1)


def test_a_crash_flushes_first_and_loses_nothing_of_the_batch() -> None:
    """What a reporter took before it crashed leaves before its state does: only the event that it crashed on fails."""

    class Crashing(Vendor):
        @hookimpl
        def handle_success(self) -> None:
            raise ValueError("this one")

    vendor = Crashing()
    vendor.down = False
    stepped = Stepped(vendor)
    with stepped.dispatcher.begin("a", id="a"):
        pass
    stepped.run_until(lambda: stepped.stats.failed == 1)
    stepped.run_until(lambda: stepped.stats.pending == 0)
    assert vendor.sent == ["a"]
    assert (stepped.stats.handled, stepped.stats.filtered) == (1, 1)
    assert stepped.close(1)


def test_a_batch_that_a_crash_takes_along_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    """Where the flush after a crash fails as well, ``handled`` does not hide what was lost, and the log says so."""

    class Crashing(Vendor):
        @hookimpl
        def handle_success(self) -> None:
            raise ValueError("this one")

    vendor = Crashing()
    stepped = Stepped(vendor)
    with stepped.dispatcher.begin("a", id="a"):
        pass
    stepped.run_until(lambda: stepped.stats.failed == 2)
    assert stepped.stats.handled == 0
    vendor.down = False
    stepped.close(1)
    assert "raised in the flush before it was stopped: TryAgain" in caplog.text
    assert "1 events that it had taken and not flushed are lost" in caplog.text


def test_a_batch_that_a_hang_takes_along_has_failed() -> None:
    """A thread that hangs has the batch: what its reporter took and did not flush is lost like the event that it is at."""
    vendor = Slow()
    vendor.down = False
    stepped = Stepped(vendor, lane={"flush_interval": 1_000, "timeout": 10})
    vendor.hanging = stepped.clock.hanging
    stepped.publish(5, 6)
    stepped.run_until(lambda: stepped.stats.unflushed == 2)
    stepped.publish(0)
    stepped.run_until(lambda: stepped.stats.restarts)
    assert (stepped.stats.handled, stepped.stats.failed, stepped.stats.pending) == (0, 3, 0)
    vendor.let_go()
    stepped.publish(7)
    assert stepped.close(1)
    assert (vendor.sent, stepped.stats.handled, stepped.stats.failed) == (["7"], 1, 3)


def test_close_waits_for_a_second_try_within_its_time() -> None:
    """A vendor that answers 503 once costs nothing, though the process ends."""
    vendor = Vendor()
    stepped = Stepped(vendor, lane={"flush_interval": 100})
    stepped.publish(0)
    stepped.run_until(lambda: stepped.stats.unflushed == 1)

    def come_back() -> TryAgain:
        vendor.down = False
        return TryAgain()

    vendor.error = come_back
    assert stepped.close(2)
    assert (vendor.sent, stepped.stats.handled) == (["0"], 1)


def test_close_tries_at_once_what_would_be_tried_later() -> None:
    """After a long outage the next try is half a minute away: a vendor that is back has everything when the process ends, and
    nobody waits for one that isn't."""
    for down in (False, True):
        vendor = Vendor()
        stepped = Stepped(vendor)
        stepped.publish(0)
        stepped.run_until(lambda: len(vendor.tries) == 12)  # noqa: B023 - called before the next vendor
        vendor.down = down
        began = stepped.clock.monotonic()
        assert stepped.close(2) is not down
        assert stepped.clock.monotonic() - began < 1
        assert (len(vendor.sent), stepped.stats.handled) == ((0, 0) if down else (1, 1))


def test_close_does_not_wait_for_a_try_that_comes_too_late(caplog: pytest.LogCaptureFixture) -> None:
    """What could not be flushed has failed, `close` says so, and the reporter is stopped in time."""
    vendor = Vendor(lambda: TryAgain(after=60))
    stepped = Stepped(vendor, lane={"flush_interval": 100})
    stepped.publish(0)
    stepped.run_until(lambda: stepped.stats.unflushed == 1)
    began = stepped.clock.monotonic()
    assert not stepped.close(2)
    assert stepped.clock.monotonic() - began < 2
    assert (stepped.stats.handled, stepped.stats.failed, stepped.stats.pending) == (0, 1, 0)
    assert "could not flush 1 of the events" in caplog.text


def test_close_counts_an_event_that_a_handler_still_asks_for() -> None:
    """It is dropped as ``closed``, like all that wait behind it."""
    choosy = Choosy(job_0=[TryAgain(after=60)])
    stepped = Stepped(choosy)
    stepped.publish(0, 1)
    stepped.run_until(lambda: stepped.stats.retries)
    assert not stepped.close(1)
    assert (stepped.stats.dropped, stepped.stats.pending) == ({"closed": 2}, 0)


@pytest.mark.parametrize(("after", "answered_at_once"), [(60, True), (0.2, False)])
def test_a_flush_waits_only_for_a_try_within_its_time(after: float, answered_at_once: bool) -> None:
    """Somebody who waits two seconds is told at once where the next try is a minute away, and else gets it."""
    vendor = Vendor(lambda: TryAgain(after=after))
    stepped = Stepped(vendor)
    stepped.publish(0)
    stepped.run_until(lambda: stepped.stats.retries)
    vendor.down = answered_at_once
    began = stepped.clock.monotonic()
    assert stepped.dispatcher.flush(2) is not answered_at_once
    assert stepped.clock.monotonic() - began < 1.5
    vendor.down = False
    stepped.close(0.1)


def test_a_start_that_asks_is_tried_again_after_that_long() -> None:
    """The same word in ``reporter_start`` says when its vendor will be back."""
    starts: list[float] = []

    class Late:
        @hookimpl
        def reporter_start(self) -> None:
            starts.append(stepped.clock.monotonic())
            if len(starts) == 1:
                raise TryAgain(after=20)

        @hookimpl
        def handle_started(self) -> None:
            """Takes everything."""

    stepped = Stepped(Late())
    stepped.publish(0)
    stepped.run_until(lambda: stepped.stats.handled == 1)
    assert starts[1] - starts[0] >= 20
    assert stepped.close(1)


def test_pauses_are_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """One line says what could not be done, why if there is a cause, and what happens next."""

    def because() -> TryAgain:
        error = TryAgain()
        error.__cause__ = ConnectionError("503 from vendor.example")
        return error

    vendor = Vendor(because)
    stepped = Stepped(vendor)
    with caplog.at_level(logging.WARNING):
        stepped.publish(0)
        stepped.run_until(lambda: len(vendor.tries) == 5)
    lines = [message for message in caplog.messages if "can't do reporter_flush just now" in message]
    assert len(lines) == 1
    assert "ConnectionError: 503 from vendor.example" in lines[0]
    assert "its events wait" in lines[0]
    vendor.down = False
    stepped.close(1)


@pytest.mark.parametrize(
    ("after", "error"), [("5", TypeError), (True, TypeError), (-1, ValueError), (float("nan"), ValueError)]
)
def test_a_pause_that_is_none_is_refused(after: float, error: type[Exception]) -> None:
    """A vendor's header as it came is a mistake of the plugin's, told where it is made."""
    with pytest.raises(error, match=r"TryAgain\(after=...\) takes seconds"):
        TryAgain(after=after)


def test_an_endless_pause_is_a_day_at_most() -> None:
    """An infinite ``after`` overflows no wait."""
    vendor = Vendor(lambda: TryAgain(after=float("inf")))
    stepped = Stepped(vendor)
    stepped.publish(0)
    stepped.run_until(lambda: stepped.stats.retries)
    stepped.skip(86_400)
    stepped.run_until(lambda: len(vendor.tries) == 2)
    assert isinstance(TryAgain(), JobReporterError)
    vendor.down = False
    stepped.close(1)
