"""Row 23: the thread that hands events to all reporters is interrupted, killed, or can't be started."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from jobreporter import Dispatcher
from jobreporter._dispatch import pump, watchdog
from jobreporter._dispatch.intake import Intake, Opened
from jobreporter._dispatch.turns import Turns
from jobreporter._publish.ingress import Ingress
from jobreporter._system import locks, threads
from jobreporter.context import LaneStats
from jobreporter.testing import Recorder, make_event, make_job
from tests.waiting import until

from .interrupted_pump import Interrupter, Interruption
from .interrupting import Place


def publish(dispatcher: Dispatcher) -> None:
    """Events of all kinds: an execution that succeeds, one that fails, and one event by itself."""
    with dispatcher.begin("a", id="1"):
        pass
    with pytest.raises(ZeroDivisionError), dispatcher.begin("a", id="2"):
        raise ZeroDivisionError
    dispatcher.publish(make_event("started", job=make_job(id="3")))


PUBLISHED = {"1": 3, "2": 3, "3": 1}


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits a second for a thread that may only be late, and half a one for a lock, waits less."""
    monkeypatch.setattr(pump, "LOST_START", 0.1)
    monkeypatch.setattr(watchdog, "LOST_START", 0.1)
    monkeypatch.setattr(locks, "LONGEST_HOLD", 0.1)


def places(interrupter: Interrupter) -> list[Place]:
    """The instructions that a pump comes to, from its start to its end."""
    known = -1
    while len(interrupter.places) > known:
        known = len(interrupter.places)
        attempt(interrupter, None, Interruption(), "drop_newest")
        attempt(interrupter, None, Interruption(), "drop_oldest")
    return list(interrupter.places)


def attempt(interrupter: Interrupter, place: Place | None, error: BaseException, overflow: str) -> None:
    """Interrupt a pump: every event was handed out, once, and the ledger says so."""
    interrupter.arm(place, error)
    recorder = Recorder()
    dispatcher = Dispatcher(
        {"recorder": recorder}, config={"reporters": {"recorder": {"lane": {"overflow": overflow}}}}
    )
    publish(dispatcher)
    assert (dispatcher.flush(20), dispatcher.close(20)) == (True, True), place
    stats = dispatcher.stats()["recorder"]
    assert Counter(event.job.id for event in recorder.events) == PUBLISHED, place
    assert (stats.accepted, stats.handled, stats.dropped, stats.pending) == (7, 7, {}, 0), place


# Of the instructions for which there is no time, every so many.
STRIDE = 9
# So many tests share all instructions, since a test that takes minutes counts as one that hangs.
PARTS = 4


@pytest.mark.one_interpreter
@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_instruction_of_the_pump(monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    """Whatever is raised wherever, from the pump's start to its end: nothing is lost, comes twice, or is left behind."""
    interrupter, tried, others = Interrupter(monkeypatch), 0, pumps()
    # What completes a failure is long, and knows nothing of the pump.
    tries = [
        place for number, place in enumerate(places(interrupter)) if "_capture" not in place[0] or number % STRIDE == 0
    ]
    for place in tries[part::PARTS]:
        attempt(interrupter, place, Interruption(), "drop_newest")
        tried += interrupter.acted
    assert tried >= 1_500 / PARTS
    until(lambda: pumps() <= others, "the end of every pump")


@pytest.mark.one_interpreter
@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("error", "overflow"), [(MemoryError(), "drop_newest"), (KeyboardInterrupt(), "drop_oldest")], ids=str
)
def test_other_errors_and_buffers(monkeypatch: pytest.MonkeyPatch, error: BaseException, overflow: str) -> None:
    """The same where memory is short, and with the other kind of buffer."""
    interrupter, tried = Interrupter(monkeypatch), 0
    for place in places(interrupter)[::STRIDE]:
        attempt(interrupter, place, error, overflow)
        tried += interrupter.acted
    assert tried >= 200


def pumps() -> set[threading.Thread]:
    """The threads that hand out events, or have done so and aren't over yet. Other tests may have left some."""
    return {thread for thread in threading.enumerate() if thread.name == "jobreporter-pump"}


def kill(thread: threading.Thread, error: type[BaseException]) -> bool:
    """Throw an exception into a thread, as a debugger or a watchdog of the program's might."""
    told: int = ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error))
    return told == 1


# Killed while it sees to having been killed, the thread ends with that, and another takes its place.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_pump_that_is_killed_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    """It goes on each time, tells of it once in half a minute, and no event is lost or comes twice."""
    recorder, others = Recorder(), pumps()
    dispatcher = Dispatcher({"recorder": recorder})
    killed = 0
    for number in range(2_000):
        dispatcher.publish(make_event("success", job=make_job(id=str(number))))
        if number % 20 == 0:
            killed += sum(kill(thread, SystemExit) for thread in pumps() - others)
    assert dispatcher.close(60)
    assert killed >= 20
    assert [event.job.id for event in recorder.events] == [str(number) for number in range(2_000)]
    stats = dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.handled, stats.dropped, stats.pending) == (2_000, 2_000, {}, 0)
    line = "handing out events was interrupted, and goes on: SystemExit"
    until(lambda: line in caplog.text, "the line")
    assert caplog.text.count(line) == 1


@pytest.mark.usefixtures("hurried")
def test_a_pump_that_is_interrupted_again_before_it_has_made_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """It held a lane's lock the first time: whoever comes after it waits for that no longer than for a moment."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    buffer = dispatcher._runtime.pump._turns._lanes[0].buffer
    move, stumbled = Intake.move, pump.Pump._stumbled
    interruptions: list[str] = []

    def interrupted_with_the_lock(intake: Intake) -> bool:
        if intake.waits and not interruptions:
            interruptions.append("a turn")
            buffer.lock.acquire()
            raise SystemExit
        return move(intake)

    def interrupted_again(self: pump.Pump, error: BaseException) -> None:
        if len(interruptions) == 1:
            interruptions.append("making it good")
            raise SystemExit
        stumbled(self, error)

    monkeypatch.setattr(threading, "excepthook", lambda _details: None)  # what comes out of the first pump's thread
    monkeypatch.setattr(Intake, "move", interrupted_with_the_lock)
    monkeypatch.setattr(pump.Pump, "_stumbled", interrupted_again)
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(20)
    assert dispatcher.close(20)
    assert interruptions == ["a turn", "making it good"]
    assert dispatcher.stats()["recorder"].handled == 1


def test_a_pump_that_gets_nothing_done_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """While every turn raises, reporters are broken, with the reason; flush says no; healed, it hands out all."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})

    def stats() -> LaneStats:
        return dispatcher.stats()["recorder"]

    def no_memory(_intake: Intake) -> bool:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Intake, "move", no_memory)
        dispatcher.publish(make_event("started"))
        until(lambda: stats().status == "broken", "a status that is true")
        assert str(stats().reason).startswith("handing out events was interrupted: MemoryError")
        assert not dispatcher.flush(0.1)
        assert stats().pending == 1
    until(lambda: stats().handled == 1, "the event")
    until(lambda: stats().status == "running", "a status that is true")
    assert dispatcher.close(20)


def test_close_never_says_that_nothing_was_lost_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pump that gets nothing done until the end: what it had and what waited is counted, and closing says no, and again."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(20)

    def no_memory(_intake: Intake, _opened: object = None) -> bool:
        raise MemoryError

    monkeypatch.setattr(Intake, "_open_some", no_memory)
    for _ in range(1_000):
        dispatcher.publish(make_event("started"))
    assert [dispatcher.close(0.2), dispatcher.close(0.2)] == [False, False]
    stats = dispatcher.stats()["recorder"]
    until(lambda: dispatcher.stats()["recorder"].pending == 0, "a ledger that is closed")
    assert (stats.status, stats.accepted, stats.handled) == ("closed", 1_001, 1)
    assert dispatcher.stats()["recorder"].dropped == {"closed": 1_000}


def test_an_end_that_is_interrupted_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken and reached no lane is counted all the same."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    give_up, times = Intake.give_up, iter(range(5))

    def no_memory(_intake: Intake, _opened: object = None) -> bool:
        raise MemoryError

    def interrupted(intake: Intake) -> None:
        if next(times, None) is not None:
            raise SystemExit
        give_up(intake)

    monkeypatch.setattr(Intake, "_open_some", no_memory)
    monkeypatch.setattr(Intake, "give_up", interrupted)
    for _ in range(100):
        dispatcher.publish(make_event("started"))
    until(lambda: dispatcher.stats()["recorder"].status == "broken", "an interrupted turn")
    assert not dispatcher.close(0.2)
    until(lambda: dispatcher.stats()["recorder"].pending == 0, "a ledger that is closed")
    assert dispatcher.stats()["recorder"].dropped == {"closed": 100}


def test_what_was_pulled_behind_a_close_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interruption items are taken one by one; those that came after the close, and were pulled, are no less there."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    hear, open_some, closings, interruptions = Turns._hear, Intake._open_some, iter(range(1)), iter(range(1))

    def publish_more(count: int) -> None:
        thread = threading.Thread(target=lambda: [dispatcher.publish(make_event("started")) for _ in range(count)])
        thread.start()  # what the pump's own thread publishes is an echo
        thread.join()

    def more_comes(self: Turns) -> None:
        if self.closing and next(closings, None) is not None:
            publish_more(1)
            hear(self)
            publish_more(50)
        else:
            hear(self)

    def interrupted(intake: Intake) -> Opened:
        if len(intake._state.pulled) > 1 and next(interruptions, None) is not None:
            raise MemoryError
        return open_some(intake)

    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(20)
    monkeypatch.setattr(Turns, "_hear", more_comes)
    monkeypatch.setattr(Intake, "_open_some", interrupted)
    assert dispatcher.close(20)
    assert next(interruptions, None) is None
    stats = dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.handled, stats.pending) == (52, 52, 0)


def test_a_close_while_the_pump_hands_over_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of the two finds that there will be no pump any more counts what the last one had."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    desert, closings = Ingress.desert, iter(range(1))

    def no_memory(_intake: Intake) -> Opened:
        raise MemoryError

    def ended(_pump: pump.Pump, _error: BaseException) -> None:
        raise SystemExit

    def closed_meanwhile(ingress: Ingress) -> None:
        desert(ingress)
        if next(closings, None) is not None:
            closing = threading.Thread(target=dispatcher.close, args=(0.0,))
            closing.start()
            closing.join(20)

    monkeypatch.setattr(threading, "excepthook", lambda _details: None)  # what comes out of the pump's thread
    monkeypatch.setattr(Intake, "_open_some", no_memory)
    monkeypatch.setattr(pump.Pump, "_stumbled", ended)
    monkeypatch.setattr(Ingress, "desert", closed_meanwhile)
    dispatcher.publish(make_event("started"))
    until(lambda: dispatcher.stats()["recorder"].status == "closed", "the close")
    until(lambda: dispatcher.stats()["recorder"].pending == 0, "a ledger that is closed")
    assert dispatcher.stats()["recorder"].dropped == {"closed": 1}


@pytest.mark.usefixtures("log_of_its_own")
def test_a_pump_that_can_not_be_started_is_started_later(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where the machine is out of threads, events wait, reporters are broken and stderr says why; then all is handed out."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    with monkeypatch.context() as patch:
        patch.setattr(threads, "start", refuse)
        for _ in range(3):
            dispatcher.publish(make_event("started"))
        stats = dispatcher.stats()["recorder"]
        assert (stats.status, stats.pending) == ("broken", 3)
        assert str(stats.reason).startswith("no thread can be started: can't start new thread")
        assert not dispatcher.flush(0.2)
    assert "no reporter gets any event: no thread can be started" in capfd.readouterr().err
    assert dispatcher.flush(20)
    assert len(recorder.events) == 3
    assert dispatcher.stats()["recorder"].status == "running"
    assert dispatcher.close(20)


FAILING_ALLOCATIONS = """
import logging, sys
import _testcapi
from jobreporter import Dispatcher
from jobreporter._dispatch.pump import Pump
from jobreporter.testing import Recorder, make_event

logging.getLogger("jobreporter").setLevel(logging.CRITICAL + 1)
sys.stderr = open("/dev/null", "w")
turn, fails = Pump._take_turn, []

def failing_turn(pump):
    if not (fails and pump.intake.waits):
        return turn(pump)
    _testcapi.set_nomemory(*fails.pop())
    try:
        turn(pump)
    finally:
        _testcapi.remove_mem_hooks()

Pump._take_turn = failing_turn
for first in range(1, int(sys.argv[1])):
    for last in (first + 1, first + 50):
        recorder = Recorder()
        dispatcher = Dispatcher({"recorder": recorder})
        dispatcher.start()
        dispatcher.flush(20)
        fails.append((first, last))
        for kind in ("started", "success", "stopped"):
            dispatcher.publish(make_event(kind))
        done = False
        while not done:
            try:
                dispatcher.flush(20)
                done = True
            except MemoryError:
                pass  # the allocation that failed was the caller's own
        closed, stats = dispatcher.close(20), dispatcher.stats()["recorder"]
        settled = stats.handled + stats.failed + sum(stats.dropped.values())
        assert (closed, stats.accepted, stats.pending, settled) == (True, 3, 0, 3), (first, stats)
        assert len(recorder.events) >= stats.handled, (first, stats)
print("all")
"""


@pytest.mark.one_interpreter
def test_every_allocation_of_a_turn(tmp_path: Path) -> None:
    """An allocation that fails, or fifty in a row, costs at most what is counted, and never the pump or the close."""
    pytest.importorskip("_testcapi", reason="this Python comes without its test modules")
    command = [sys.executable, "-c", FAILING_ALLOCATIONS, "120"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr
