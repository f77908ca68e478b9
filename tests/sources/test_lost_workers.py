"""With a stream, a worker that is killed as a whole is told by an agent, whatever its queue."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import MakeBench
from suites import SUITES, Suite
from tests.stream_faults.fleet import Fleet, Vendor
from workers import wait_for

from jobreporter import Failure, Started, Stopped
from jobreporter.streams.sqlite import engine

#: Events go to a spool beside the records, which stay empty: an agent has the reporters.
WITH_STREAM = '[stream]\nurl = "sqlite://{path}.db"\n'
#: Those whose queue gives out once more what nobody has acknowledged; of the others nobody knows.
GIVEN_OUT_AGAIN = {"dramatiq_app"}


def first_kinds() -> list[type[Suite]]:
    """One kind of worker of each source."""
    return list({suite.source.name: suite for suite in reversed(SUITES)}.values())


def is_stored(spool: Path, job: str) -> bool:
    """Whether a worker has written of a job. So little is not compressed."""
    return any(job.encode() in segment.read_bytes() for segment in spool.glob("*"))


@pytest.mark.parametrize("suite", first_kinds(), ids=lambda suite: suite.source.name)
def test_a_worker_that_is_killed_as_a_whole(suite: type[Suite], make_bench: MakeBench, tmp_path: Path) -> None:
    """What it was at fails, 45 seconds after its last sign of life, and the reporters of agents are told."""
    bench = make_bench(suite.source, suite.kind, WITH_STREAM)
    stream, spool = f"sqlite://{tmp_path}/calls.jsonl.db", tmp_path / "calls.jsonl.db.d"
    bench.send("hold")
    bench.start()
    wait_for(lambda: bench.has("hold.entered"), "hold runs", bench.what_the_worker_said)
    wait_for(lambda: is_stored(spool, "hold"), "its start is stored", bench.what_the_worker_said)
    bench.kill()

    fleet, vendor = Fleet(engine, stream), Vendor()
    agent = fleet.agent(spool=str(spool), vendor=vendor)
    try:
        agent.until(lambda: any("Stopped" in type(event).__name__ for event in vendor.got), "the loss is told")
    finally:
        fleet.close()
    told = [event for event in vendor.got if bench.case_of(event.job) == "hold"]
    again = suite.source.name in GIVEN_OUT_AGAIN
    started, failure, stopped = told
    assert isinstance(started, Started)
    assert isinstance(failure, Failure)
    assert isinstance(stopped, Stopped)
    assert (failure.kind, failure.will_retry) == ("worker_lost", True if again else None)
