"""Forked children: what they own, and what they leave alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Context, Dispatcher, Execution, Job, hookimpl
from jobreporter.testing import FileRecorder, Recorder, make_event, make_job, read_calls
from tests.waiting import arrives, until

# Forking a process that has threads is what this file is about; newer versions of Python warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def in_child(act: Callable[[], object]) -> None:
    """Run in a forked child, and fail if that doesn't end well within the deadline."""
    pid = os.fork()
    if pid == 0:
        status = 1
        signal.alarm(20)
        try:
            act()
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


def recording(path: Path) -> Dispatcher:
    return Dispatcher({"recorder": FileRecorder}, config={"reporters": {"recorder": {"path": str(path)}}})


def test_what_ran_at_the_fork_is_the_parents_to_end(tmp_path: Path) -> None:
    """A child that goes on from there leaves the same blocks again: it ends nothing but what it has begun itself."""
    path = tmp_path / "calls"
    dispatcher = recording(path)

    def leave_as_the_parent_will() -> None:
        assert Execution.current() is inner
        with dispatcher.begin("own"):
            pass
        for execution in (inner, outer):
            execution.stop()
        assert dispatcher.close(15)

    with dispatcher.begin("outer") as outer, dispatcher.begin("inner") as inner:
        assert dispatcher.flush(15)
        in_child(leave_as_the_parent_will)
    assert dispatcher.close(15)

    ends = [call.job.name for call in read_calls(path) if call.hook == "handle_stopped" and call.job is not None]
    assert ends == ["own", "inner", "outer"]


def test_a_child_owns_none_of_the_parents_events(tmp_path: Path) -> None:
    """What the parent published and not delivered yet is delivered by the parent, once."""
    path = tmp_path / "calls"
    blocked, release = threading.Event(), threading.Event()

    class Slow:
        @hookimpl
        def handle_started(self) -> None:
            blocked.set()
            release.wait()

    dispatcher = Dispatcher(
        {"slow": Slow, "recorder": FileRecorder}, config={"reporters": {"recorder": {"path": str(path)}}}
    )
    for number in range(10):
        dispatcher.publish(make_event("started", job=make_job(id=f"parent-{number}")))
    arrives(blocked)

    def act() -> None:
        assert [stats.accepted for stats in dispatcher.stats().values()] == [0, 0]
        release.set()
        dispatcher.publish(make_event("started", job=make_job(id="child")))
        assert dispatcher.close(10)
        assert dispatcher.stats()["recorder"].accepted == 1

    in_child(act)
    release.set()
    assert dispatcher.close(10)
    by_pid: dict[int | None, list[str]] = {}
    for call in read_calls(path):
        if call.job is not None:
            by_pid.setdefault(call.pid, []).append(call.job.id)
    parents = by_pid.pop(os.getpid())
    assert parents == [f"parent-{number}" for number in range(10)]
    assert list(by_pid.values()) == [["child"]]


def test_a_child_starts_with_fresh_state(tmp_path: Path) -> None:
    """``reporter_start`` is called again in a child, with the child's own context."""
    seen: list[Context] = []

    class Plugin:
        @hookimpl
        def reporter_start(self, context: Context) -> int:
            seen.append(context)
            return 0

        @hookimpl
        def handle_started(self, state: int) -> int:
            return state + 1

    dispatcher = Dispatcher({"plugin": Plugin})
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(10)

    def act() -> None:
        dispatcher.publish(make_event("started"))
        assert dispatcher.flush(10)
        assert [context.pid for context in seen] == [os.getppid(), os.getpid()]
        assert dispatcher.begin("a").job.worker == f"{seen[1].host}:{os.getpid()}"

    in_child(act)
    assert dispatcher.close(10)
    assert len(seen) == 1


def test_ids_differ_between_parent_and_child(tmp_path: Path) -> None:
    """Made-up ids are unique across a fork."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    dispatcher.begin("a")
    reader, writer = os.pipe()
    in_child(lambda: os.write(writer, dispatcher.begin("a").job.id.encode()))
    assert dispatcher.begin("a").job.id.encode() != os.read(reader, 100)
    os.close(reader)
    os.close(writer)
    assert dispatcher.close(10)


def test_publish_may_be_held_on_to_across_a_fork(tmp_path: Path) -> None:
    """A reference to ``dispatcher.publish`` taken before the fork works after it."""
    path = tmp_path / "calls"
    dispatcher = recording(path)
    publish = dispatcher.publish
    publish(make_event("started"))
    assert dispatcher.flush(10)

    def act() -> None:
        publish(make_event("stopped"))
        assert dispatcher.close(10)

    in_child(act)
    assert dispatcher.close(10)
    assert [call.hook for call in read_calls(path) if call.job] == ["handle_started", "handle_stopped"]


def test_forks_land_anywhere(tmp_path: Path) -> None:
    """While other threads publish and flush, forked children neither hang nor deliver what isn't theirs."""
    path = tmp_path / "calls"
    dispatcher = recording(path)
    stop = threading.Event()
    published = [0, 0]

    def publish(index: int) -> None:
        while not stop.is_set():
            dispatcher.publish(make_event("started", job=make_job(id=f"parent-{index}-{published[index]}")))
            published[index] += 1
            if published[index] % 20 == 0:
                dispatcher.flush(10)

    threads = [threading.Thread(target=publish, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: all(published))
    for number in range(30):

        def act(number: int = number) -> None:
            dispatcher.publish(make_event("started", job=make_job(id=f"child-{number}")))
            assert dispatcher.close(15)

        in_child(act)
    stop.set()
    for thread in threads:
        thread.join()
    assert dispatcher.close(15)
    ids = [call.job.id for call in read_calls(path) if call.job]
    assert len(ids) == len(set(ids)) == sum(published) + 30
    assert dispatcher.stats()["recorder"].handled == sum(published)


def test_a_fork_inside_a_flush_lets_the_child_go(tmp_path: Path) -> None:
    """A child whose code waits in ``flush`` for threads that it doesn't have is let go at once."""
    blocked, release = threading.Event(), threading.Event()

    def block(_call: object) -> None:
        blocked.set()
        release.wait()

    recorder = Recorder(effect=block)
    dispatcher = Dispatcher({"recorder": recorder})
    dispatcher.publish(make_event("started"))
    arrives(blocked)
    pids: list[int] = []

    def fork(_number: int, _frame: Any) -> None:
        pids.append(os.fork())
        if pids[0]:
            release.set()
        else:
            signal.alarm(20)

    before = signal.signal(signal.SIGUSR1, fork)
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    flushed = dispatcher.flush(15)
    if pids[0] == 0:
        os._exit(0 if not flushed else 1)
    signal.signal(signal.SIGUSR1, before)
    assert os.waitpid(pids[0], 0)[1] == 0
    assert flushed
    assert dispatcher.close(10)


def test_a_child_never_finalizes_what_it_inherited(tmp_path: Path) -> None:
    """A child that exits in the ordinary way leaves the parent's files and event loops as they are."""
    path = tmp_path / "written"
    program = f"from tests.core.dispatch.test_fork import fork_and_exit; fork_and_exit({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_text() == "once twice "


def fork_and_exit(path: str) -> None:
    """Have an async reporter hold a file with something in its buffer, fork, and exit in both processes."""

    class Plugin:
        @hookimpl
        async def reporter_start(self) -> Any:
            return open(path, "w")  # noqa: ASYNC230 - what is buffered in the file is the point

        @hookimpl
        async def handle_started(self, job: Job, state: Any) -> None:
            state.write(f"{job.id} ")

        @hookimpl
        async def reporter_stop(self, state: Any) -> None:
            state.close()

    dispatcher = Dispatcher({"plugin": Plugin})
    dispatcher.publish(make_event("started", job=make_job(id="once")))
    assert dispatcher.flush(10)
    pid = os.fork()
    if pid == 0:
        sys.exit()  # the ordinary way: objects are finalized
    assert os.waitpid(pid, 0)[1] == 0
    dispatcher.publish(make_event("started", job=make_job(id="twice")))
    assert dispatcher.flush(10), "the event loop still works"
    assert dispatcher.close(10)
