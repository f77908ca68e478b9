"""Forked children: each publishes through what it inherited, closes, and gives account of itself to its parent."""

from __future__ import annotations

import faulthandler
import gc
import os
import random
import sys
import threading
from pathlib import Path

# A fork out of a signal handler waits for no thread, so none may be in the middle of an import then.
import jobreporter.error_info._rebuild  # noqa: F401 - imported early on purpose

from .audit import audit
from .leftovers import open_files, wait_for_threads
from .notes import PerProcess
from .publishers import Publisher
from .stage import Stage

#: Seconds that a child may take. Then it says where it hangs, and ends.
DEADLINE = 90


class Children:
    """The children of a round."""

    def __init__(self, stages: list[Stage], released: PerProcess[threading.Event], folder: Path) -> None:
        self._stages = stages
        self._released = released
        self._folder = folder
        self.pids: list[int] = []

    def fork(self, dice: random.Random) -> None:
        """Fork, and go on at once; in the child, this doesn't return."""
        seed = dice.random()
        pid = os.fork()
        if pid:
            self.pids.append(pid)
            return
        status = 1
        try:
            limbo = [len(stage.sent().littered) for stage in self._stages]
            faulthandler.dump_traceback_later(DEADLINE, exit=True)
            found = list(self._live(random.Random(seed), limbo))  # noqa: S311 - chance that repeats is the point
            self._report_of(os.getpid()).write_text("\n".join(found))
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def reap(self) -> list[str]:
        """Wait for all children; what they, or their ends, complain of."""
        complaints = []
        for pid in self.pids:
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            report = self._report_of(pid)
            if status or not report.exists():
                complaints.append(f"a child ended with {status}")
            elif text := report.read_text():
                complaints.append(f"in a child: {text}")
        return complaints

    def _report_of(self, pid: int) -> Path:
        return self._folder / f"child-{pid}"

    def _live(self, dice: random.Random, limbo: list[int]) -> list[str]:
        files = open_files()
        for stage in self._stages:
            publisher = Publisher(stage, "child", dice)
            for _ in range(dice.randint(0, 5)):
                publisher.act()
        in_time = [stage.close(stage.scene.close_timeout) for stage in self._stages]
        self._released().set()
        # A finalizer may have started further threads before this code ran.
        complaints = wait_for_threads([threading.current_thread()])
        gc.collect()
        for stage, least, closed in zip(self._stages, limbo, in_time, strict=True):
            stage.tidy_up()
            complaints += audit(stage, limbo=least, in_time=closed)
        if left := open_files() - files:
            complaints.append(f"files are left: {left}")
        return complaints
