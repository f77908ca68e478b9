"""What ``test_15_greenlets.py`` runs in processes that gevent or eventlet has patched. Each program is one function.

Here: who runs while jobreporter waits, and while it works. They wait for one another by giving way, never for a time: in
a frozen process none of that would go on.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from jobreporter import Dispatcher, Job, hookimpl
from jobreporter._system.greenlets import patched_by
from jobreporter.testing import make_event, make_job

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
    until(lambda: dispatcher._ingress.asleep and dispatcher._runtime.pump.running, "the pump sleeps")
    lane = dispatcher._runtime.lanes[0]
    until(lambda: dispatcher._runtime.pump._turns.watchdogs[0]._lane_thread.idle, "the lane rests")
    for _ in range(100):
        give_way()

    def another_runs_during(wait: Callable[[float], bool], under_way: Callable[[], object]) -> None:
        patient.entered = patient.released = False
        dispatcher.publish(make_event("started"))
        until(lambda: patient.entered, "an event wakes them")

        def release() -> None:
            until(under_way, f"somebody waits in {wait.__name__}")
            patient.released = True

        spawn(release)
        assert wait(DEADLINE)

    another_runs_during(dispatcher.flush, lambda: dispatcher._runtime.flushes)
    another_runs_during(dispatcher.close, lambda: lane.closing)
    assert dispatcher.stats()["patient"].handled == 2


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
