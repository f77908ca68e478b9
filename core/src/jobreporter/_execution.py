"""One attempt at a job: started, exactly one outcome, stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self

from jobreporter._capture.plain import Bounds, brief
from jobreporter._capture.raw_error import RawError
from jobreporter._clock import Clock
from jobreporter._ingress import Ending, Item, UnfinishedFailure
from jobreporter._jobs import CapturedJob
from jobreporter.error_info import ErrorInfo
from jobreporter.errors import Abort
from jobreporter.events import Aborted, FailureKind, Job, Outcome, Started, Stopped, Success

_current: ContextVar[Execution | None] = ContextVar("jobreporter_execution", default=None)

#: Characters of a tag or of a reason.
LONGEST_TEXT = 500
_TEXT = Bounds(text=LONGEST_TEXT, items=50, depth=6, total=2 * LONGEST_TEXT)

_CANCELLATIONS = (
    ("asyncio.exceptions", "CancelledError"),
    ("concurrent.futures", "CancelledError"),
    ("greenlet", "GreenletExit"),
)

#: Captures an exception, without the values that are secret.
CaptureError = Callable[[BaseException, tuple[str, ...]], RawError]


# An outcome, and the fields of its event that it comes with. A plain tuple: a named one takes as long as all the rest of
# a note.
_Note = tuple[Outcome, dict[str, Any]]

_UNKNOWN: _Note = ("aborted", {"reason": "unknown"})
_SUCCESS: _Note = ("success", {})


class Execution:
    """Made by ``dispatcher.begin`` and ``dispatcher.resume``.

    `succeed`, `fail` and `abort` note the outcome, and the last note wins; `stop` publishes it. Used as a context
    manager, it notes what the block did, and stops: an exception is a failure and propagates, `Abort` is an abort and
    does not, being cancelled or interrupted is an abort and propagates.
    """

    __slots__ = (
        "_capture_error",
        "_clock",
        "_note",
        "_publish",
        "_queue_wait",
        "_seal",
        "_secrets",
        "_started",
        "_stopped",
        "_tags",
        "_token",
        "job",
    )

    def __init__(
        self, captured: CapturedJob, publish: Callable[[Item], None], capture_error: CaptureError, clock: Clock
    ) -> None:
        #: The job, with its arguments redacted.
        self.job: Job = captured.job
        self._secrets = captured.secrets
        self._publish = publish
        self._capture_error = capture_error
        self._clock = clock
        self._started: float | None = None
        self._queue_wait: float | None = None
        self._note: _Note | None = None
        self._tags: dict[str, str] = {}
        self._seal: list[None] = []
        self._stopped = False
        self._token: Token[Execution | None] | None = None

    @staticmethod
    def current() -> Execution | None:
        """The execution that this code runs in; ``None`` outside of any."""
        execution = _current.get()
        # One that was stopped from another thread may still be set here.
        return None if execution is None or execution._stopped else execution

    def start(self) -> None:
        """Publish ``Started``, and count durations from now. ``dispatcher.begin`` has called it."""
        self._started = self._clock.monotonic()
        at = self._clock.time()
        self._queue_wait = _queue_wait(self.job, at)
        self._publish(Started(job=self.job, at=at))

    def tag(self, **tags: object) -> None:
        """Put tags on the outcome. Values become text."""
        for name, value in tags.items():
            self._tags[name] = brief(value, _TEXT, str)

    def succeed(self) -> None:
        """Note that the job completed."""
        self._note = _SUCCESS

    def fail(
        self,
        error: BaseException | ErrorInfo,
        *,
        will_retry: bool | None = None,
        retry_delay: float | None = None,
        kind: FailureKind = "exception",
    ) -> None:
        """Note that this attempt ended in an error.

        will_retry: whether another attempt follows, ``None`` if that can't be known. retry_delay: seconds until then.
        """
        captured: RawError | ErrorInfo
        # Asked in this order it is quick for exceptions: records answer `isinstance` in a slower way of their own.
        if isinstance(error, BaseException) or not isinstance(error, ErrorInfo):
            captured = self._capture_error(error, self._secrets)
        else:
            captured = error
        fields = {"error": captured, "will_retry": will_retry, "retry_delay": retry_delay, "kind": kind}
        self._note = ("failure", fields)

    def abort(self, reason: str, *, will_retry: bool | None = None) -> None:
        """Note that the job was given up on purpose. reason: one of ``ABORT_REASONS``, or a word of its own."""
        self._note = ("aborted", {"reason": brief(reason, _TEXT, str), "will_retry": will_retry})

    def note(self, error: BaseException | None) -> None:
        """Note what it means that the job raised this; ``None``: that it returned, which any other note overrules."""
        if error is None:
            if self._note is None:
                self.succeed()
        elif isinstance(error, Abort):
            self.abort(error.reason, will_retry=error.will_retry)
        elif isinstance(error, SystemExit) and error.code in (None, 0):
            self.succeed()
        elif isinstance(error, SystemExit | KeyboardInterrupt):
            self.abort("shutdown")
        elif _is_cancellation(error):
            self.abort("cancelled")
        else:
            self.fail(error)

    def stop(self) -> None:
        """Publish the outcome that was noted, and ``Stopped``; without a note it is ``aborted(unknown)``.

        Both go in one append, so whatever interrupts this, an execution ends at most once: the pump drops and counts a
        repeat. To stop again what has stopped does nothing.
        """
        if not self._stopped:
            self._publish(self._ending())
            self._stopped = True
        self._leave()

    def _ending(self) -> Ending:
        kind, fields = self._note or _UNKNOWN
        job, tags, wait, at = self.job, self._tags.copy(), self._queue_wait, self._clock.time()
        duration = None if self._started is None else self._clock.monotonic() - self._started
        outcome: Success | Aborted | UnfinishedFailure
        if kind == "success":
            outcome = Success(job=job, at=at, duration=duration, queue_wait=wait, tags=tags)
        elif kind == "aborted":
            outcome = Aborted(job=job, at=at, duration=duration, tags=tags, **fields)
        else:
            known = {"job": job, "at": at, "duration": duration, "queue_wait": wait, "tags": tags, **fields}
            outcome = UnfinishedFailure(known)
        return Ending(self._seal, outcome, Stopped(job=job, at=at, outcome=kind, duration=duration))

    def enter(self) -> Self:
        """Make this the current execution, until it stops."""
        self._token = _current.set(self)
        return self

    def _leave(self) -> None:
        token, self._token = self._token, None  # whatever interrupts this: a token can't be used twice
        if token is not None:
            try:
                _current.reset(token)
            except ValueError:
                pass  # stopped from another thread or asyncio context, where it never was current

    def __enter__(self) -> Self:
        return self.enter()

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        self.note(error)
        self.stop()
        return isinstance(error, Abort)


def _queue_wait(job: Job, started_at: float) -> float | None:
    enqueued_at, scheduled_at = job.enqueued_at, job.scheduled_at
    if enqueued_at is None or (scheduled_at is not None and scheduled_at > enqueued_at):
        enqueued_at = scheduled_at
    # Two machines' clocks may differ by more than the wait.
    return None if enqueued_at is None else max(started_at - enqueued_at, 0.0)


def _is_cancellation(error: BaseException) -> bool:
    # Whoever raises one of these has imported its module; for the others that would take longer than all of jobreporter.
    return any(isinstance(error, getattr(sys.modules.get(module), name, ())) for module, name in _CANCELLATIONS)
