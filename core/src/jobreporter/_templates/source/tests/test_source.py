"""What is reported of real workers, held to the cases that every source is held to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from jobreporter.testing import SourceConformance, WorkerBench

from jobreporter_pigeon import LIBRARY

NO_WORD = "the queue has no word for it"
ONE_PROCESS = "a worker is one process, which runs one job at a time"


class Bench(WorkerBench):
    """A worker of the application in ``desk.py``."""

    def command(self, *, workers: int, max_jobs: int | None) -> Sequence[str]:
        """How it is started."""
        return [sys.executable, "-m", self.app]


class TestPigeon(SourceConformance):
    """The cases. Each that can't happen has its reason, for users to read."""

    queue = LIBRARY.title
    not_observable = {  # noqa: RUF012 - the base class says what it is
        **dict.fromkeys(["retry_requested", "retry_for_error", "ignored", "requeued", "replaced"], NO_WORD),
        **dict.fromkeys(["cancelled", "locked", "rate_limited", "expired", "revoked", "revoked_running"], NO_WORD),
        **dict.fromkeys(["soft_timeout", "timeout"], "there are no time limits"),
        **dict.fromkeys(["child_killed", "replaced_workers", "concurrent", "overlapping"], ONE_PROCESS),
    }

    @pytest.fixture(autouse=True)
    def new_folder(self, tmp_path: Path) -> None:
        """A folder for each test, with an empty queue in it."""
        self.folder = tmp_path

    def open(self, config: str) -> Bench:
        """The bench of a test."""
        return Bench(self.folder, "desk", config, environment={"PYTHONPATH": str(Path(__file__).parent)})
