"""The benches that the tests of Celery work at."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest
from billiard.pool import soft_timeout_sighandler
from celery_bench import Desk, desk_of

from jobreporter.sourcekit import LazyDispatcher
from jobreporter.sources.celery._pool import Pool


@pytest.fixture
def desk() -> Iterator[Desk]:
    with desk_of() as desk:
        yield desk


@pytest.fixture
def limit() -> Iterator[Callable[[], None]]:
    """Has the soft time limit come now, as it does in a child of the pool."""
    before = signal.signal(signal.SIGUSR1, soft_timeout_sighandler)
    yield lambda: signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def pool(desk: Desk) -> Pool:
    return Pool(LazyDispatcher(desk.dispatcher))


@pytest.fixture
def gone() -> int:
    """The id of a process that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid
