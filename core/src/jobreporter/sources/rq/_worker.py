"""What RQ's workers have in common, whether they fork for a job or run it themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from secrets import token_hex
from types import FrameType
from typing import Any

from rq import Queue
from rq.exceptions import AbandonedJobError, StopRequested
from rq.job import Job, JobStatus, Retry
from rq.worker import BaseWorker

from jobreporter import Dispatcher
from jobreporter.sourcekit import LazyDispatcher, harmless, harmless_but_for
from jobreporter.sources.rq._claims import Claims
from jobreporter.sources.rq._job import (
    BACK,
    FINAL,
    UNKNOWN,
    Outlook,
    job_fields,
    outlook_of,
    repeat,
    schedule,
    try_again,
)
from jobreporter.sources.rq._losses import Loss, Note, abandoned, never_started
from jobreporter.sources.rq._run import Run
from jobreporter.sources.rq._saved import Taken, has_saved, is_back, taken_as


class ReportingWorker(BaseWorker):
    """What the workers here have in common: put one of them before a worker class of your own.

    dispatcher: by default one is built from the config when the worker starts; a config that can't be used ends the
    worker there, with a `ConfigError`, before it takes a job. The other arguments are RQ's.
    """

    def __init__(self, *args: Any, dispatcher: Dispatcher | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reports = LazyDispatcher(dispatcher, source="rq")
        self._run: Run | None = None
        self._taken: Taken | None = None
        #: What is found while the worker looks after its queues.
        self._losses: list[Loss] | None = None
        self._claims = Claims()

    # A job, from start to end

    def perform_job(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> bool:
        """Where the job runs. What comes of it is told once RQ has saved it; a horse tells all before it ends."""
        self._taken = taken_as(job, self.name)
        self._begin(job)
        try:
            saved = super().perform_job(job, queue, *args, **kwargs)
        except BaseException as error:
            if self._run is not None:
                self._run.broke_off(error, partial(self._left_undone, job))
            raise
        else:
            if saved and self._run is not None:
                self._run.succeeded()
            return saved
        finally:
            self._end()

    def handle_job_success(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """The job returned. It may be one that repeats."""
        if job.repeats_left:
            self._prepare_repeat(job, queue)
        if self._run is not None:
            self._run.returned_at = job.ended_at
        super().handle_job_success(job, queue, *args, **kwargs)

    def handle_job_retry(self, job: Job, queue: Queue, retry: Retry, *args: Any, **kwargs: Any) -> None:
        """The job returned a ``Retry``."""
        self._prepare_retry(job, Retry.get_interval(job.number_of_retries or 0, retry.intervals))
        super().handle_job_retry(job, queue, retry, *args, **kwargs)
        if self._run is not None:
            granted = job.get_status(refresh=False) != JobStatus.FAILED
            self._run.asked_for_retry(retry.max, granted=granted, saved=granted or has_saved(job))

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """The job raised, or a callback of its own did."""
        if self._run is not None:
            self._run.error = exc_info[1]
        super().handle_exception(job, *exc_info)

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """The job failed: here, in the horse that the worker waits for, or in a worker that is gone."""
        outlook = outlook_of(job)
        if self._losses is not None:
            # RQ took it from the queue and found later that it never ran.
            self._find(job, token_hex(8), never_started(outlook))
        if outlook.will_retry:
            self._prepare_retry(job, outlook.retry_delay)
        elif self._losses is None and self._is_back(job):
            outlook = BACK
        super().handle_job_failure(job, queue, *args, **kwargs)
        if job.get_status(refresh=False) == JobStatus.STOPPED:
            outlook = FINAL
        self._failed(job, outlook if has_saved(job) else UNKNOWN)

    @harmless_but_for(StopRequested)
    def _prepare_retry(self, job: Job, delay: float | None) -> None:
        try_again(job, delay)

    @harmless_but_for(StopRequested)
    def _prepare_repeat(self, job: Job, queue: Queue) -> None:
        """For when RQ repeats a job only RQ knows: its versions pick from the intervals in ways of their own."""
        repeat(job)
        inside = queue.schedule_job

        def schedule_job(job: Job, moment: datetime, *args: Any, **kwargs: Any) -> Job:
            vars(queue).pop("schedule_job", None)
            schedule(job, moment)
            return inside(job, moment, *args, **kwargs)

        vars(queue)["schedule_job"] = schedule_job

    def _left_undone(self, job: Job) -> Outlook:
        """What becomes of a job whose failure RQ did not get to deal with, as where an exception handler raises.

        The worker ends by that. RQ finds the job abandoned then, if another worker looks.
        """
        if self._is_back(job):
            return BACK
        return UNKNOWN if job.should_retry else FINAL

    def _is_back(self, job: Job) -> bool:
        return self._taken is not None and is_back(job, self._taken)

    def _failed(self, job: Job, outlook: Outlook) -> None:
        """RQ has dealt with a failure."""
        if self._run is not None:
            self._run.failed(outlook)

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """The worker ends at once. Without a horse, that is raised into the job."""
        try:
            super().request_force_stop(signum, frame)
        except SystemExit as shutdown:
            if self._run is not None:
                self._run.shutdown = shutdown
            raise

    @harmless
    def _begin(self, job: Job) -> None:
        dispatcher, execution = self._reports.get(), self.execution
        if dispatcher is not None and execution is not None:
            self._run = Run(job, dispatcher, job_fields(job, execution.id, self.name))

    @harmless
    def _end(self) -> None:
        run, self._run = self._run, None
        try:
            if run is not None:
                run.leave()
                if run.is_here and self._may_end(run):
                    run.stop()
        finally:
            if self.is_horse:
                self._reports.end(forked=True)

    def _may_end(self, run: Run) -> bool:
        """Whether this process is the one to tell the execution's end. A job that is left undone is found once more."""
        return not run.is_undone or self._claims.first(run.job, run.execution_id)

    # The worker, from start to end

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        """The worker starts."""
        self._reports.prepare()
        super().bootstrap(*args, **kwargs)

    def teardown(self) -> None:
        """The worker ends."""
        try:
            super().teardown()
        finally:
            if not self.is_horse:
                self._reports.end()

    def clean_registries(self) -> None:
        """Now and then the worker looks after its queues, and finds jobs whose workers are gone."""
        self._losses = []
        # Only for as long: a `SpawnWorker` pickles its exception handlers for each horse.
        self.push_exc_handler(self._abandoned)
        try:
            super().clean_registries()
        finally:
            self.pop_exc_handler()
            losses, self._losses = self._losses, None
            self._tell(losses)

    def _abandoned(self, job: Job, kind: type[BaseException], *_error: Any) -> None:
        """One of RQ's exception handlers, which are called with the jobs that fail here as well."""
        if issubclass(kind, AbandonedJobError):
            self._find_abandoned(job, outlook_of(job))

    @harmless_but_for(StopRequested)
    def _find_abandoned(self, job: Job, outlook: Outlook) -> None:
        # Of several executions of one job, the one whose sign of life is due for longest comes first.
        ids = job.started_job_registry.get_job_and_execution_ids(cleanup=False)
        execution_id = next((execution_id for job_id, execution_id in ids if job_id == job.id), token_hex(8))
        self._find(job, execution_id, abandoned(outlook))
        if outlook.will_retry:
            try_again(job, outlook.retry_delay)

    @harmless_but_for(StopRequested)
    def _find(self, job: Job, execution_id: str, note: Note) -> None:
        """An execution was lost together with its worker."""
        fields = job_fields(job, execution_id, job.worker_name)
        if self._losses is not None and self._claims.first(job, fields["execution_id"], at_first_hand=False):
            self._losses.append(Loss(job, {**fields, "worker": None}, note))

    @harmless_but_for(StopRequested)
    def _tell(self, losses: Sequence[Loss]) -> None:
        """Report the ends of these executions."""
        dispatcher = self._reports.get() if losses else None
        if dispatcher is not None:
            for loss in losses:
                loss.tell(dispatcher, self.death_penalty_class)
