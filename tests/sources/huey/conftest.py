"""The benches that the tests of Huey work at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from huey import MemoryHuey
from huey_bench import Bench, bench_of


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of(MemoryHuey("desk", utc=True)) as bench:
        yield bench


@pytest.fixture
def immediate() -> Iterator[Bench]:
    """A Huey that runs each job at once, in the process that enqueues it."""
    with bench_of(MemoryHuey("desk", immediate=True)) as bench:
        yield bench
