"""What may happen to a job in a worker that nobody disturbs: one worker goes through all of it."""

from __future__ import annotations

from collections.abc import Callable

from jobreporter import Event, Failure, Job, Success
from jobreporter.testing._make import make_job
from jobreporter.testing._source._base import SourceCases, same
from jobreporter.testing._source._meanings import PARENT, UNDISTURBED, Case

#: A job of which nothing is said.
_MADE_UP = make_job()
#: Seconds by which a queue may round.
_LENIENCE = 2.0


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

    def test_its_jobs_say_where_they_come_from(self) -> None:
        """Each has the source's own name as `Job.source`."""
        sources = {job.source for job in self._jobs()}
        assert len(sources) == 1, f"one source, and Job.source is {sorted(sources)}"
        assert sources != {_MADE_UP.source}, f"Job.source is {_MADE_UP.source!r}: begin(..., source=NAME)"

    def test_its_times_are_unix_seconds(self) -> None:
        """What happened while the worker ran has happened then; a time without a zone is an hour or a day away."""
        told = self.undisturbed()
        earliest, latest = told.began - _LENIENCE, told.ended + _LENIENCE
        for event in self._events():
            moments = {"at": event.at, "job.enqueued_at": event.job.enqueued_at}
            wrong = {name: at for name, at in moments.items() if at is not None and not earliest <= at <= latest}
            assert not wrong, (
                f"{event.job.id} was sent at {told.began}, in a worker that ended at {told.ended}: {wrong}"
            )
            duration = getattr(event, "duration", None)
            assert duration is None or 0 <= duration <= latest - earliest, f"{event.job.id}: a duration of {duration} s"

    def test_no_attempt_is_beyond_the_last(self) -> None:
        """What is known of the most attempts holds, and the one that fails for good after retries is the last of them."""
        for job in self._jobs():
            assert job.max_attempts is None or job.attempt <= job.max_attempts, (
                f"{job.attempt} of {job.max_attempts}: {job.id}"
            )
        last = [event.job for event in self._events("exhausted") if isinstance(event, Failure) and event.final]
        short = [f"{job.attempt} of {job.max_attempts}" for job in last if job.max_attempts not in (None, job.attempt)]
        assert not short, f"the job 'exhausted' fails for good in attempt {short[0]}"

    def _events(self, *cases: str) -> list[Event]:
        """What was told, of these cases or of all."""
        told = self.undisturbed().events
        return [call.meta for case in cases or told for call in told.get(case, []) if call.meta is not None]

    def _jobs(self) -> list[Job]:
        return [event.job for event in self._events()]

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
        if case.name == "inherited":
            for job in [call.job for call in told.events[case.name] if call.job]:
                _inherited(job)

    test.__doc__ = case.says
    test.__name__ = f"test_{case.name}"
    test.__qualname__ = f"UndisturbedCases.{test.__name__}"
    return test


def _inherited(job: Job) -> None:
    """A queue may keep its own parents and roots, which know of no job elsewhere; but none that isn't so."""
    same(job.correlation_id, PARENT["correlation_id"], "Job.correlation_id, of the job that enqueued it.")
    assert job.parent_id in (None, PARENT["id"]), (
        f"{PARENT['id']!r} enqueued it, and Job.parent_id is {job.parent_id!r}"
    )
    assert job.root_id in (None, job.id, PARENT["root_id"]), f"Job.root_id, from {PARENT}, is {job.root_id!r}"


for _case in UNDISTURBED:
    setattr(UndisturbedCases, f"test_{_case.name}", _test_of(_case))
