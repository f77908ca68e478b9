"""More of what ``test_15_greenlets.py`` runs in patched processes: what is reported there, and whose it is.

Each event arrives once, and belongs to the greenlet and to the process that it came from.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from jobreporter import Dispatcher, Event, Execution, Job, hookimpl
from jobreporter._publish.execution import _current
from jobreporter.testing import FileRecorder, make_event, make_job
from tests.faults.greenlet_programs import DEADLINE, Counting, give_way, spawn, until, wait_for_ever


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
