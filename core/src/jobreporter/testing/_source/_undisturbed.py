"""What may happen to a job in a worker that nobody disturbs: one worker goes through all of it."""

from __future__ import annotations

from collections.abc import Callable

from jobreporter import Success
from jobreporter.testing._source._base import SourceCases, same
from jobreporter.testing._source._meanings import UNDISTURBED, Case


class UndisturbedCases(SourceCases):
    """A test for each of `UNDISTURBED`, below, and what holds for all of them."""

    def test_the_job_finds_its_execution(self) -> None:
        """Its tags arrive, its secrets don't, and the worker is the process that ran it."""
        told = self.undisturbed()
        ((pid, success),) = [(call.pid, call.meta) for call in told.events["success"] if isinstance(call.meta, Success)]
        same(success.tags, {"customer": "acme"}, "The job tags its execution: customer=acme.")
        worker = str(success.job.worker)
        assert worker.endswith(f":{pid}"), f"the job ran in process {pid}, and Job.worker is {worker!r}"
        assert "k-canary" not in repr(told.calls), "the secret argument of the job 'success' was reported"

    def test_each_execution_has_an_id_of_its_own(self) -> None:
        """Attempts at one job share its id, and nothing else does."""
        told = self.undisturbed()
        cases: dict[str, set[str]] = {}
        for case, calls in told.events.items():
            for call in calls:
                if call.job is not None:
                    cases.setdefault(call.job.execution_id, set()).add(case)
        shared = {execution: sorted(names) for execution, names in cases.items() if len(names) > 1}
        assert not shared, f"executions of several jobs have one id: {shared}"

    def test_an_undisturbed_worker_ends_its_reporters(self) -> None:
        """In each process that reported, the reporter was started once, flushed after its last event, and stopped last."""
        calls = self.undisturbed().calls
        for pid in {call.pid for call in calls}:
            hooks = [call.hook for call in calls if call.pid == pid]
            same((hooks.count("reporter_start"), hooks.count("reporter_stop")), (1, 1), f"Process {pid}, once each.")
            ends = (hooks[0], hooks[-2], hooks[-1])
            same(ends, ("reporter_start", "reporter_flush", "reporter_stop"), f"Process {pid}, first and last.")


def _test_of(case: Case) -> Callable[[UndisturbedCases], None]:
    def test(self: UndisturbedCases) -> None:
        told = self.undisturbed()
        same(told.executions(case.name), self.expected(case.name), case.says)
        if case.attempts is not None and case.name not in self.reported_instead:
            attempts = {call.job.execution_id: call.job.attempt for call in told.events[case.name] if call.job}
            same(tuple(attempts.values()), case.attempts, "The attempts, by number.")

    test.__doc__ = case.says
    test.__name__ = f"test_{case.name}"
    test.__qualname__ = f"UndisturbedCases.{test.__name__}"
    return test


for _case in UNDISTURBED:
    setattr(UndisturbedCases, f"test_{_case.name}", _test_of(_case))
