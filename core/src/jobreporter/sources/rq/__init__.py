"""RQ: reports what its workers do with jobs.

``rq worker -w jobreporter.sources.rq.Worker`` is all that it takes. Where jobs are enqueued, `Queue` in place of RQ's own
adds to them what RQ doesn't keep: which job enqueued them, and for when.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from mmap import mmap
from typing import Any

from jobreporter import Execution, JobReporterError
from jobreporter.sourcekit import Library, harmless_but_for

LIBRARY = Library(
    "RQ", "rq", (2, 10), version_in=("rq.version", "VERSION"), attached_by="rq worker -w jobreporter.sources.rq.Worker"
)

try:
    import rq
    from rq.exceptions import StopRequested
    from rq.job import Job, JobStatus
    from rq.timeouts import BaseTimeoutException
    from rq.version import VERSION

    from jobreporter.sources.rq._aside import aside
    from jobreporter.sources.rq._claims import HORSE_CLAIM_TTL
    from jobreporter.sources.rq._job import BACK, FINAL, UNKNOWN, Outlook, inherit, job_fields, outlook_of, schedule
    from jobreporter.sources.rq._losses import Loss, Note, horse_lost, revoked, shut_down
    from jobreporter.sources.rq._run import Run
    from jobreporter.sources.rq._saved import is_done, taken_as
    from jobreporter.sources.rq._stamp import stamp_of
    from jobreporter.sources.rq._worker import ReportingWorker
except ImportError as error:
    raise LIBRARY.refusal() from error
found = LIBRARY.check(VERSION)


class Queue(rq.Queue):
    """RQ's queue, whose jobs also carry which job enqueued them, and for when they were meant."""

    def create_job(self, *args: Any, **kwargs: Any) -> Job:
        """As RQ does, and the job inherits from the one that this code runs in."""
        job = super().create_job(*args, **kwargs)
        self._inherit(job, new=True)
        return job

    def enqueue_job(self, job: Job, *args: Any, **kwargs: Any) -> Job:
        """As RQ does, and the job inherits from the one that this code runs in, unless it has done so."""
        self._inherit(job)
        return super().enqueue_job(job, *args, **kwargs)

    def schedule_job(self, job: Job, datetime: datetime, *args: Any, **kwargs: Any) -> Job:
        """As RQ does, and the job keeps the moment."""
        self._schedule(job, datetime)
        return super().schedule_job(job, datetime, *args, **kwargs)

    @harmless_but_for(BaseTimeoutException)
    def _inherit(self, job: Job, *, new: bool = False) -> None:
        inherit(job, new=new)

    @harmless_but_for(BaseTimeoutException)
    def _schedule(self, job: Job, moment: datetime) -> None:
        schedule(job, moment)


def is_attached(worker: object) -> bool:
    """Whether the jobs of workers of this class are reported."""
    return isinstance(worker, type) and issubclass(worker, ReportingWorker)


class SimpleWorker(ReportingWorker, rq.SimpleWorker):
    """RQ's worker that runs jobs in its own process. Its reporters live as long as it does."""


class Horse:
    """What the worker knows of the process that it has forked for a job, and learns while it waits for it."""

    def __init__(self, fields: dict[str, Any]) -> None:
        #: Of its job, but for what that calls.
        self.fields = fields
        #: How it ended, as ``wait`` tells.
        self.status: int | None = None
        #: RQ killed it, since no time limit could reach it.
        self.overdue = False
        #: What has become of its execution, once RQ has dealt with it.
        self.note: Note | None = None

    def unsaid(self, job: Job) -> Note | None:
        """What has become of it where RQ had nothing to deal with: the horse was killed right after it saved the end.

        ``None`` for a horse that exited as it should, or as the job let it: that, RQ finds out later.
        """
        if not self.status:
            return None
        if job.get_status(refresh=False) == JobStatus.FINISHED:
            return Execution.succeed
        return horse_lost(self.status, FINAL, overdue=False)


class Worker(ReportingWorker, rq.Worker):
    """RQ's worker that forks a work horse for each job.

    Reporters live in the horse, which delivers everything before it exits. What a horse can't tell any more, because it
    was killed or stopped, the worker tells from a process of its own: so no thread of ours runs where it forks.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Shared with the horse, which writes there that it tells the end itself.
        self._mark: mmap | None = None
        self._horse: Horse | None = None

    def fork_work_horse(self, job: Job, queue: rq.Queue) -> None:
        """The horse begins here."""
        self._prepare_fork(job)
        super().fork_work_horse(job, queue)

    @harmless_but_for(StopRequested)
    def _prepare_fork(self, job: Job) -> None:
        self._mark = self._mark or mmap(-1, 1)
        self._mark[0] = 0
        # Read here, it is the same on both sides; later the horse may have stamped the job for its next attempt.
        stamp_of(job)

    def _left_undone(self, job: Job) -> Outlook:
        """The worker sees that its horse did not exit as it should, and deals with a job that isn't done."""
        if os.getppid() != self.pid:
            return super()._left_undone(job)
        done = is_done(job)
        if done is None:
            return UNKNOWN
        if done:
            return FINAL
        return outlook_of(job) if job.should_retry or not self._is_back(job) else BACK

    def _may_end(self, run: Run) -> bool:
        if self._mark is not None:
            self._mark[0] = 1
            # Its worker waits for it, and nobody else cares; without one, RQ may have found the job abandoned.
            if os.getppid() == self.pid:
                return True
        return self._claims.first(run.job, run.execution_id, HORSE_CLAIM_TTL)

    def monitor_work_horse(self, job: Job, queue: rq.Queue, *args: Any, **kwargs: Any) -> None:
        """The worker waits for the horse, and RQ deals with what has become of it."""
        self._watch(job)
        try:
            super().monitor_work_horse(job, queue, *args, **kwargs)
        except SystemExit:
            # The worker is to end at once, and has killed its horse.
            self._conclude_undone(job)
            raise
        else:
            self._conclude(job)
        finally:
            self._horse = None

    def wait_for_horse(self) -> Any:
        """Returns what ``wait4`` returns."""
        pid, status, usage = super().wait_for_horse()
        if self._horse is not None:
            self._horse.status = status
        return pid, status, usage

    def handle_work_horse_killed(self, job: Job, retpid: Any, ret_val: Any, rusage: Any) -> None:
        """The horse is gone, and its job isn't done."""
        if self._horse is not None:
            # Where somebody else has waited for the horse, RQ hears as little of how it ended.
            self._horse.overdue = ret_val is None and self._horse.status is not None
        super().handle_work_horse_killed(job, retpid, ret_val, rusage)

    def _failed(self, job: Job, outlook: Outlook) -> None:
        if self._horse is None:
            super()._failed(job, outlook)
        elif job.get_status(refresh=False) == JobStatus.STOPPED:
            self._horse.note = revoked
        else:
            self._horse.note = horse_lost(self._horse.status, outlook, overdue=self._horse.overdue)

    @harmless_but_for(StopRequested)
    def _watch(self, job: Job) -> None:
        execution = self.execution
        if execution is not None:
            self._taken = taken_as(job, self.name)
            fields = job_fields(job, execution.id, self.name)
            self._horse = Horse({**fields, "worker": f"{self.hostname}:{self.horse_pid}"})

    @harmless_but_for(StopRequested)
    def _conclude_undone(self, job: Job) -> None:
        self._conclude(job, shut_down(super()._left_undone(job)))

    @harmless_but_for(StopRequested)
    def _conclude(self, job: Job, note: Note | None = None) -> None:
        horse = self._horse
        if horse is None or (self._mark is not None and self._mark[0]):
            return
        note = horse.note or note or horse.unsaid(job)
        if note is not None and self._claims.first(job, horse.fields["execution_id"]):
            self._tell([Loss(job, horse.fields, note)])

    def _tell(self, losses: Sequence[Loss]) -> None:
        if losses and self._reports.get() is not None:
            aside(partial(self._tell_and_end, losses))

    def _tell_and_end(self, losses: Sequence[Loss]) -> None:
        super()._tell(losses)
        self._reports.end(forked=True)


class SpawnWorker(Worker, rq.SpawnWorker):
    """RQ's worker that starts a new Python for each job, where it is not safe to fork. It needs RQ 3.

    A horse reads the config by itself. Since nothing forks, the worker tells from its own process what a horse can't.
    """

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        """The worker starts."""
        if found < (3, 0):
            # Whatever the class of the worker, its horses are plain workers.
            raise JobReporterError(f"jobreporter.sources.rq.SpawnWorker needs RQ 3.0 or newer, and found {VERSION}")
        super().bootstrap(*args, **kwargs)

    def _tell(self, losses: Sequence[Loss]) -> None:
        ReportingWorker._tell(self, losses)
