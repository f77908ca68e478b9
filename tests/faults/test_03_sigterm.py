"""Row 3: SIGTERM, and nobody handles it."""

from __future__ import annotations

import signal
from pathlib import Path

from jobreporter.testing import read_calls

from .programs import delivered, run

KILLED = """
before = [signal.getsignal(number) for number in signal.valid_signals()]
class Hanging:
    @hookimpl
    def handle_started(self):
        threading.Event().wait()

slow = Dispatcher({"slow": Hanging})
for number in range(100):
    publish(number)
    slow.publish(make_event("started"))
dispatcher.flush(20)
assert before == [signal.getsignal(number) for number in signal.valid_signals()]
os.kill(os.getpid(), signal.SIGTERM)
"""

NEXT = """
publish("next")
assert dispatcher.flush(20)
stats = dispatcher.stats()["recorder"]
assert (stats.accepted, stats.handled, stats.dropped) == (1, 1, {}), stats
"""


def test_the_program_dies_of_it(tmp_path: Path) -> None:
    """No signal handler is installed, events that wait or not: it ends by SIGTERM, at once, without a word."""
    done = run(tmp_path / "calls", KILLED)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert delivered(tmp_path / "calls") == [str(number) for number in range(100)]


def test_the_next_start_says_nothing_false(tmp_path: Path) -> None:
    """It starts afresh: it counts and reports its own events, and none of the process that was killed."""
    run(tmp_path / "calls", KILLED)
    before = len(read_calls(tmp_path / "calls"))
    done = run(tmp_path / "calls", NEXT)
    assert (done.returncode, done.stderr) == (0, "")
    assert [call.job.id for call in read_calls(tmp_path / "calls")[before:] if call.job] == ["next"]
