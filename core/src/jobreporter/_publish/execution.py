"""One attempt at a job: started, exactly one outcome, stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from jobreporter._capture.eraser import Eraser, untaken
from jobreporter._capture.gathering import Gathering
from jobreporter._capture.plain import brief
from jobreporter._capture.raw_error import KnownError, RawError
from jobreporter._capture.secrets import REDACTED, Secrets
from jobreporter._capture.short_text import named_text, short_text
from jobreporter._foreign.classes import full_name
from jobreporter._foreign.interruption import is_interruption
from jobreporter._publish.ending import Ending, Item, UnfinishedFailure
from jobreporter._publish.fields import OUTCOME, OWN, UnfitError, fitting, sound
from jobreporter._publish.leaving import is_cancellation, means_success
from jobreporter._system.clock import Clock
from jobreporter.error_info import ErrorInfo
from jobreporter.errors import Abort
from jobreporter.events import Aborted, FailureKind, Job, Outcome, Started, Stopped, Success

if TYPE_CHECKING:
    from jobreporter._publish.job_maker import CapturedJob

_current: ContextVar[Execution | None] = ContextVar("jobreporter_execution", default=None)

#: Characters of a tag or of a reason.
LONGEST_TEXT = 500
#: Characters of a tag's name.
LONGEST_NAME = 200
#: Tags of an outcome.
MOST_TAGS = 50

#: The message of an error that could not be looked at.
NOT_CAPTURED = "<it could not be captured>"

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
        "_redaction",
        "_seal",
        "_secrets",
        "_started",
        "_stopped",
        "_strict",
        "_suspended",
        "_tags",
        "_token",
        "job",
    )

    def __init__(
        self,
        captured: CapturedJob,
        publish: Callable[[Item], None],
        capture_error: CaptureError,
        clock: Clock,
        *,
        strict: bool = True,
    ) -> None:
        #: The job, with its arguments redacted.
        self.job: Job = captured.job
        self._secrets = captured.secrets
        self._redaction = captured.redaction
        self._publish = publish
        self._capture_error = capture_error
        self._clock = clock
        self._strict = strict
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

    def tag(self, /, **tags: object) -> None:
        """Put tags on the outcome.

        - ``tags``: names, and values that become text of 500 characters at most and lose what is secret.

        There is room for `MOST_TAGS` names of 200 characters; further ones are left out.
        """
        for given, value in tags.items():
            name, self._secrets = short_text(given, LONGEST_NAME, self._redaction, self._secrets)
            if REDACTED in name and name != given:  # names that differ in a secret are not the same one
                name = untaken(name, self._tags)
            if name in self._tags or len(self._tags) < MOST_TAGS:
                text, self._secrets = named_text(given, value, LONGEST_TEXT, self._redaction, self._secrets)
                self._tags[name] = text

    def redacted(self, text: str) -> str:
        """A text without what is secret: by what it says itself, or because it was secret in the job's arguments.

        Tags, reasons and errors are redacted anyhow. This is for what is cut before: half a secret can't be recognised.
        What is found in the text is kept out of the job's error too.
        """
        secrets = Secrets(self._secrets)
        shown = self._redaction.text(text, secrets)
        self._secrets = secrets.found()
        return Eraser(self._secrets).text(shown)

    def _know(self, values: object) -> None:
        """Keep what is secret among some values out of all that is told of the job, though it is none of its arguments."""
        secrets = Secrets(self._secrets)
        Gathering(self._redaction, secrets).values(values)
        self._secrets = secrets.found()

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
        exit_status: int | None = None,
    ) -> None:
        """Note that this attempt ended in an error.

        - ``error``: the exception, or an `ErrorInfo` where there is none.
        - ``will_retry``: whether another attempt follows; ``None`` if that can't be known.
        - ``retry_delay``: seconds until then, or a timedelta.
        - ``kind``: ``exception``, ``timeout``, ``worker_lost`` or ``exit_code``.
        - ``exit_status``: of the process that ended, minus n for signal n.

        Raises TypeError or ValueError for anything else, unless the execution was begun with ``strict=False``.
        """
        fields: dict[str, Any] = {"error": self._captured(error)}
        if will_retry is not None:
            fields["will_retry"] = will_retry
        if retry_delay is not None:
            fields["retry_delay"] = retry_delay
        if exit_status is not None:
            fields["exit_status"] = exit_status
        if type(kind) is not str or kind != "exception":
            fields["kind"] = kind
        if len(fields) > 1:
            fields = self._fitting(fields)
        self._note = ("failure", fields)

    def _captured(self, error: object) -> RawError | KnownError:
        if issubclass(type(error), BaseException):
            return self._capture_error(cast(BaseException, error), self._secrets)
        return KnownError(self._sound(error), self._redaction, self._secrets)

    def _sound(self, error: object) -> ErrorInfo:
        try:
            return sound(error)
        except TypeError:
            if self._strict:
                raise
        kind = cast(type, error) if issubclass(type(error), type) else type(error)
        return ErrorInfo(type=full_name(kind), message=brief(error, OWN, str))

    def _fitting(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields of an outcome with values that are right for them."""
        fitted = {}
        for field, value in fields.items():
            try:
                fitted[field] = fitting(field, value) if field in OUTCOME else value
            except UnfitError as unfit:
                if self._strict:
                    raise unfit.for_program() from None
        return fitted

    def abort(self, reason: str, *, will_retry: bool | None = None) -> None:
        """Note that the job was given up on purpose.

        - ``reason``: one of ``ABORT_REASONS``, or a word of its own.
        - ``will_retry``: whether another attempt follows; ``None`` if that can't be known.

        Raises TypeError for another ``will_retry``, unless the execution was begun with ``strict=False``.
        """
        text, self._secrets = short_text(reason, LONGEST_TEXT, self._redaction, self._secrets)
        fields: dict[str, Any] = {"reason": text}
        if will_retry is not None:
            fields = self._fitting({**fields, "will_retry": will_retry})
        self._note = ("aborted", fields)

    def note(self, error: BaseException | None) -> None:
        """Note what it means that the job raised this; ``None``: that it returned, which any other note overrules."""
        kind = type(error)  # not isinstance, which would ask the error for its class
        if error is None:
            if self._note is None:
                self.succeed()
        elif issubclass(kind, Abort):
            self.abort(cast(Abort, error).reason, will_retry=cast(Abort, error).will_retry)
        elif issubclass(kind, SystemExit) and means_success(error):
            self.succeed()
        elif issubclass(kind, SystemExit | KeyboardInterrupt):
            self.abort("shutdown")
        elif is_cancellation(kind):
            self.abort("cancelled")
        else:
            self.fail(error)

    def stop(self) -> None:
        """Publish the outcome that was noted, and ``Stopped``; without a note it is ``aborted(unknown)``.

        Both go in one append, so whatever interrupts this, an execution ends at most once: the pump drops and counts a
        repeat. To stop again what has stopped does nothing.
        """
        try:
            if not self._stopped:
                self._publish(self._ending())
                self._stopped = True
        finally:
            self._leave()

    def _ending(self) -> Ending:
        kind, fields = self._note or _UNKNOWN
        job, wait, at = self.job, self._queue_wait, self._clock.time()
        # What was said after a tag may tell that it is secret.
        tags = Eraser(self._secrets).data(self._tags) if self._tags and self._secrets else self._tags.copy()
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
        self._suspended = False
        self._token = _current.set(self)
        return self

    def _suspend(self) -> None:
        """Go on when it is entered again, and not stop at the end of this block."""
        self._suspended = True

    def _leave(self) -> None:
        if self._token is not None:
            try:
                _current.reset(self._token)
            except (ValueError, RuntimeError):
                pass  # stopped from another thread or asyncio context, where it never was current; or left already
            self._token = None

    def __enter__(self) -> Self:
        return self.enter()

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        try:
            if self._suspended:
                return False
            self._note_and_stop(error)
        finally:
            self._leave()  # wherever that was interrupted
        return error is not None and issubclass(type(error), Abort)

    def _note_and_stop(self, error: BaseException | None) -> None:
        try:
            self.note(error)
        except BaseException as raised:
            # Whatever the error is made of: what propagates is the error itself. An interruption of the job, such as a
            # time limit that lands here, is the job's to see.
            if is_interruption(raised):
                raise
            info = ErrorInfo(type=full_name(type(error)), message=NOT_CAPTURED)
            self._note = ("failure", {"error": KnownError(info, self._redaction, ())})
        finally:
            self.stop()


def _forked() -> None:
    """In a forked child, what it was running when it was forked is its parent's to end, wherever the child goes on."""
    running = _current.get()
    while running is not None:
        running._publish = _publish_nothing
        before = None if running._token is None else running._token.old_value
        running = before if type(before) is Execution else None


def _publish_nothing(_item: Item) -> None: ...


os.register_at_fork(after_in_child=_forked)


def _queue_wait(job: Job, started_at: float) -> float | None:
    enqueued_at, scheduled_at = job.enqueued_at, job.scheduled_at
    if enqueued_at is None or (scheduled_at is not None and scheduled_at > enqueued_at):
        enqueued_at = scheduled_at
    # Two machines' clocks may differ by more than the wait.
    return None if enqueued_at is None else max(started_at - enqueued_at, 0.0)
