"""``python -m tests.soak``: rounds until the time is over, or until something is wrong."""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import sys
import threading
import time
import warnings
from collections import Counter

from .plan import draw
from .rounds import run

#: Seconds that a round may take. Then the soak says where it hangs.
DEADLINE = 180.0


def main() -> int:
    """Soak, and say in a few lines what was done."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long to go on (2)")
    parser.add_argument("--seed", type=int, help="repeats a run; without one, a seed is drawn and printed")
    parser.add_argument("--first", type=int, default=0, help="the round to begin with (0)")
    parser.add_argument("--rounds", type=int, help="how many rounds, however long that takes")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    _say(f"seed {seed}, Python {sys.version.split()[0]}")
    # Python 3.12 and newer warn of what is the point here: a fork while threads run.
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    # A loop that ends before the next hook has begun.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    counts: Counter[str] = Counter()
    begin = time.monotonic()
    number = given.first
    while number - given.first < given.rounds if given.rounds else time.monotonic() - begin < 60 * given.minutes:
        with _Watchdog(seed, number):
            report = run(draw(seed, number))
        counts += report.counts
        counts["rounds"] += 1
        if report.complaints:
            again = f"--seed {seed} --first {number} --rounds 1"
            _say("\n".join([f"round {number} of seed {seed} ({again}) is wrong:", *report.complaints]))
            return 1
        number += 1
    _say(", ".join(f"{count:,} {what}" for what, count in counts.items()))
    _say(f"every ledger closed, in {time.monotonic() - begin:.0f} s, with seed {seed}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"soak: {text}\n")
    sys.stdout.flush()


class _Watchdog:
    """Ends the process with the stacks of all threads where a round doesn't end.

    Not with faulthandler's own timer, because then a forked child couldn't set another.
    """

    def __init__(self, seed: int, number: int) -> None:
        self._name = f"round {number} of seed {seed}"
        self._over = threading.Event()

    def __enter__(self) -> None:
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()

    def __exit__(self, *_error: object) -> None:
        self._over.set()

    def _watch(self) -> None:
        if not self._over.wait(DEADLINE):
            _say(f"{self._name} hangs")
            faulthandler.dump_traceback()
            os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
