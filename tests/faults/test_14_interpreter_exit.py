"""Row 14: publish during atexit, and while the interpreter shuts down."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import delivered, run

# It brings along what it needs: when the names of `sys` go, those of every other module are gone. What was published before
# is delivered, so that its own event is the one that is lost.
FINALIZER = """
publish(0)
assert dispatcher.flush(60)
class Dying:
    def __init__(self):
        self.publish, self.event, self.late = dispatcher.publish, make_event("started"), dispatcher._runtime.ledger._late
        self.write = os.write

    def __del__(self):
        self.publish(self.event)
        self.write(2, b"late: %d" % self.late.by_kind["started"])
"""

# What a program does, and how many events it publishes: with the ids 0 and, if there are two, 1.
PROGRAMS = {
    "an exit handler": ("publish(0); atexit.register(publish, 1)", 2),
    "the first event, in an exit handler": ("atexit.register(publish, 0)", 1),
    "an exit handler of threading": ("publish(0); threading._register_atexit(publish, 1)", 2),
    "a thread that outlives the main one": (
        """
publish(0)
threading.Thread(target=lambda: (threading.main_thread().join(), publish(1))).start()
""",
        2,
    ),
    "the first event, in a thread that outlives the main one": (
        "threading.Thread(target=lambda: (threading.main_thread().join(), publish(0))).start()",
        1,
    ),
    "a finalizer, last of all": (FINALIZER + "sys.dying = Dying()", 2),
    "a finalizer in a cycle": (FINALIZER + "gc.disable(); dying = Dying(); dying.itself = dying; del dying", 2),
}


@pytest.mark.parametrize(("program", "published"), PROGRAMS.values(), ids=PROGRAMS)
def test_it_is_delivered_or_counted(tmp_path: Path, program: str, published: int) -> None:
    """The program ends with its own status and no traceback, and an event that wasn't delivered is counted as lost."""
    done = run(tmp_path / "calls", program)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    ids = delivered(tmp_path / "calls")
    assert ids in ([], ["0"], ["0", "1"])
    lost = published - len(ids)
    closed = f"{lost} closed (they were not delivered before the dispatcher closed)"
    assert done.stderr.rstrip().endswith((closed, f"late: {lost}") if lost else "")
    assert lost or not done.stderr


STREAM = """
import time
from itertools import count
published = count()
def stream():
    while True:
        publish(next(published))
        time.sleep(0.0002)
for _ in range(3):
    threading.Thread(target=stream, daemon=True).start()
dispatcher.flush(20)
def tell():
    stats = dispatcher.stats()["recorder"]
    settled = stats.handled + stats.failed + stats.filtered + sum(stats.dropped.values()) + stats.pending
    assert settled == stats.accepted, stats
    os.write(1, b"handled %d" % stats.handled)
"""


def test_daemon_threads_that_never_stop_publishing(tmp_path: Path) -> None:
    """Threads publish all through the exit: it ends all the same, and what was delivered is what was counted."""
    done = run(tmp_path / "calls", STREAM, before="import atexit; atexit.register(lambda: tell())\n")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == f"handled {len(delivered(tmp_path / 'calls'))}"
