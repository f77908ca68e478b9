"""Who makes trouble: each a thread with dice of its own, which writes down what it did and when."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import NamedTuple

from tests.redis_servers import Server

from .now_and_then import NowAndThen
from .plan import Plan
from .processes import Program
from .vendor import MODES, Vendor


class Cause(NamedTuple):
    """Something that may make an event come twice. begin, end: monotonic seconds.

    pid: of the agent that it befell; ``None``: all of them. reporter: that it is about; ``None``: all of them.
    """

    begin: float
    end: float
    what: str
    pid: int | None = None
    reporter: str | None = None


class Troubles(NowAndThen):
    """All who make trouble, from when they are added until `stop`."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.dice, plan.pace)
        self.causes: list[Cause] = []

    def workers(self, program: Program) -> None:
        """A worker is killed, all of it or one of its processes; or stopped, maybe for so long that it is taken for dead."""
        self._add(program.name, 1.0, lambda dice: self._hit(program, dice))

    def agent(self, program: Program) -> None:
        """An agent is killed, stopped, or told to end."""
        self._add(program.name, 3.0, lambda dice: self._disturb(program, dice))

    def server(self, server: Server) -> None:
        """The stream's server is killed, and comes back."""
        self._add("server", 2.0, lambda dice: self._restart(server, dice))

    def vendor(self, vendor: Vendor, reporter: str) -> None:
        """The vendor changes its mode."""
        self._add(f"vendor-{reporter}", 1.0, lambda dice: self._change(vendor, reporter, dice))

    def _hit(self, program: Program, dice: random.Random) -> None:
        whom = dice.choice((*("group", "child", "main") * 3, "nobody"))
        chosen, pause, longer = dice.random(), dice.uniform(0, 2), dice.uniform(1, 70)
        if whom == "nobody":
            program.signal(signal.SIGSTOP)
            self._pause(longer)
            program.signal(signal.SIGCONT)
            self.counts["workers stopped"] += 1
            return
        children = program.children() if whom == "child" else []
        if children:
            try:
                os.kill(children[int(chosen * len(children))], signal.SIGKILL)
            except ProcessLookupError:
                return  # a horse, whose job was done
            self.counts["children of workers killed"] += 1
            return
        if whom == "group":
            program.kill()
        else:
            os.kill(program.pid, signal.SIGKILL)
            program.wait(30)
        self.counts["workers killed"] += 1
        self._pause(pause)
        program.start()

    def _disturb(self, program: Program, dice: random.Random) -> None:
        what = dice.choice(("kill", "kill", "stop", "stop", "end"))
        pause, longer = dice.uniform(0, 3), dice.uniform(0.5, 25)
        begin, pid = time.monotonic(), program.pid
        if what == "stop":
            program.signal(signal.SIGSTOP)
            self._pause(longer)
            program.signal(signal.SIGCONT)
            self.counts["agents stopped"] += 1
            self.causes.append(Cause(begin, time.monotonic(), what, pid))
            return
        if what == "kill":
            program.kill()
            self.counts["agents killed"] += 1
            self.causes.append(Cause(begin, time.monotonic(), what, pid))
        else:
            ended = program.end(60)
            self.counts["agents ended"] += 1
            if not ended:
                self.complaints.append(f"{program.name} has not ended within a minute of SIGTERM")
        self._pause(pause)
        program.start()

    def _restart(self, server: Server, dice: random.Random) -> None:
        pause = dice.uniform(0, 5)
        begin = time.monotonic()
        server.kill()
        self._pause(pause)
        server.start()
        self.counts["servers killed"] += 1
        self.causes.append(Cause(begin, time.monotonic() + 1, "server"))

    def _change(self, vendor: Vendor, reporter: str, dice: random.Random) -> None:
        mode = dice.choice(MODES[1:])
        vendor.become(reporter, mode)
        self._pause(dice.uniform(0.1, 1.0) * self._pace)
        vendor.become(reporter, "up")
        self.counts["outages of the vendor"] += 1
