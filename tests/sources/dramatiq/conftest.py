"""The benches that the tests of Dramatiq work at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dramatiq_bench import (
    Bench,
    add_reporting,
    bench_of,
    default_middleware,
)

from jobreporter.sources.dramatiq import attach


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of(default_middleware()) as bench:
        yield bench


@pytest.fixture(params=[attach, add_reporting])
def either(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Switched on in either way: ahead of all other middleware, or behind it."""
    with bench_of(default_middleware(), request.param) as bench:
        yield bench
