"""The demo's other ending: the jobs of every queue in one history, and the page of it until Ctrl-C."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from queues import QUEUES, Queue
from stage import say

DEMO = Path(__file__).with_name("demo.py")


def show_until_interrupted() -> int:
    """Run the demo with each queue, and serve the page. Returns the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="jobreporter-demo-") as folder:
            history = f"sqlite://{folder}/history.db"
            for name, queue in QUEUES.items():
                say(run(name, queue, history))
            with served(history) as address:
                say(f"\nAll of them, on one page:  {address}")
                say(f"The same in a terminal:    {Path(sys.executable).with_name('jobreporter')} top --store {history}")
                say("Ctrl-C ends this, and takes the history away.")
                signal.pause()
    except KeyboardInterrupt:
        say("")
    return 0


def run(name: str, queue: Queue, history: str) -> str:
    """Have a real worker do all jobs, and its reporters keep them in the history. Returns how it went."""
    if queue.redis and shutil.which("redis-server") is None:
        return f"{queue.title}: left out, since it needs redis-server"
    command = [sys.executable, str(DEMO), "--queue", name, "--history", history]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this very demo
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return f"{queue.title}: {queue.executions} executions"


@contextmanager
def served(history: str) -> Iterator[str]:
    """The page for the length of a block. Gives its address."""
    program = Path(sys.executable).with_name("jobreporter")
    command = [str(program), "web", "--store", history, "--port", "0"]
    # In a session of its own: Ctrl-C is for the demo, which ends it.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as page:  # noqa: S603 - a command of our own
        try:
            assert page.stdout is not None
            words = page.stdout.readline().split()
            if not words:
                sys.exit("The page did not start: its reason is above.")
            yield words[-1]
        finally:
            page.terminate()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
