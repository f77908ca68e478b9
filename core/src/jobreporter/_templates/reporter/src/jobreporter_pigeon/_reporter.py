"""The reporter: takes events one by one, and posts them in batches."""

from __future__ import annotations

from jobreporter import Aborted, Context, ErrorInfo, Event, Failure, Job, Started, Stopped, Success, hookimpl

from jobreporter_pigeon._delivery import post
from jobreporter_pigeon._options import PigeonOptions


class PigeonReporter:
    """Posts what happens to jobs to a web address, in batches.

    Leave out each callback that you have no use for. All are called from one thread, one after the other, and away from
    the jobs: what is slow here, or raises, hurts none of them.
    """

    @hookimpl
    def reporter_start(self, options: PigeonOptions, context: Context) -> None:
        """Before the first event in a process, and again after a crash: open here what the reporter needs."""
        self._options = options
        self._service = context.service
        self._batch: list[dict[str, object]] = []

    @hookimpl
    def handle_started(self, job: Job, meta: Started) -> None:
        """A worker has begun with a job: for what shows the jobs that run, or looks for those that never end."""
        self._note("started", job, meta)

    @hookimpl
    def handle_success(self, job: Job, meta: Success) -> None:
        """The job has done its work: for check-ins, counts and durations."""
        self._note("success", job, meta, duration=meta.duration)

    @hookimpl
    def handle_aborted(self, job: Job, meta: Aborted) -> None:
        """It was given up on purpose, which is no error: skipped, expired, or the worker was shut down."""
        self._note("aborted", job, meta, reason=meta.reason)

    @hookimpl
    def handle_failure(self, job: Job, error: ErrorInfo, meta: Failure) -> None:
        """One attempt has ended in an error: for what wakes people. ``meta.final`` is whether it was the last."""
        self._note("failure", job, meta, error=f"{error.type}: {error.message}", final=meta.final)

    @hookimpl
    def handle_stopped(self, job: Job, meta: Stopped) -> None:
        """The execution is over, whatever came of it: what `handle_started` has opened for it is closed here."""
        self._note("stopped", job, meta, outcome=meta.outcome)

    @hookimpl
    def reporter_flush(self) -> None:
        """Every second in which events came, and before the end: send them.

        While this raises TryAgain, the batch is kept, no further event comes, and this is called again by itself.
        """
        if self._batch:
            post(self._batch, self._options)
            self._batch = []

    @hookimpl
    def reporter_stop(self) -> None:
        """After the last event, and before each restart: close here what `reporter_start` has opened."""
        self._batch = []

    def _note(self, kind: str, job: Job, meta: Event, **more: object) -> None:
        about = {"service": self._service, "job": job.name, "queue": job.queue, "execution": job.execution_id}
        self._batch.append({"event": kind, "at": meta.at, **about, **more})
