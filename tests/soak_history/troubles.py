"""Who makes trouble: each a thread with dice of its own, which writes down whom it killed and when the store was away."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.plugins.history.postgresql_server import PostgresqlServer
from tests.soak_stream.now_and_then import NowAndThen
from tests.soak_stream.processes import Program

from .plan import Plan


class Kill(NamedTuple):
    """A SIGKILL. at: Unix seconds. group: whether all of its group got it. parent: who has to tell of it, else 0."""

    at: float
    pid: int
    group: bool = False
    parent: int = 0


class Troubles(NowAndThen):
    """All who make trouble, from when they are added until `stop`."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.dice, plan.pace)
        self.kills: list[Kill] = []
        #: When the store was away, and when a worker was stopped, as begin and end.
        self.away: list[tuple[float, float]] = []
        self.stopped: list[tuple[float, float]] = []

    def worker(self, program: Program) -> None:
        """A worker is killed, all of it or one of its processes; or stopped for a while."""
        self._add(program.name, 1.0, lambda dice: self._hit(program, dice))

    def file(self, path: Path) -> None:
        """Another program holds the lock of the history's file, mostly for less long than writers wait for it."""
        self._add("store", 4.0, lambda dice: self._lock(path, dice))

    def server(self, server: PostgresqlServer) -> None:
        """The history's server is told to end, and comes back."""
        self._add("store", 4.0, lambda dice: self._restart(server, dice))

    @contextmanager
    def _noted(self, what: str, when: list[tuple[float, float]]) -> Iterator[None]:
        begin = time.time()
        yield
        when.append((begin, time.time()))
        self.counts[what] += 1

    def _hit(self, program: Program, dice: random.Random) -> None:
        if program.process is not None and program.process.poll() is not None:
            # Celery gives up where too many of its children are killed. What it had is gone, as with a kill.
            self.kills.append(Kill(program.last_word, program.pid, group=True))
            self.counts["workers that gave up"] += 1
            program.start()
            return
        whom = dice.choice((*("child",) * 4, *("group", "main") * 2, "nobody"))
        chosen, pause, longer = dice.random(), dice.uniform(0, 2), dice.uniform(0.5, 10)
        if whom == "nobody":
            with self._noted("workers stopped", self.stopped):
                program.signal(signal.SIGSTOP)
                self._pause(longer)
                program.signal(signal.SIGCONT)
            return
        children = program.children() if whom == "child" else []
        if children:
            self._kill_child(program, children[int(chosen * len(children))])
            return
        self.kills.append(Kill(time.time(), program.pid, group=whom == "group"))
        if whom == "group":
            program.kill()
        else:
            os.kill(program.pid, signal.SIGKILL)
            program.wait(30)
        self.counts["workers killed"] += 1
        self._pause(pause)
        program.start()

    def _kill_child(self, program: Program, pid: int) -> None:
        at = time.time()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # a horse, whose job was done
        self.kills.append(Kill(at, pid, parent=program.pid))
        self.counts["children of workers killed"] += 1

    def _lock(self, path: Path, dice: random.Random) -> None:
        seconds = dice.uniform(0.5, 8)
        with (
            closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other,
            self._noted("locks held", self.away),
        ):
            other.execute("BEGIN IMMEDIATE")
            self._pause(seconds)
            other.execute("ROLLBACK")

    def _restart(self, server: PostgresqlServer, dice: random.Random) -> None:
        pause = dice.uniform(0, 8)
        with self._noted("restarts of the server", self.away):
            server.stop()
            self._pause(pause)
            server.start()
