"""What the tests of all sources share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The workers import the modules beside this file by their bare names, and so do the tests.
sys.path.insert(0, str(Path(__file__).parent))

from workers import CONFIG, Bench, Source

MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[MakeBench]:
    """Makes the bench of a test, and ends its worker with the test."""
    benches: list[Bench] = []

    def make(source: Source, kind: str, config: str = CONFIG) -> Bench:
        benches.append(Bench(source, kind, tmp_path, config))
        return benches[-1]

    yield make
    for bench in benches:
        bench.kill()
