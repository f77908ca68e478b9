"""A few rounds of the soak, so that it works when somebody wants it, and the audit that it ends with."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from jobreporter.testing import make_event, make_job

from .audit import audit
from .log import Unreliable
from .notes import PerProcess
from .plan import Nature, Round, Scene, draw
from .publishers import Publisher
from .stage import Stage

ROOT = Path(__file__).parents[2]


def test_a_few_rounds_end_well() -> None:
    """Whatever publishers and reporters do, every ledger closes, in every process; the seed is told."""
    command = [sys.executable, "-m", "tests.soak", "--seed", "11", "--rounds", "3"]
    # What measures coverage takes locks where the soak's signals land.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("soak: seed 11, Python ")
    assert "3 rounds" in done.stdout
    assert done.stdout.rstrip().endswith("with seed 11")


def test_a_seed_draws_the_same_round_again() -> None:
    """What happens in a round, and what each who takes part decides, follows from seed and number."""
    assert draw(42, 7) == draw(42, 7)
    assert draw(42, 7) != draw(42, 8) != draw(43, 8)
    assert draw(42, 7).dice("main").random() == draw(42, 7).dice("main").random()


def played() -> Stage:
    """A dispatcher that has closed after a few events, with a reporter that makes no trouble."""
    nature = Nature(
        name="calm",
        hooks=("reporter_start", "handle_started", "reporter_stop"),
        asynchronous=False,
        troubles=(),
        odds={},
        lane={"timeout": 10.0},
        when={},
    )
    scene = Scene(natures=(nature,), close_timeout=10, closes_early=False)
    plan = Round(
        name="calm", scenes=(scene,), trades=(), seconds=0, interval=1, forks=0, threshold=700, logging_fails=0
    )
    stage = Stage(plan, scene, PerProcess(threading.Event), Unreliable(plan))
    publisher = Publisher(stage, "one", random.Random(1))  # noqa: S311 - chance that repeats is the point
    publisher.burst(20)
    assert stage.close(10)
    return stage


def complaints(stage: Stage) -> str:
    return " ".join(problem.partition("\n")[0] for problem in audit(stage, in_time=True))


def test_the_audit_finds_nothing_where_nothing_is_wrong() -> None:
    """It agrees with the ledger."""
    assert complaints(played()) == ""


def test_the_audit_finds_what_the_ledger_has_too_many_or_too_few_of() -> None:
    """An event that nobody published, and one that no reporter was handed."""
    stage = played()
    stage.dispatcher.publish(make_event("started", job=make_job(id="1/other/1")))
    assert "are in the ledger" in complaints(stage)
    stage = played()
    stage.witnesses[0].diary().entered.pop()
    assert "events were handed over" in complaints(stage)
    stage = played()
    stage.sent().part()["success"] += 1
    assert "it has no hook for" in complaints(stage)


def test_the_audit_finds_events_that_came_twice_or_out_of_order_or_from_elsewhere() -> None:
    """By the numbers that each publisher gives to its jobs."""
    stage = played()
    entered = stage.witnesses[0].diary().entered
    entered.reverse()
    assert "out of order" in complaints(stage)
    entered.reverse()
    entered[-1] = entered[0]
    assert "came twice" in complaints(stage)
    entered[-1] = entered[-1]._replace(pid=1)
    assert "of another process" in complaints(stage)


def test_the_audit_finds_a_reporter_that_was_not_stopped() -> None:
    """Each that was started is stopped once."""
    stage = played()
    stage.witnesses[0].diary().stops.clear()
    assert "started 1 times and stopped 0 times" in complaints(stage)
