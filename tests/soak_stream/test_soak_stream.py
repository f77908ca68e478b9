"""A short run, so that it works when somebody wants it, and the audit that each run ends with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from .audit import Evidence, audit, duplicates
from .lines import append, read
from .plan import Plan
from .told import POISON, Told
from .troubles import Cause
from .vendor import Arrival, Vendor

ROOT = Path(__file__).parents[2]


def test_a_short_run_ends_well() -> None:
    """Workers, agents, Redis and the vendor come and go: nothing is missing; the seed is told."""
    pytest.importorskip("jobreporter_redis")
    command = [sys.executable, "-m", "tests.soak_stream", "--seed", "1", "--engine", "redis"]
    command += ["--minutes", "0.33", "--pace", "4", "--no-sweep"]
    # What measures coverage writes to the end of each process, and these are killed.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=175, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("soak: seed 1, redis, Python ")
    for what in ("workers killed", "servers killed", "dead letters"):
        assert what in done.stdout
    assert done.stdout.rstrip().endswith("with seed 1")


def test_a_seed_has_the_same_dice_again() -> None:
    """What each decides follows from the seed and its name."""
    plan = Plan(seed=42, engine="sqlite", seconds=1)
    other = Plan(seed=43, engine="sqlite", seconds=1)
    assert plan.dice("celery").random() == plan.dice("celery").random()
    assert len({plan.dice("celery").random(), plan.dice("agent-1").random(), other.dice("celery").random()}) == 3


def execution(job: str) -> list[Told]:
    return [Told(job, f"{job}/1", kind) for kind in ("started", "success", "stopped")]


STORED = [*execution("1"), *execution("2"), *execution(f"3{POISON}")]
#: What the vendor of `notes` refuses.
POISONED = STORED[7]


def arrived(*events: Told, at: float = 100.0, pid: int = 7) -> list[Arrival]:
    return [Arrival(at, pid, event) for event in events]


#: Nothing is wrong.
CALM = Evidence(
    acknowledged=STORED[:5],
    stored={0: STORED},
    arrivals={"notes": arrived(*(event for event in STORED if event != POISONED))},
    dead={"notes": [POISONED]},
    ledgers={"notes": {0: (9, 9, 8, 1)}},
    causes=[],
    window=2,
    all_ended=True,
)


def complaints(**changes: object) -> str:
    """What is wrong with the calm evidence, changed."""
    return "; ".join(audit(msgspec.structs.replace(CALM, **changes)))


def with_arrivals(arrivals: list[Arrival], **changes: object) -> str:
    return complaints(arrivals={"notes": arrivals}, **changes)


def test_the_audit_finds_nothing_where_nothing_is_wrong() -> None:
    """Everything came once, and what is poison is dead."""
    assert complaints() == ""


def test_the_audit_finds_what_is_missing_or_too_many() -> None:
    """In the stream, at a reporter, and in the ledger."""
    calm = [*CALM.arrivals["notes"]]
    stranger = Told("4", "4/1", "started")
    assert "acknowledged, and not in the stream: 1" in complaints(acknowledged=[stranger])
    assert "in the stream twice: 1" in complaints(stored={0: [*STORED, STORED[0]]})
    assert "notes: never came: 1" in with_arrivals(calm[1:])
    assert "notes: came from nowhere: 1" in with_arrivals([*calm, *arrived(stranger)])
    assert "the ledger of partition 0" in complaints(ledgers={"notes": {0: (9, 9, 9, 0)}})
    assert "the ledger of partition 0" in complaints(ledgers={"notes": {0: (9, 8, 7, 1)}})
    assert "not of all" in complaints(ledgers={"notes": {}})


def test_the_audit_finds_what_is_out_of_order() -> None:
    """In the stream, where an execution goes otherwise; and at a reporter, where a job does."""
    calm = [*CALM.arrivals["notes"]]
    assert "executions in the stream that go otherwise: 1" in complaints(
        stored={0: [STORED[1], STORED[0], *STORED[2:]]}
    )
    assert "began and never ended: 1" in complaints(stored={0: STORED[:-1]})
    assert "began and never ended" not in complaints(stored={0: STORED[:-1]}, all_ended=False)
    assert "jobs whose events came out of order: 1" in with_arrivals([calm[1], calm[0], *calm[2:]])
    assert with_arrivals([*calm[3:], *calm[:3]]) == "", "of jobs there is no order"


def test_the_audit_finds_the_living_among_the_dead() -> None:
    """Dead is what is poison, and nothing else, and once."""
    assert "poison, and no dead letter: 1" in complaints(dead={"notes": []})
    assert "a dead letter, and no poison: 1" in complaints(dead={"notes": [POISONED, STORED[0]]})
    assert "a dead letter twice: 1" in complaints(dead={"notes": [POISONED, POISONED]})


def test_the_audit_finds_what_came_twice_for_no_reason() -> None:
    """A reason is something that befell one of the two agents between the two times; a window's worth for each."""
    calm = [*CALM.arrivals["notes"]]
    again = [*calm, *arrived(STORED[0], STORED[1], at=120.0, pid=8)]
    assert duplicates(again) == 2
    assert "came twice, and for no reason: 2" in with_arrivals(again)
    for cause in (Cause(110, 111, "kill", pid=7), Cause(110, 130, "stop", pid=8), Cause(90, 105, "server")):
        assert with_arrivals(again, causes=[cause]) == ""
    for cause in (Cause(110, 111, "kill", pid=9), Cause(130, 131, "server"), Cause(80, 90, "server")):
        assert "for no reason: 2" in with_arrivals(again, causes=[cause])
    assert "for no reason: 2" in with_arrivals(again, causes=[Cause(110, 110, "unanswered", reporter="mail")])
    more = [*calm, *arrived(*STORED[:3], at=120.0)]
    assert "3 events came twice, more than the 2 of 1 windows" in with_arrivals(
        more, causes=[Cause(110, 111, "server")]
    )


def test_a_line_that_was_cut_off_is_none(tmp_path: Path) -> None:
    """What is written after it is whole."""
    path = tmp_path / "journal"
    append(path, [1])
    with path.open("ab") as file:
        file.write(b"\n[2, 3")
    append(path, [4])
    assert list(read(path)) == [[1], [4]]


def test_the_vendor_takes_nothing_while_it_is_away() -> None:
    """Busy or gone, it has not got it; mute, it has, and doesn't say so; poison, it refuses whole."""
    vendor = Vendor("notes")
    try:
        for mode, status, count in (("busy", 503, 0), ("gone", None, 0), ("mute", None, 2), ("up", 200, 4)):
            vendor.become("notes", mode)
            assert vendor.take("notes", 7, mode, STORED[:2]) == status
            assert len(vendor.arrivals["notes"]) == count
        assert vendor.take("notes", 7, "poison", [STORED[0], POISONED]) == 422
        assert len(vendor.arrivals["notes"]) == 4
        assert list(vendor.taken) == ["mute", "up"]
    finally:
        vendor.close()
