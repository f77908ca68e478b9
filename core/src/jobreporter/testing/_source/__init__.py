"""What every source has to report, as tests that a source's own suite runs against real workers."""

from __future__ import annotations

from jobreporter.testing._source._bench import WorkerBench
from jobreporter.testing._source._config import ConfigCases
from jobreporter.testing._source._disturbed import DisturbedCases
from jobreporter.testing._source._jobs import perform_case, perform_case_async
from jobreporter.testing._source._table import outcomes_table, reasons_table
from jobreporter.testing._source._undisturbed import UndisturbedCases

__all__ = ["SourceConformance", "WorkerBench", "outcomes_table", "perform_case", "perform_case_async", "reasons_table"]


class SourceConformance(UndisturbedCases, DisturbedCases, ConfigCases):
    """Derive a class for each kind of worker, whose name begins with ``Test``, and say how its worker is started::

        class LiteBench(WorkerBench):
            def command(self, *, workers, max_jobs):
                return ["lite-worker", self.app, f"--threads={workers}"]

        class TestLite(SourceConformance):
            queue = "Lite"
            not_observable = {"revoked": "Lite can't revoke jobs", "expired": "Lite's jobs don't expire"}

            @pytest.fixture(autouse=True)
            def new_folder(self, tmp_path):
                self.folder = tmp_path

            def open(self, config):
                return LiteBench(self.folder, "lite_app", config)

    open: makes the bench of a test, once for each test that needs one; what its queue needs, such as a server, a fixture
    starts. The suite kills the worker that a test leaves behind. One worker goes through all cases that don't disturb it.

    not_observable: cases that can't happen there, or that nothing tells of, each with the reason, for users to read; they
    are not collected. reported_instead: what is reported in place of what a case says, for one that no source could tell
    better: executions, each as ``("started", "success", "stopped success")``. Both hold for derived classes too, and a
    name that no case has is a `TypeError`. `outcomes_table` and `reasons_table` make a source's page of them.

    The cases, by their names, are in ``docs/writing-a-source.md``.
    """
