"""What stands for a process in the tests of a shared directory: files can't tell the difference."""

from __future__ import annotations

from pathlib import Path

from jobreporter.testing import make_error, make_event, make_job
from jobreporter_prometheus import PrometheusOptions
from jobreporter_prometheus._directory.directory import Directory
from jobreporter_prometheus._directory.member import Member
from jobreporter_prometheus._figures.families import FINISHED
from jobreporter_prometheus._figures.figures import Figures, Frame
from jobreporter_prometheus._figures.ledger import Ledger
from jobreporter_prometheus._figures.tally import Tally

from .helping import ORIGIN, make_context

JOB = ("", "", "python", "default", "reports.nightly")


class Process:
    """What a process counts, and its part in the directory."""

    def __init__(self, path: Path, **options: object) -> None:
        self.frame = Frame.of(PrometheusOptions(**options))
        self.figures = Figures(self.frame)
        self.tally = Tally(self.figures, Ledger(make_context(), goes_on=False))
        self.directory = Directory(path, self.frame)
        self.member = Member(self.directory, self.tally.read)

    def start(self, job: str = "reports.nightly", **fields: object) -> None:
        self.tally.started(make_event("started", job=make_job(name=job, **fields), at=1_000.0), ORIGIN)

    def finish(self, job: str = "reports.nightly", *, duration: float = 0.25) -> None:
        self.tally.succeeded(make_event("success", job=make_job(name=job), duration=duration), ORIGIN)

    def fail(self, job: str, error: str) -> None:
        self.tally.failed(make_event("failure", job=make_job(name=job), error=make_error(error)), ORIGIN)

    def file(self, suffix: str = "json") -> Path:
        """One of its files."""
        return self.directory.path / f"{self.member._token}.{suffix}"

    def die(self) -> None:
        """End as the kernel ends a process: its locks are gone, and nothing else happens."""
        assert self.member._alive is not None
        self.member._alive.release()


def names(path: Path) -> set[str]:
    """The files of the directory."""
    return {entry.name for entry in path.iterdir()}


def finished(figures: Figures, job: str = "reports.nightly") -> float:
    """How many executions of the job succeeded."""
    return figures.counters.get((FINISHED.name, "", "", "python", "default", job, "success"), 0.0)
