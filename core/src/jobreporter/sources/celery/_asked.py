"""A job that asks to be tried again: because of which error, when, and whether Celery could send the message for it.

Celery tells the error as a copy where the real one can't be sent to other processes, and not at all where the message
can't be sent.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import CodeType, FrameType

from celery import Task
from celery.exceptions import Reject, Retry, SoftTimeLimitExceeded
from celery.utils.serialization import UnpickleableExceptionWrapper

from jobreporter import ErrorInfo
from jobreporter.sources.celery._message import seconds

#: Of an error's contexts, no more are looked at.
_DEEPEST = 100
#: Under this name a `Reject` carries the `Retry` whose message could not be sent.
_UNSENT = "_jobreporter_unsent"


def error_of(reason: Retry, *handled: BaseException) -> BaseException | ErrorInfo | None:
    """The error that the job was about, if any; rather one that was raised than a copy, which has no stack.

    handled: errors among which it may be, besides those that were handled when the reason was raised.
    """
    named = reason.exc
    raised = [*_contexts(reason), *(each for error in handled for each in (error, *_contexts(error)))]
    if isinstance(named, type) and issubclass(named, BaseException):
        return next((each for each in raised if named in type(each).__mro__), None) or _never_raised(named)
    if not isinstance(named, BaseException):
        return None
    if isinstance(named, UnpickleableExceptionWrapper):
        return next((each for each in raised if type(each).__name__ == named.exc_cls_name), named)
    if named.__traceback__ is None:
        return next((each for each in raised if _is_copy(named, each)), named)
    return named


def handled_before(reason: Retry) -> BaseException | None:
    """The error that was being handled when the job asked, where it didn't say what it was about."""
    return next((each for each in _contexts(reason) if not isinstance(each, Retry)), None)


def delay_of(reason: Retry) -> float | None:
    """Seconds until the attempt that was asked for."""
    when = reason.when
    if type(when) in (int, float):
        return max(float(when), 0.0)
    due = seconds(when)
    return None if due is None else until(due)


def until(due: float) -> float:
    """Seconds from now until this Unix time; 0 if that is over."""
    return max(due - datetime.now(UTC).timestamp(), 0.0)


def note_unsent_retry(reject: Reject) -> None:
    """Have a `Reject` that has just left ``Task.retry`` carry what the retry was about: its frames are cleared soon."""
    frame = _raised_by(reject)
    if frame is not None and is_unsent_retry(reject):
        asked = frame.f_locals.get("ret")
        if isinstance(asked, Retry):
            setattr(reject, _UNSENT, asked)


def is_unsent_retry(reject: Reject) -> bool:
    """Whether it says that the message of a retry could not be sent; a job's own `Reject` does not come from there."""
    frame = _raised_by(reject)
    return frame is not None and frame.f_code is getattr(Task.retry, "__code__", None)


def unsent_error(reject: Reject) -> BaseException | ErrorInfo:
    """The error of the job whose retry could not be sent; if it had none, why not."""
    asked = getattr(reject, _UNSENT, None)
    if isinstance(asked, Retry) and (error := error_of(asked, reject)) is not None:
        return error
    # What the job was handling then was caught in one of the calls that the retry was made in.
    calls = list(_frames(reject))[:-1]
    contexts = list(_contexts(reject))
    handled = (each for each in contexts if next(_frames(each), None) in calls)
    return next(handled, contexts[0] if contexts else reject)


def was_cut_off(code: CodeType, error: BaseException | ErrorInfo | None) -> bool:
    """Whether a time limit has left a call of this code, and the error is that, or came of it."""
    if not isinstance(error, BaseException):
        return False
    limits = (each for each in (error, *_contexts(error)) if is_time_limit(each))
    return any(frame.f_code is code for each in limits for frame in _frames(each))


def is_time_limit(error: object) -> bool:
    """Whether Celery raises this into jobs whose time is up."""
    return isinstance(error, SoftTimeLimitExceeded) or is_greenlets_limit(error)


def is_greenlets_limit(error: object) -> bool:
    """Whether it is the limit that ends a job of gevent's pool."""
    gevent = sys.modules.get("gevent")
    return gevent is not None and isinstance(error, gevent.Timeout)


def _contexts(error: BaseException) -> Iterator[BaseException]:
    """What was being handled when it was raised, when that was raised, and so on."""
    for _ in range(_DEEPEST):
        context = error.__context__
        if context is None:
            return
        yield context
        error = context


def _frames(error: BaseException) -> Iterator[FrameType]:
    """The calls that it went through, from where it was caught to where it was raised."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _raised_by(error: BaseException) -> FrameType | None:
    frames = list(_frames(error))
    return frames[-1] if frames else None


def _is_copy(copy: BaseException, error: BaseException) -> bool:
    """Whether Celery may have made it of the error, of which it takes the nearest class that can be sent."""
    return (
        type(copy) in type(error).__mro__
        and len(copy.args) == len(error.args)
        and all(map(_is_same, copy.args, error.args))
    )


def _is_same(one: object, other: object) -> bool:
    """Whether they are equal, as far as that can be asked without running code of the user's."""
    return one is other or (type(one) is type(other) and (type(one) not in (str, int, float, bytes) or one == other))


def _never_raised(kind: type[BaseException]) -> ErrorInfo:
    names = tuple(f"{each.__module__}.{each.__qualname__}" for each in kind.__mro__)
    return ErrorInfo(type=names[0], mro=names)
