"""What ``test_15_greenlets.py`` runs in processes that gevent or eventlet has patched. Each program is one function.

They wait for one another by giving way, never for a time: in a frozen process none of that would go on.
"""

from __future__ import annotations

import http.client
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from jobreporter import Dispatcher, Event, Execution, Job, hookimpl
from jobreporter._execution import _current
from jobreporter._greenlets import patched_by
from jobreporter.testing import FileRecorder, make_event, make_job

#: Seconds. Reached only where something is broken.
DEADLINE = 10.0


def spawn(function: Callable[..., object], *arguments: object) -> Any:
    """Start a greenlet, in the library's own words."""
    return sys.modules[patched_by() or "gevent"].spawn(function, *arguments)


def give_way() -> None:
    """Let the other greenlets run."""
    sys.modules[patched_by() or "gevent"].sleep(0)


def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Let the others run until it holds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true"
        time.sleep(0.001)


class Counting:
    """A reporter that counts in a list of the test's own."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    @hookimpl
    def handle_started(self, job: Job) -> None:
        self.jobs.append(job.id)


class Patient:
    """A reporter that is at its event until it is let go, and waits by giving way."""

    def __init__(self) -> None:
        self.entered = False
        self.released = False

    @hookimpl
    def handle_started(self) -> None:
        self.entered = True
        until(lambda: self.released, "the release")


def nothing_freezes() -> None:
    """While everything of jobreporter's waits, and while a greenlet waits in flush and close, the others run."""
    patient = Patient()
    dispatcher = Dispatcher({"patient": patient})
    dispatcher.start()
    until(lambda: dispatcher._ingress.asleep and dispatcher._pump.running, "the pump sleeps")
    lane = dispatcher._lanes[0]
    until(lambda: dispatcher._pump._watches[0]._runner.idle, "the lane rests")
    for _ in range(100):
        give_way()
    dispatcher.publish(make_event("started"))
    until(lambda: patient.entered, "an event wakes them")

    def release() -> None:
        until(lambda: dispatcher._waiting, "somebody flushes")
        patient.released = True

    spawn(release)
    assert dispatcher.flush(DEADLINE)
    patient.entered = patient.released = False
    dispatcher.publish(make_event("started"))
    until(lambda: patient.entered, "the second event")

    def release_closed() -> None:
        until(lambda: lane.closing, "somebody closes")
        patient.released = True

    spawn(release_closed)
    assert dispatcher.close(DEADLINE)
    assert dispatcher.stats()["patient"].handled == 2


def made_before_the_patch(patch: Callable[[], object]) -> None:
    """A dispatcher from before the patch starts its greenlets after it; whoever holds on to ``publish`` may."""
    counting = Counting()
    dispatcher = Dispatcher({"counting": counting})
    publish = dispatcher.publish
    patch()
    nothing = []
    spawn(nothing.append, None)
    for number in range(3):
        publish(make_event("started", job=make_job(id=str(number))))
        until(lambda number=number: len(counting.jobs) > number, "its event")  # type: ignore[misc]  # the present number
        until(lambda: dispatcher._ingress.asleep, "the pump sleeps")
    assert nothing
    assert dispatcher.flush(DEADLINE)
    assert dispatcher.close(DEADLINE)
    publish(make_event("started"))
    stats = dispatcher.stats()["counting"]
    assert (stats.accepted, stats.handled, stats.dropped) == (4, 3, {"closed": 1})


def publish_gives_way_to_nobody() -> None:
    """Neither the event that starts everything nor one that wakes it, nor a thousand, lets another greenlet run."""
    dispatcher = Dispatcher({"counting": Counting()})
    for _ in range(2):
        others: list[None] = []
        spawn(others.append, None)
        for _ in range(1_000):
            dispatcher.publish(make_event("started"))
        assert others == []
        give_way()
        assert others
        until(lambda: dispatcher._ingress.asleep, "the pump sleeps")
    assert dispatcher.close(DEADLINE)


def a_burst_lets_others_run() -> None:
    """Between two hooks that take their time, the other greenlets have a turn, however many events wait."""
    turns = 0
    seen: list[int] = []

    class Busy:
        @hookimpl
        def handle_started(self) -> None:
            seen.append(turns)
            end = time.perf_counter() + 0.004
            while time.perf_counter() < end:
                pass

    def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            give_way()

    dispatcher = Dispatcher({"busy": Busy})
    spawn(take_turns)
    for _ in range(50):
        dispatcher.publish(make_event("started"))
    assert dispatcher.flush(DEADLINE)
    assert len(set(seen)) == len(seen) == 50
    assert dispatcher.close(DEADLINE)


def executions_keep_apart() -> None:
    """Each greenlet sees the execution that it is in, whoever ran in between; a reporter sees none."""
    in_hooks: list[object] = []

    class Reporter:
        @hookimpl
        def reporter_start(self) -> None:
            in_hooks.append(_current.get())

        @hookimpl
        def handle_started(self) -> None:
            in_hooks.append(_current.get())

    dispatcher = Dispatcher({"reporter": Reporter})
    done: list[str] = []

    def job(name: str, rounds: int) -> None:
        with dispatcher.begin(name) as mine:
            for _ in range(rounds):
                give_way()
                assert Execution.current() is mine
            with dispatcher.begin(f"{name}, nested") as nested:
                give_way()
                assert Execution.current() is nested
            give_way()
            assert Execution.current() is mine
        give_way()
        assert Execution.current() is None
        done.append(name)

    outer = dispatcher.resume("starts the reporters").enter()
    dispatcher.start()
    outer.stop()
    for number in range(20):
        spawn(job, f"job {number}", number % 5)
    until(lambda: len(done) == 20, "all jobs")
    assert dispatcher.close(DEADLINE)
    assert in_hooks == [None] * 41


def the_ledger_closes(path: str) -> None:
    """Many greenlets publish while a reporter raises and another hangs; an independent count agrees with the ledger."""
    published: Counter[str] = Counter()

    class Raising:
        @hookimpl
        def handle_failure(self) -> None:
            raise RuntimeError("no")

    class Hanging:
        @hookimpl
        def handle_aborted(self) -> None:
            while True:
                time.sleep(0.01)

    dispatcher = Dispatcher(
        {"recorder": FileRecorder, "raising": Raising, "hanging": Hanging},
        config={"reporters": {"recorder": {"path": path}, "hanging": {"lane": {"timeout": 0.2, "capacity": 100}}}},
    )

    dispatcher.abort("skipped", "which hangs")
    published["events"] += 2
    until(lambda: dispatcher.stats()["hanging"].abandoned, "the hang is noticed")

    def job(number: int) -> None:
        for turn in range(20):
            execution = dispatcher.begin(f"job {number}", id=f"{number}.{turn}")
            if turn % 3 == 0:
                give_way()
            if turn % 4 == 0:
                execution.fail(ValueError("seven"))
            elif turn % 10 == 1:
                execution.abort("skipped")
            else:
                execution.succeed()
            execution.stop()
            published["events"] += 3
            if turn % 5 == 0:
                time.sleep(0.001)
        published["greenlets"] += 1

    for number in range(50):
        spawn(job, number)
    until(lambda: published["greenlets"] == 50, "all jobs")
    dispatcher.close(2.0)
    stats = dispatcher.stats()
    for ledger in stats.values():
        lost = sum(ledger.dropped.values())
        assert ledger.accepted == published["events"] == 3_002
        assert ledger.handled + ledger.failed + ledger.filtered + lost + ledger.pending == ledger.accepted
        assert ledger.pending == 0
    assert stats["recorder"].handled == 3_002


def requests_do_not_freeze(port: str) -> None:
    """A reporter waits for a server's answer, through two clients, while the greenlets that make it answer run."""
    answers: list[bytes] = []

    class Posting:
        @hookimpl
        def handle_started(self, job: Job) -> None:
            if job.id == "urllib3":
                import urllib3

                with urllib3.PoolManager() as pool:
                    answers.append(pool.request("GET", f"http://127.0.0.1:{port}/urllib3", timeout=DEADLINE).data)
            else:
                answers.append(get(port, "http.client"))

    dispatcher = Dispatcher({"posting": Posting})
    for client in ("http.client", "urllib3"):
        dispatcher.publish(make_event("started", job=make_job(id=client)))
        # The server answers the reporter's request only once this one has come.
        answer: list[bytes] = []
        spawn(lambda client=client, answer=answer: answer.append(get(port, f"release/{client}")))
        until(lambda answer=answer: answer, "the release")  # type: ignore[misc]  # the present one
        assert dispatcher.flush(DEADLINE)
    assert answers == [b"released"] * 2
    assert dispatcher.close(DEADLINE)


def get(port: str, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=DEADLINE)
    connection.request("GET", f"/{path}")
    body = connection.getresponse().read()
    connection.close()
    return body


def a_hang_is_named() -> None:
    """A hook that waits for ever is left behind, its stack is logged, and the next events reach the reporter."""
    counting = Counting()

    class Hanging:
        @hookimpl
        def handle_started(self, job: Job) -> None:
            if job.id == "hang":
                wait_for_ever()

    dispatcher = Dispatcher(
        {"hanging": Hanging, "counting": counting}, config={"reporters": {"hanging": {"lane": {"timeout": 0.1}}}}
    )
    dispatcher.publish(make_event("started", job=make_job(id="hang")))
    until(lambda: dispatcher.stats()["hanging"].abandoned == 1, "the hang is noticed")
    dispatcher.publish(make_event("started", job=make_job(id="next")))
    until(lambda: dispatcher.stats()["hanging"].handled == 1, "the next event")
    assert dispatcher.close(DEADLINE)
    stats = dispatcher.stats()["hanging"]
    assert (stats.handled, stats.failed) == (1, 1)
    assert counting.jobs == ["hang", "next"]


def wait_for_ever() -> None:
    while True:
        time.sleep(0.01)


def async_hooks_are_refused() -> None:
    """The reporter is broken, and says why; the one beside it works."""

    class Async:
        @hookimpl
        async def handle_started(self) -> None:
            pass

    counting = Counting()
    dispatcher = Dispatcher({"async": Async, "counting": counting})
    dispatcher.publish(make_event("started"))
    until(lambda: counting.jobs, "the other's event")
    until(lambda: dispatcher.stats()["async"].status == "broken", "the refusal")
    reason = dispatcher.stats()["async"].reason
    assert reason is not None
    assert f"{patched_by()} has patched threads" in reason
    assert not dispatcher.close(DEADLINE)


def a_reporters_own_thread_runs() -> None:
    """What a reporter starts with ``threading`` runs while the reporter has nothing to do."""
    beats: list[None] = []

    class Serving:
        @hookimpl
        def reporter_start(self) -> None:
            threading.Thread(target=self.serve, daemon=True).start()

        def serve(self) -> None:
            while True:
                beats.append(None)
                time.sleep(0.001)

        @hookimpl
        def handle_started(self) -> None:
            pass

    dispatcher = Dispatcher({"serving": Serving})
    dispatcher.start()
    until(lambda: dispatcher._ingress.asleep and len(beats) > 10, "it serves while the pump sleeps")
    assert dispatcher.close(DEADLINE)


def a_child_owns_nothing(path: str) -> None:
    """Greenlets come along into a forked child: those of the dispatcher end there, and stop no reporter."""
    gate = f"{path}.gate"

    class Held:
        """Keeps its first event until the gate is there, in both processes."""

        @hookimpl
        def handle_started(self, job: Job) -> None:
            until(lambda: job.id != "first" or os.path.exists(gate), "the gate")

        @hookimpl
        def reporter_stop(self) -> None:
            with open(f"{path}.stopped", "a") as file:
                file.write(f"{os.getpid()} ")

    dispatcher = Dispatcher(
        {"recorder": FileRecorder, "held": Held}, config={"reporters": {"recorder": {"path": path}}}
    )
    for name in ("first", "second"):
        dispatcher.publish(make_event("started", job=make_job(id=name)))
    until(lambda: dispatcher.stats()["recorder"].handled == 2, "the events")
    pid = os.fork()
    dispatcher.publish(make_event("started", job=make_job(id="child" if pid == 0 else "parent")))
    open(gate, "w").close()
    if pid == 0:
        os._exit(_succeeds(lambda: _check_the_child(dispatcher)))
    assert os.waitpid(pid, 0)[1] == 0
    assert dispatcher.close(DEADLINE)
    with open(f"{path}.stopped") as file:
        assert file.read().split() == [str(pid), str(os.getpid())]


def _check_the_child(dispatcher: Dispatcher) -> None:
    until(lambda: dispatcher.stats()["held"].handled == 1, "the child's own event")
    for _ in range(100):
        give_way()  # to what the parent's greenlets would still do
    assert dispatcher.close(DEADLINE)
    assert dispatcher.stats()["recorder"].accepted == 1


def _succeeds(act: Callable[[], object]) -> int:
    try:
        act()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def the_exit_delivers(path: str) -> None:
    """A program that ends right after its first events, and closes nothing, loses none."""
    dispatcher = Dispatcher({"recorder": FileRecorder}, config={"reporters": {"recorder": {"path": path}}})
    for number in range(10):
        dispatcher.publish(make_event("started", job=make_job(id=str(number))))


def a_killed_greenlet_is_cancelled() -> None:
    """A job whose greenlet is killed was given up, and the kill goes on."""
    seen: list[Event] = []

    class Reporter:
        @hookimpl
        def handle_aborted(self, meta: Any) -> None:
            seen.append(meta)

    dispatcher = Dispatcher({"reporter": Reporter})
    entered: list[None] = []

    def job() -> None:
        with dispatcher.begin("killed"):
            entered.append(None)
            wait_for_ever()

    greenlet = spawn(job)
    until(lambda: entered, "the job")
    greenlet.kill()
    assert dispatcher.close(DEADLINE)
    assert [event.reason for event in seen] == ["cancelled"]


def unpatched_threads_stay_threads() -> None:
    """Where the library has patched other things only, lanes are threads beside the thread with the greenlets."""
    threads: list[int] = []

    class Reporter:
        @hookimpl
        def handle_started(self) -> None:
            threads.append(threading.get_native_id())

    assert patched_by() is None
    dispatcher = Dispatcher({"reporter": Reporter})
    dispatcher.publish(make_event("started"))
    assert dispatcher.close(DEADLINE)
    assert len(threads) == 1
    assert threads != [threading.get_native_id()]
