"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import Recorder


@pytest.fixture
def recorder() -> Recorder:
    """What the dispatcher hands its events to."""
    return Recorder()


@pytest.fixture
def dispatcher(recorder: Recorder) -> Iterator[Dispatcher]:
    """It is closed with the test."""
    with Dispatcher({"recorder": recorder}) as dispatcher:
        yield dispatcher
