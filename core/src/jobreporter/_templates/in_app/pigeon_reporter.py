"""A reporter of this application: posts what happens to jobs to a web address, in batches.

The config switches it on. It needs nothing but jobreporter; `jobreporter check` says whether it works here.
"""

from __future__ import annotations

from contextlib import suppress
from http.client import HTTPException
from typing import Annotated
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec
from jobreporter import (
    Aborted,
    Context,
    Duration,
    ErrorInfo,
    Event,
    Failure,
    Job,
    Options,
    Secret,
    Started,
    Stopped,
    Success,
    TryAgain,
    hookimpl,
)
from msgspec import Meta


class PigeonOptions(Options):
    """The options of the reporter.

    Each description is shown by ``jobreporter plugins pigeon``.
    """

    url: Annotated[str, Meta(description="Where batches are posted to: an address of http or https.")]
    token: Annotated[Secret | None, Meta(description="Sent along as `Authorization: Bearer ...`.")] = None
    timeout: Annotated[
        Duration, Meta(gt=0, description="How long one request may take. Keep it below the lane's `timeout`.")
    ] = 5.0

    def __post_init__(self) -> None:
        """Raises ValueError, in one sentence, for what is wrong with the values. Never quote a secret."""
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("'url' must begin with http:// or https://")


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


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: the token is for one address alone."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Makes no request, so that the answer is an error like others."""


_OPENER = build_opener(_Stay)


def post(batch: list[dict[str, object]], options: PigeonOptions) -> None:
    """Post the batch as JSON, and wait for the answer.

    Raises TryAgain where another time is better: no answer at all, 429, and 5xx. Anything else is raised as it is,
    which is a crash: it is logged, the batch counts as failed, and the reporter starts afresh.
    """
    headers = {"Content-Type": "application/json"}
    if options.token is not None:
        headers["Authorization"] = f"Bearer {options.token.reveal()}"
    request = Request(options.url, msgspec.json.encode(batch), headers)  # noqa: S310 - the options take http alone
    try:
        with _OPENER.open(request, timeout=options.timeout):
            pass
    except HTTPError as error:
        error.close()
        if error.code == 429 or error.code >= 500:
            raise TryAgain(_seconds(error.headers.get("Retry-After"))) from error
        raise
    except (OSError, HTTPException) as error:
        raise TryAgain from error


def _seconds(retry_after: str | None) -> float | None:
    """The pause that the answer asks for, an hour at most; ``None`` if it asks for none that is a number."""
    with suppress(TypeError, ValueError):
        return min(max(float(retry_after or ""), 0.0), 3600.0)
    return None
