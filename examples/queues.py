"""The job queues that the demo can show, and how a worker of each is started."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

#: Seconds that Redis may take to start.
PATIENCE = 10.0


class Queue(NamedTuple):
    """One job queue."""

    title: str
    #: The module of the example that puts the jobs into it.
    module: str
    #: What starts a worker; the first word is a program of the same environment.
    command: tuple[str, ...]
    #: Its way to have it finish what runs, and leave.
    leave: signal.Signals
    #: The executions of the jobs, one of which is tried twice.
    executions: int
    redis: bool = False
    #: Whether a process that reports lives on when all is done, and serves the metrics page.
    page: bool = True
    #: Whether a job ends with its worker's process group.
    dies_whole: bool = True
    #: What is different here.
    remark: str = ""

    def start_worker(self, home: Path, environment: dict[str, str], *, apart: bool = False) -> subprocess.Popen[str]:
        """One worker as anybody would start it. What it says of itself goes into a file.

        apart: in a process group of its own, which can be killed as a whole.
        """
        program = Path(sys.executable).with_name(self.command[0])
        with (home / "worker.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - a command of our own, with nothing in it from outside
                [program, *self.command[1:]],
                cwd=home,
                # Some of the libraries warn of each other, or of being run by root.
                env=os.environ | {"PYTHONWARNINGS": "ignore"} | environment,
                stdout=log,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=apart,
            )


QUEUES = {
    "huey": Queue(
        title="Huey",
        module="intake.with_huey",
        command=("huey_consumer", "intake.with_huey.huey", "--logfile=worker.log", "--delay=0.05", "--max-delay=0.2"),
        leave=signal.SIGINT,
        executions=9,
    ),
    "celery": Queue(
        title="Celery",
        module="intake.with_celery",
        command=(
            *("celery", "--quiet", "--app=intake.with_celery", "worker", "--concurrency=1"),
            *("--logfile=worker.log", "--without-gossip", "--without-mingle"),
        ),
        leave=signal.SIGTERM,
        executions=9,
        redis=True,
    ),
    "rq": Queue(
        title="RQ",
        module="intake.with_rq",
        command=(
            *("rq", "worker", "--config=intake.with_rq", "--worker-class=jobreporter.sources.rq.Worker"),
            *("--with-scheduler", "--logging_level=CRITICAL"),
        ),
        leave=signal.SIGINT,
        executions=8,
        redis=True,
        page=False,
        dies_whole=False,
        remark=(
            "Two things differ in RQ: jobs that expire vanish, so there is no reminder, and each job has a process of its"
            " own,\nso nobody serves the metrics page once all are done."
        ),
    ),
}


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis for the length of a block. Gives its URL; raises SystemExit where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("Celery and RQ need Redis, and there is no redis-server here (Debian: apt install redis-server)")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = folder / "redis.log"
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), "--logfile", str(log)]
    server = subprocess.Popen([program, *options])  # noqa: S603 - as above
    try:
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.wait()


def wait_for(port: int) -> None:
    """Wait until somebody listens there. Raises OSError after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
