"""What becomes of a reporter that crashes, hangs or can't start, and of its neighbours."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobreporter import Context, Dispatcher, Event, Job, LaneStats, Options, Started, hookimpl
from jobreporter._lane.breaker import CRASHES
from jobreporter.testing import Call, Recorder, make_event, make_job
from tests.waiting import arrives, until

Make = Callable[..., Dispatcher]


@pytest.fixture
def dispatch() -> Iterator[Make]:
    """Makes dispatchers that are closed after the test."""
    made: list[Dispatcher] = []

    def make(reporters: dict[str, object], **lane: Any) -> Dispatcher:
        tables = {name: {"lane": lane} for name in reporters}
        made.append(Dispatcher(reporters, config={"reporters": tables}))
        return made[-1]

    yield make
    for dispatcher in made:
        dispatcher.close(1)


def started(number: int) -> Event:
    return make_event(Started, job=make_job(id=str(number)))


def ids(recorder: Recorder) -> list[int]:
    return [int(event.job.id) for event in recorder.events]


def adds_up(stats: LaneStats) -> bool:
    settled = stats.handled + stats.failed + stats.filtered + sum(stats.dropped.values())
    return stats.accepted == settled + stats.pending


class Raising:
    """Raises what it is told to on each event, and remembers which it saw."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.seen: list[int] = []

    @hookimpl
    def handle_started(self, job: Job) -> None:
        self.seen.append(int(job.id))
        raise self.error


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), SystemExit(1), KeyboardInterrupt(), GeneratorExit(), RecursionError(), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_reporter_raises_costs_it_one_event(dispatch: Make, error: BaseException) -> None:
    """A reporter may raise anything: the event is counted failed for it alone, and its neighbour sees all."""
    neighbour = Recorder()
    raising = Raising(error)
    dispatcher = dispatch({"raising": raising, "neighbour": neighbour})
    for number in range(3):
        dispatcher.publish(started(number))
    assert dispatcher.flush(10)
    stats = dispatcher.stats()
    assert (stats["raising"].failed, stats["raising"].restarts, raising.seen) == (3, 3, [0, 1, 2])
    assert (stats["neighbour"].handled, stats["neighbour"].restarts, ids(neighbour)) == (3, 0, [0, 1, 2])


def test_a_crash_starts_the_reporter_anew_with_its_buffer_kept(dispatch: Make) -> None:
    """After a crash come stop with the old state, start with a new one, and the next event."""
    crashed: list[int] = []

    def crash_once(call: Call) -> None:
        if call.hook == "handle_success" and not crashed:
            crashed.append(call.state)
            raise ValueError("once")

    recorder = Recorder(effect=crash_once)
    dispatcher = dispatch({"recorder": recorder})
    for _ in range(2):
        with dispatcher.begin("a"):
            pass
    assert dispatcher.close(10)
    assert [(call.hook, call.state) for call in recorder.calls] == [
        ("reporter_start", None),
        ("handle_started", 0),
        ("handle_success", 1),
        ("reporter_flush", 1),
        ("reporter_stop", 1),
        ("reporter_start", None),
        ("handle_stopped", 0),
        ("handle_started", 1),
        ("handle_success", 2),
        ("handle_stopped", 3),
        ("reporter_flush", 4),
        ("reporter_stop", 4),
    ]
    stats = dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.handled, stats.failed, stats.restarts) == (6, 5, 1, 1)


def test_a_class_is_made_afresh_at_each_start(dispatch: Make) -> None:
    """The attributes of a class's instance are state too, and a crash loses them."""
    instances: list[object] = []

    class Plugin:
        def __init__(self) -> None:
            instances.append(self)

        @hookimpl
        def handle_started(self, job: Job) -> None:
            raise ValueError

    dispatcher = dispatch({"plugin": Plugin})
    dispatcher.publish(started(0))
    assert dispatcher.flush(10)
    until(lambda: len(instances) == 2, "a second instance")
    assert instances[0] is not instances[1]


def test_a_stop_that_raises_stops_nothing(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A ``reporter_stop`` that raises is logged, and the reporter is started again all the same."""
    recorder = Recorder(crash_on={"handle_started", "reporter_stop"})
    dispatcher = dispatch({"recorder": recorder})
    dispatcher.publish(started(0))
    dispatcher.publish(started(1))
    assert dispatcher.flush(10)
    assert ids(recorder) == [0, 1]
    assert "raised in reporter_stop: Crash: reporter_stop was told to crash" in caplog.text


def test_five_crashes_open_the_breaker_and_a_success_closes_it(
    dispatch: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """A reporter that keeps crashing is tried again with backoff; events wait; once healed, it is told and gone on with."""
    caplog.set_level(logging.INFO)
    recorder = Recorder(crash_on={"handle_started"})
    dispatcher = dispatch({"recorder": recorder})
    for number in range(CRASHES):
        dispatcher.publish(started(number))
    until(lambda: dispatcher.stats()["recorder"].status == "backing_off")
    stats = dispatcher.stats()["recorder"]
    assert stats.reason is not None
    assert stats.reason.startswith("handle_started raised Crash: handle_started was told to crash")
    recorder.crash_on.clear()
    for number in range(CRASHES, 2 * CRASHES):
        dispatcher.publish(started(number))
    until(lambda: dispatcher.stats()["recorder"].handled == CRASHES)
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["recorder"]
    assert (stats.handled, stats.failed, stats.status, stats.reason) == (CRASHES, CRASHES, "running", None)
    assert ids(recorder) == list(range(2 * CRASHES))
    assert "it keeps crashing and is tried again with backoff" not in caplog.messages[0]
    assert caplog.messages[-1] == "reporter 'recorder' works again"


def test_a_reporter_that_crashes_on_every_event_is_logged_once(
    dispatch: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Many crashes within 30 seconds make one line."""
    recorder = Recorder(crash_on={"handle_started"})
    dispatcher = dispatch({"recorder": recorder})
    for number in range(CRASHES):
        dispatcher.publish(started(number))
    until(lambda: dispatcher.stats()["recorder"].failed == CRASHES)
    lines = [message for message in caplog.messages if "crashed" in message]
    assert len(lines) == 1
    assert lines[0].startswith("reporter 'recorder' crashed in handle_started: Crash: handle_started was told to")
    assert lines[0].endswith("it is started again")


def test_a_reporter_that_can_not_start_is_broken_until_it_can(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A ``reporter_start`` that raises loses no event: they wait until a later start works."""
    neighbour = Recorder()
    recorder = Recorder(crash_on={"reporter_start"})
    dispatcher = dispatch({"recorder": recorder, "neighbour": neighbour})
    dispatcher.publish(started(0))
    until(lambda: dispatcher.stats()["recorder"].status == "broken")
    stats = dispatcher.stats()["recorder"]
    assert (stats.pending, stats.failed) == (1, 0)
    assert stats.reason is not None
    assert "reporter_start was told to crash" in stats.reason
    until(lambda: ids(neighbour) == [0])
    recorder.crash_on.clear()
    until(lambda: dispatcher.stats()["recorder"].handled == 1)
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["recorder"]
    assert (stats.handled, stats.status) == (1, "running")
    assert [message for message in caplog.messages if "is broken" in message] != []


def test_a_broken_reporter_gets_a_last_try_at_close(dispatch: Make) -> None:
    """Closing doesn't wait out a backoff: it tries once more, at once."""
    recorder = Recorder(crash_on={"reporter_start"})
    dispatcher = dispatch({"recorder": recorder})
    dispatcher.publish(started(0))
    until(lambda: len(recorder.of("reporter_start")) >= 6, "a backoff of seconds")
    recorder.crash_on.clear()
    assert dispatcher.close(10)
    assert ids(recorder) == [0]
    assert dispatcher.stats()["recorder"].handled == 1


def test_a_last_try_that_fails_leaves_the_events_counted(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """What a broken reporter never got is dropped at close, counted and logged."""
    recorder = Recorder(crash_on={"reporter_start"})
    dispatcher = dispatch({"recorder": recorder})
    dispatcher.publish(started(0))
    until(lambda: dispatcher.stats()["recorder"].status == "broken")
    assert not dispatcher.close(10)
    stats = dispatcher.stats()["recorder"]
    assert (stats.dropped, stats.pending, stats.status) == ({"closed": 1}, 0, "closed")
    assert (
        caplog.messages[-1]
        == "reporter 'recorder' lost 1 of 1 events: 1 closed (they were not delivered before the dispatcher closed)"
    )


def test_a_flush_that_raises_is_a_crash(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A ``reporter_flush`` that raises makes ``flush()`` say so, and the reporter is started again."""
    recorder = Recorder(crash_on={"reporter_flush"})
    dispatcher = dispatch({"recorder": recorder})
    dispatcher.publish(started(0))
    assert not dispatcher.flush(10)
    assert "not flushed within" not in caplog.text, "it was in time"
    recorder.crash_on.clear()
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["recorder"]
    assert (stats.handled, stats.failed, stats.restarts, stats.failed_flushes) == (0, 1, 1, 1)
    assert dispatcher.close(10)
    assert caplog.messages[-1] == "reporter 'recorder' lost 1 of 1 events: 1 failed (it crashed or hung on them)"


class Hanging:
    """Hangs on events until it is released. Each of its threads waits for a release of its own."""

    def __init__(self) -> None:
        self.hung = threading.Semaphore(0)
        self.release = threading.Semaphore(0)
        self.calls: list[tuple[str, object]] = []
        self.hangs_on = {"0"}

    @hookimpl
    def reporter_start(self, context: Context) -> str:
        self.calls.append(("start", context.pid))
        return "state"

    @hookimpl
    def handle_started(self, job: Job, state: str) -> str:
        self.calls.append(("event", job.id))
        if job.id in self.hangs_on:
            self.hung.release()
            self.release.acquire()
        return f"state after {job.id}"

    @hookimpl
    def handle_stopped(self, state: str) -> None:
        self.calls.append(("stopped with", state))

    @hookimpl
    def reporter_stop(self, state: str) -> None:
        self.calls.append(("stop", state))


def test_a_hang_is_named_and_replaced(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Past its timeout, a hook's event is failed, its stack is logged, and a new thread goes on with the rest."""
    hanging, neighbour = Hanging(), Recorder()
    dispatcher = dispatch({"hanging": hanging, "neighbour": neighbour}, timeout=0.05)
    for number in range(3):
        dispatcher.publish(started(number))
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["hanging"]
    assert (stats.handled, stats.failed, stats.abandoned, stats.restarts) == (2, 1, 1, 1)
    assert (stats.status, stats.pending) == ("running", 0)
    assert [call for call in hanging.calls if call[0] == "event"] == [("event", "0"), ("event", "1"), ("event", "2")]
    assert ("stop", "state") in hanging.calls, "the old state is stopped before the new start"
    assert ids(neighbour) == [0, 1, 2]
    (line,) = [message for message in caplog.messages if "hung" in message]
    assert "reporter 'hanging' hung for more than 0.05 s" in line
    assert "It hung in wait (" in line
    assert " < handle_started (" in line
    assert "_runner.py" not in line, "jobreporter's own frames say nothing of the reporter"
    hanging.release.release()


def test_a_late_result_is_thrown_away(dispatch: Make) -> None:
    """What a thread that was given up returns when it comes back changes neither state nor ledger."""
    hanging = Hanging()
    dispatcher = dispatch({"hanging": hanging}, timeout=0.05)
    dispatcher.publish(started(0))
    until(lambda: ("stop", "state") in hanging.calls and dispatcher.stats()["hanging"].status == "running")
    before = threading.active_count()
    hanging.release.release()
    until(lambda: threading.active_count() < before, "the end of the thread that came back")
    dispatcher.publish(make_event("stopped"))
    assert dispatcher.flush(10)
    assert hanging.calls[-1] == ("stopped with", "state")
    stats = dispatcher.stats()["hanging"]
    assert (stats.handled, stats.failed, stats.accepted) == (1, 1, 2)


def test_at_most_two_threads_are_left_behind(dispatch: Make) -> None:
    """The third hang leaves the lane wedged until one of its threads comes back."""
    hanging = Hanging()
    hanging.hangs_on = {"0", "1", "2"}
    dispatcher = dispatch({"hanging": hanging}, timeout=0.05)
    for number in range(4):
        dispatcher.publish(started(number))
    until(lambda: dispatcher.stats()["hanging"].failed == 3)
    stats = dispatcher.stats()["hanging"]
    assert (stats.status, stats.abandoned, stats.pending) == ("wedged", 2, 1)
    assert stats.reason == "a hook hung for more than 0.05 s"
    assert not dispatcher.flush(60), "a lane without a thread is not waited for"
    hanging.release.release()
    until(lambda: dispatcher.stats()["hanging"].status == "running")
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["hanging"]
    assert (stats.status, stats.abandoned, stats.handled, stats.failed) == ("running", 3, 1, 3)
    hanging.release.release(2)


def test_a_start_that_hangs_is_replaced_too(dispatch: Make) -> None:
    """The timeout holds for every hook; what starts too late is stopped by the thread that started it."""
    hung, release, stopped = threading.Event(), threading.Event(), threading.Event()
    started_events: list[str] = []
    starts: list[int] = []

    class Plugin:
        @hookimpl
        def reporter_start(self) -> int:
            starts.append(len(starts))
            if len(starts) == 1:
                hung.set()
                release.wait()
            return len(starts)

        @hookimpl
        def handle_started(self, job: Job) -> None:
            started_events.append(job.id)

        @hookimpl
        def reporter_stop(self, state: int) -> None:
            stopped.set()

    dispatcher = dispatch({"plugin": Plugin}, timeout=0.05)
    dispatcher.publish(started(0))
    arrives(hung)
    assert dispatcher.flush(10)
    assert (started_events, len(starts), stopped.is_set()) == (["0"], 2, False)
    release.set()
    arrives(stopped)


def test_a_hang_at_close_keeps_the_deadline(dispatch: Make) -> None:
    """`close` returns at its deadline, counts the event in hand as failed, and the rest as dropped."""
    hanging = Hanging()
    dispatcher = dispatch({"hanging": hanging}, timeout=60)
    for number in range(3):
        dispatcher.publish(started(number))
    assert hanging.hung.acquire(timeout=10)
    assert not dispatcher.close(0.05)
    stats = dispatcher.stats()["hanging"]
    assert (stats.failed, stats.dropped, stats.pending, stats.status) == (1, {"closed": 2}, 0, "closed")
    hanging.release.release()
    until(lambda: hanging.calls[-1][0] == "stop", "a thread that comes back after the close stops its reporter")


def test_an_event_that_a_close_has_cut_off_counts_as_left(dispatch: Make) -> None:
    """`close` says so whenever it is asked, also where no other event has waited."""
    hanging = Hanging()
    dispatcher = dispatch({"hanging": hanging}, timeout=60)
    dispatcher.publish(started(0))
    assert hanging.hung.acquire(timeout=10)
    assert [dispatcher.close(0.05), dispatcher.close(0.05)] == [False, False]
    hanging.release.release()
    until(lambda: hanging.calls[-1][0] == "stop", "its end")
    assert not dispatcher.close(0.05)


def test_a_state_that_changes_its_type_is_told_once(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Returning something else by accident is logged, naming the hook, and taken at its word."""
    states: list[object] = []

    class Plugin:
        @hookimpl
        def reporter_start(self, options: Options) -> dict[str, int]:
            return {}

        @hookimpl
        def handle_started(self, state: object) -> object:
            states.append(state)
            return len(states)

    dispatcher = dispatch({"plugin": Plugin})
    for number in range(3):
        dispatcher.publish(started(number))
    assert dispatcher.flush(10)
    assert states == [{}, 1, 2]
    (line,) = [message for message in caplog.messages if "state" in message]
    assert line.startswith("reporter 'plugin' handle_started turned the state from dict into int")


def test_a_lane_survives_a_logging_filter_that_raises(dispatch: Make) -> None:
    """A thread that ends for a reason outside its reporter is replaced as well."""

    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("a broken filter")

    broken = Broken()
    logger = logging.getLogger("jobreporter")
    recorder = Recorder(crash_on={"handle_started"})
    dispatcher = dispatch({"recorder": recorder})
    logger.addFilter(broken)
    hook, threading.excepthook = threading.excepthook, lambda _args: None
    try:
        dispatcher.publish(started(0))
        until(lambda: dispatcher.stats()["recorder"].restarts >= 2)
    finally:
        logger.removeFilter(broken)
        threading.excepthook = hook
    recorder.crash_on.clear()
    dispatcher.publish(started(1))
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["recorder"]
    assert (stats.handled, stats.failed) == (1, 1)


def test_the_ledger_adds_up_through_it_all(dispatch: Make) -> None:
    """Crashes, hangs, filters and a full buffer, and every event is accounted for, by an independent count."""
    hanging, recorder = Hanging(), Recorder(crash_on={"handle_aborted"})
    dispatcher = dispatch({"hanging": hanging, "recorder": recorder}, timeout=0.05, capacity=50)
    published = 0
    for number in range(100):
        dispatcher.publish(started(number))
        published += 1
        if number % 10 == 0:
            dispatcher.abort("skipped", "b")
            published += 2
        assert all(adds_up(stats) for stats in dispatcher.stats().values())
    dispatcher.close(5)
    for stats in dispatcher.stats().values():
        assert stats.accepted == published
        assert adds_up(stats)
        assert stats.pending == 0
    assert dispatcher.stats()["recorder"].handled + dispatcher.stats()["recorder"].failed == len(recorder.events)
    hanging.release.release()
