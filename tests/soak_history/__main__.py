"""``python -m tests.soak_history``: one run on one engine; then says what was done, and what is wrong."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from .plan import ENGINES, Engine, Plan
from .run import run


def main() -> int:
    """Soak, and say in a few lines what was done."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long there are troubles (10)")
    parser.add_argument("--seed", type=int, help="repeats a run; without one, a seed is drawn and printed")
    parser.add_argument("--engine", choices=ENGINES, help="where the history is kept (drawn)")
    parser.add_argument("--pace", type=float, default=8.0, help="seconds between two troubles of one worker, about (8)")
    parser.add_argument("--no-sweep", action="store_true", help="don't wait until RQ has found abandoned jobs")
    given = parser.parse_args()
    # Whoever ends it early leaves nothing running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    engine: Engine = given.engine or random.Random(seed).choice(ENGINES)  # noqa: S311 - chance that repeats
    plan = Plan(seed=seed, engine=engine, seconds=60 * given.minutes, pace=given.pace, sweeps=not given.no_sweep)
    _say(f"seed {seed}, {engine}, Python {sys.version.split()[0]}")
    home = Path(tempfile.mkdtemp(prefix="soak-history-"))
    begin = time.monotonic()
    report = run(plan, home)
    _say(", ".join(f"{count:,} {what}" for what, count in report.counts.items()))
    if report.complaints:
        _say("\n".join([f"seed {seed} on {engine} is wrong; what there is to see is in {home}:", *report.complaints]))
        return 1
    shutil.rmtree(home)
    _say(f"rows, rollups and incidents are what was recorded, after {time.monotonic() - begin:.0f} s, with seed {seed}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"soak: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
