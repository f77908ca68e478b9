"""One round: everybody publishes, the dispatchers close, and what is left is looked at."""

from __future__ import annotations

import ctypes
import gc
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from .audit import audit
from .children import Children
from .leftovers import open_files, wait_for_threads
from .log import unreliable
from .notes import PerProcess
from .plan import Round
from .publishers import WAYS, Publisher, on_a_thread
from .stage import Stage

#: How many signal handlers may interrupt each other: on a busy machine, signals come faster than they are handled.
DEEPEST = 3


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a round was like, and what is wrong."""

    counts: Counter[str]
    complaints: list[str]


def run(plan: Round) -> Report:
    """Play the round."""
    threads, files = threading.enumerate(), open_files()
    released = PerProcess(threading.Event)
    with tempfile.TemporaryDirectory() as folder, _collecting_every(plan.threshold), unreliable(plan) as log:
        stages = [Stage(plan, scene, released, log) for scene in plan.scenes]
        children = Children(stages, released, Path(folder))
        _publish(plan, stages, children)
        in_time = [_close(stage) for stage in stages]
        released().set()
        complaints = [*children.reap(), *wait_for_threads(threads)]
        for stage in stages:
            stage.tidy_up()
        gc.collect()
        for stage, closed in zip(stages, in_time, strict=True):
            complaints += audit(stage, in_time=closed)
    if left := open_files() - files:
        complaints.append(f"files are left: {left}")
    return Report(counts=_counts(stages, children), complaints=complaints)


def _publish(plan: Round, stages: list[Stage], children: Children) -> None:
    """Everybody at once, until the time is over."""
    until = time.monotonic() + plan.seconds
    threads = []
    for number, trade in enumerate(plan.trades):
        dice = plan.dice(f"{trade}-{number}")
        publisher = Publisher(dice.choice(stages), f"{trade}-{number}", dice)
        threads.append(threading.Thread(target=WAYS[trade], args=(publisher, until)))
    threads.append(threading.Thread(target=partial(_fork, plan, children)))
    threads.append(threading.Thread(target=partial(_kill, plan)))
    threads += [threading.Thread(target=_close, args=(stage,)) for stage in stages if stage.scene.closes_early]
    with _signals(plan, stages, children):
        for thread in threads:
            thread.start()
        on_a_thread(Publisher(stages[0], "main", plan.dice("main")), until)
        for thread in threads:
            thread.join()


def _fork(plan: Round, children: Children) -> None:
    dice = plan.dice("forks")
    for _ in range(plan.forks):
        time.sleep(dice.uniform(0, plan.seconds / plan.forks))
        children.fork(dice)


def _kill(plan: Round) -> None:
    """Throw exceptions into the threads that hand out events, wherever they are."""
    dice = plan.dice("kills")
    for _ in range(plan.kills):
        time.sleep(dice.uniform(0, 2 * plan.seconds / plan.kills))
        for thread in threading.enumerate():
            if thread.name == "jobreporter-pump" and thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


def _close(stage: Stage) -> bool:
    return stage.close(stage.scene.close_timeout)


@contextmanager
def _signals(plan: Round, stages: list[Stage], children: Children) -> Iterator[None]:
    """Signals whose handler publishes, and now and then forks, in the middle of what the main thread does."""
    dice = plan.dice("signals")
    forks = plan.forks
    depth = 0
    publishers: dict[int, Publisher] = {}

    def handle(_number: int, _frame: Any) -> None:
        nonlocal depth, forks
        if depth == DEEPEST:
            return
        depth += 1  # a handler may be interrupted by the next signal: each is a publisher of its own
        publisher = publishers.setdefault(depth, Publisher(dice.choice(stages), f"signal-{depth}", dice))
        if forks and dice.random() < 0.02:
            forks -= 1
            children.fork(dice)
        dice.choice((publisher.execution, publisher.look, partial(publisher.burst, 3)))()
        depth -= 1

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, plan.interval, plan.interval)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _collecting_every(threshold: int) -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(threshold)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _counts(stages: list[Stage], children: Children) -> Counter[str]:
    counts: Counter[str] = Counter(dispatchers=len(stages), children=len(children.pids))
    for stage in stages:
        counts["published"] += stage.sent().total().total()
        for stats in stage.dispatcher.stats().values():
            counts["reporters"] += 1
            for name in ("handled", "failed", "filtered", "restarts", "abandoned"):
                counts[name] += getattr(stats, name)
            counts.update({f"dropped ({reason})": count for reason, count in stats.dropped.items()})
    return counts
