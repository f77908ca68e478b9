"""What a reporter tells to have lost: counted whoever tells, and whatever that interrupts."""

from __future__ import annotations

import threading
from collections.abc import Callable

from jobreporter._lane.losses import Losses
from tests.faults.interrupting import every_instruction, interrupt

# Seconds after which something that should take no time hangs.
HANGS = 20.0


def meanwhile(call: Callable[[], object]) -> bool:
    """Make a call while the caller stands where it is, as its own signal handler or finalizer would. Whether it ended."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(HANGS)
    return not thread.is_alive()


def test_whoever_is_interrupted_the_ledger_can_be_read_and_added_to() -> None:
    """A signal handler or a finalizer in the middle of reading or telling waits for nobody, and nothing is counted wrong."""

    def attempt(number: int, act: Callable[[Losses], object]) -> bool:
        losses, ended = Losses(), []

        def both() -> None:
            losses.add("disk", 2)
            assert losses.by_reason["disk"] >= 2

        acted = interrupt(both, number, lambda: ended.append(meanwhile(lambda: act(losses))))
        assert all(ended), f"it hangs at instruction {number}"
        assert losses.by_reason == {"disk": 3 if acted else 2}
        return acted

    def read_and_add(losses: Losses) -> None:
        dict(losses.by_reason)
        losses.add("disk")

    assert every_instruction(lambda number: attempt(number, read_and_add)) > 50


def test_many_threads_tell_at_once() -> None:
    """Every event is counted once, whichever thread adds it up."""
    losses = Losses()
    threads = [threading.Thread(target=lambda: [losses.add("full") for _ in range(2_000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert losses.by_reason == {"full": 16_000}
