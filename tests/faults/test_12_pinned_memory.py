"""Row 12: ten thousand failures, each with a megabyte in its local variables, and a reporter that is slow."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
from jobreporter import Dispatcher, hookimpl

class Slow:
    def __init__(self):
        self.got, self.go = threading.Event(), threading.Event()
        self.failures = 0

    @hookimpl
    def handle_failure(self):
        self.got.set()
        self.go.wait()
        self.failures += 1

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def job(number, megabytes):
    blob = str(number % 10).encode() * (megabytes * 1024 * 1024 + 1)
    raise ValueError(f"job {number} of {len(blob)} bytes")

def fail(count, megabytes):
    for number in range(count):
        try:
            with dispatcher.begin("a", args=(number,)):
                job(number, megabytes)
        except ValueError:
            pass

slow = Slow()
dispatcher = Dispatcher({"slow": slow}, config={"reporters": {"slow": {"lane": {"timeout": 600, "capacity": 40_000}}}})
fail(1, 1)
slow.got.wait()
before = resident()
fail(10_000, int(sys.argv[1]))
dispatcher.flush(0.1)
grown = resident() - before
slow.go.set()
assert dispatcher.close(60)
stats = dispatcher.stats()["slow"]
assert slow.failures == stats.handled == 10_001, stats
print(grown)
"""


def growth(megabytes: int) -> int:
    """How many bytes a process grows by."""
    command = [sys.executable, "-c", PROGRAM, str(megabytes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_what_waits_pins_no_local_variables() -> None:
    """The process grows by what is buffered, and by less than 20 MiB more where each failure had a megabyte."""
    buffered = growth(megabytes=0)
    assert growth(megabytes=1) - buffered < 20 * 1024 * 1024
