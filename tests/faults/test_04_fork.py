"""Row 4: a fork at any point, while other threads are inside publish and flush."""

from __future__ import annotations

import gc
import itertools
import os
import random
import statistics
import threading
import time
from _thread import LockType
from collections.abc import Callable
from pathlib import Path
from types import CellType, FrameType, FunctionType

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import FileRecorder, make_event, make_job
from tests.core.dispatch.test_fork import in_child
from tests.waiting import arrives, until

from .interrupting import interrupt
from .programs import delivered

# Forking a process that has threads is what this file is about; newer versions of Python warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

#: How many forks are drawn. Where each child is slowed down, as by what measures coverage, fewer must do.
FORKS = int(os.environ.get("FORKS", "300"))


def recording(path: Path) -> Dispatcher:
    return Dispatcher({"recorder": FileRecorder}, config={"reporters": {"recorder": {"path": str(path)}}})


def publish(dispatcher: Dispatcher, job_id: str) -> None:
    dispatcher.publish(make_event("success", job=make_job(id=job_id)))


def child_reports(dispatcher: Dispatcher, name: str) -> Callable[[], None]:
    """What a child does: publish one event of its own, and see it delivered."""

    def act() -> None:
        publish(dispatcher, name)
        assert dispatcher.flush(15)
        assert dispatcher.close(15)
        assert dispatcher.stats()["recorder"].handled == 1

    return act


def test_random_forks(tmp_path: Path) -> None:
    """While threads publish and flush, no child hangs, nothing is delivered twice, and a child's first publish is quick."""
    path, timings = tmp_path / "calls", tmp_path / "timings"
    dispatcher = recording(path)
    stop = threading.Event()
    published = [0, 0, 0]

    def work(index: int) -> None:
        while not stop.is_set():
            publish(dispatcher, f"parent-{index}-{published[index]}")
            published[index] += 1
            if published[index] % (10 * index + 1) == 0:
                dispatcher.flush(20)
                stop.wait(0.001)  # or the forks would see more events than anybody wants to count

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(published))]
    for thread in threads:
        thread.start()
    until(lambda: all(published))
    chance = random.Random(4)  # noqa: S311 - when to fork is no secret
    for number in range(FORKS):
        end = time.monotonic() + chance.uniform(0, 0.004)
        while time.monotonic() < end:
            pass

        def act(number: int = number) -> None:
            start = time.monotonic()
            publish(dispatcher, f"child-{number}")
            seconds = time.monotonic() - start
            with open(timings, "a") as file:
                file.write(f"{seconds}\n")
            if number % 2:
                assert dispatcher.flush(15)
            assert dispatcher.close(15)

        in_child(act)
    stop.set()
    for thread in threads:
        thread.join()
    assert dispatcher.close(20)
    ids = delivered(path)
    assert len(ids) == len(set(ids)) == sum(published) + FORKS
    assert dispatcher.stats()["recorder"].handled == sum(published)
    assert statistics.median(map(float, timings.read_text().split())) < 0.05


@pytest.mark.parametrize("call", ["publish", "flush"])
def test_a_fork_at_every_instruction_of_another_thread(tmp_path: Path, call: str) -> None:
    """Wherever in publish or flush another thread stands, a child has nothing of what that thread is about to do."""
    dispatcher = recording(tmp_path / "calls")
    publish(dispatcher, "first")
    assert dispatcher.flush(20)
    names = itertools.count()
    expected = {"first"}

    def act_of_thread() -> None:
        if call == "publish":
            publish(dispatcher, f"thread-{number}")
        else:
            dispatcher.flush(20)

    for number in itertools.count():
        stands, go = threading.Event(), threading.Event()
        acted: list[bool] = []

        def stand(stands: threading.Event = stands, go: threading.Event = go) -> None:
            stands.set()
            go.wait()

        def work(acted: list[bool] = acted, stands: threading.Event = stands, number: int = number) -> None:
            acted.append(interrupt(act_of_thread, number, stand))
            stands.set()

        thread = threading.Thread(target=work)
        thread.start()
        arrives(stands)
        name = f"child-{next(names)}"
        expected.add(name)
        in_child(child_reports(dispatcher, name))
        go.set()
        thread.join()
        if call == "publish":
            expected.add(f"thread-{number}")
        if not acted[0]:
            break
    assert number >= 20
    assert dispatcher.close(20)
    ids = delivered(tmp_path / "calls")
    assert sorted(ids) == sorted(expected)


def locks_of(owner: object) -> list[LockType]:
    """Every lock that the dispatcher or a part of it holds on to.

    A library's aren't meant: some of these are taken by every fork.
    """
    found: dict[int, LockType] = {}
    seen: set[int] = set()
    queue = [owner]
    while queue:
        thing = queue.pop()
        if id(thing) in seen or isinstance(thing, type | FrameType) or type(thing).__module__ == "threading":
            continue
        seen.add(id(thing))
        if isinstance(thing, LockType):
            found[id(thing)] = thing
        maker = thing if isinstance(thing, FunctionType) else type(thing)
        of_ours = str(maker.__module__).startswith("jobreporter")
        if of_ours or isinstance(thing, list | tuple | dict | set | CellType):
            queue += gc.get_referents(thing)
    return list(found.values())


def test_a_fork_while_every_lock_is_held(tmp_path: Path) -> None:
    """Whatever locks other threads hold at the fork, the child waits for none of them."""
    dispatcher = recording(tmp_path / "calls")
    publish(dispatcher, "first")
    assert dispatcher.flush(20)
    until(lambda: dispatcher._ingress.asleep)
    held, release = threading.Event(), threading.Event()
    taken: list[LockType] = []

    def hold() -> None:
        taken.extend(lock for lock in locks_of(dispatcher) if lock.acquire(blocking=False))
        held.set()
        release.wait()
        for lock in taken:
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    arrives(held)
    assert len(taken) >= 4, "the buffer's, the hand's, the handover's and the requests' at least"
    in_child(child_reports(dispatcher, "child"))
    release.set()
    thread.join()
    publish(dispatcher, "last")
    assert dispatcher.close(20)
    assert delivered(tmp_path / "calls") == ["first", "child", "last"]
