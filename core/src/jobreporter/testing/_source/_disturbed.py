"""What may happen to a worker, or to jobs in it, from outside: a worker for each."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from jobreporter.testing._source._base import SourceCases, same
from jobreporter.testing._source._bench import WorkerBench
from jobreporter.testing._source._meanings import FAILED, SUCCEEDED
from jobreporter.testing._waiting import wait_for


class DisturbedCases(SourceCases):
    """A test for each of `DISTURBED`."""

    def test_cold_shutdown(self) -> None:
        """A job that the worker's end interrupts is aborted for the shutdown, and nothing that was reported is lost."""
        bench = self._in_the_middle_of_hold(before=["success"])
        bench.end(abruptly=True)
        bench.wait()

        same(bench.executions("success"), [SUCCEEDED], "The job before it.")
        self.check(bench, "hold", "cold_shutdown")
        same(bench.calls()[-1].hook, "reporter_stop", "The last that the reporter hears.")

    def test_warm_shutdown(self) -> None:
        """A job that runs when the worker is asked to end is finished, and its success is reported."""
        bench = self._in_the_middle_of_hold(after=["success"])
        bench.end(abruptly=False)
        bench.put("hold.release")

        same(bench.wait(), 0, "The worker's exit code.")
        self.check(bench, "hold", "warm_shutdown")
        same(bench.calls()[-1].hook, "reporter_stop", "The last that the reporter hears.")

    def test_replaced_workers(self) -> None:
        """Nothing is lost when each worker is replaced after one job, and each job is reported once."""
        bench = self.bench()
        bench.send("success", "exception", "skipped")
        bench.start(max_jobs=1)
        bench.wait_for_stops({"success": 1, "exception": 1, "skipped": 1})
        bench.stop()

        self.check(bench, "success", "replaced_workers")
        same(bench.executions("exception"), [FAILED], "The job after it.")
        same([call.hook for call in bench.calls()].count("handle_stopped"), 3, "Executions that stopped.")

    def test_worker_killed(self) -> None:
        """A worker that is killed takes the end of its job along; what it had reported before stays."""
        bench = self._in_the_middle_of_hold()
        bench.kill()

        self.check(bench, "hold", "worker_killed")

    def test_child_killed(self) -> None:
        """The worker goes on with another process, and tells what became of the job if it knows."""
        bench = self._in_the_middle_of_hold()
        os.kill(bench.pid_of("hold"), signal.SIGKILL)
        bench.send("success")
        bench.wait_for_stops({"hold": len(self.expected("child_killed")[0]) // 3, "success": 1})
        bench.stop()

        self.check(bench, "hold", "child_killed")
        same(bench.executions("success"), [SUCCEEDED], "The job after it.")

    def test_revoked_running(self) -> None:
        """It is ended, and told once; the worker goes on."""
        bench = self._in_the_middle_of_hold()
        bench.revoke("hold")
        bench.wait_for_stops({"hold": 1})
        bench.send("success")
        bench.wait_for_stops({"success": 1})
        bench.stop()

        self.check(bench, "hold", "revoked_running")
        same(bench.executions("success"), [SUCCEEDED], "The job after it.")

    def test_concurrent(self) -> None:
        """Each has its own execution, whichever ends first."""
        bench = self.bench()
        bench.send("hold", "hold-too")
        bench.start(workers=2)
        bench.wait_for_start("hold")
        bench.wait_for_start("hold-too")
        bench.put("hold-too.release")
        bench.wait_for_stops({"hold-too": 1})
        bench.put("hold.release")
        bench.wait_for_stops({"hold": 1})
        bench.stop()

        self.check(bench, "hold", "concurrent")
        self.check(bench, "hold-too", "concurrent")

    def test_overlapping(self) -> None:
        """One job is delivered twice, and both run at once: two executions, each with its own end."""
        bench = self.bench()
        bench.send("hold", "hold")
        bench.start(workers=2)
        wait_for(lambda: bench.has("hold.entered2"), "both attempts run", bench.what_the_worker_said)
        bench.put("hold.release")
        bench.wait_for_stops({"hold": 2})
        bench.stop()

        self.check(bench, "hold", "overlapping")

    def _in_the_middle_of_hold(self, before: Sequence[str] = (), after: Sequence[str] = ()) -> WorkerBench:
        """The bench of a worker that runs the job ``hold``. before, after: jobs in its queue around that."""
        bench = self.bench()
        bench.send(*before, "hold", *after)
        bench.start()
        bench.wait_for_start("hold")
        return bench
