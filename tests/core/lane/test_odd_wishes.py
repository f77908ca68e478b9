"""What a hook raises may be of a class of the plugin's own, which was made in any way: the lane takes it for what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from jobreporter import BrokenReporter, Job, PluginError, TryAgain, Undeliverable, hookimpl
from jobreporter._lane.wording import describe
from tests.core.lane.stepping import Stepped


def refuse(*_args: object) -> NoReturn:
    raise RuntimeError("asked")


class OwnPauseError(TryAgain):
    """Calls no other ``__init__``."""

    def __init__(self, text: str = "the vendor is closed") -> None:
        Exception.__init__(self, text)


class LongPauseError(TryAgain):
    """Says in its class how long."""

    after = 45

    def __init__(self) -> None:
        pass


class UnreadableError(TryAgain):
    """How long can't be read."""

    def __init__(self) -> None:
        pass

    @property
    def after(self) -> float:  # type: ignore[override]
        raise RuntimeError("asked")


def odd(after: object) -> TryAgain:
    """One that was given something else afterwards, such as a vendor's header."""
    error: Any = TryAgain()
    error.after = after
    return error  # type: ignore[no-any-return]


class HostileCauseError(Exception):
    """Can't be asked whether it is true, or equals something, or of what class it is."""

    __bool__ = __len__ = __eq__ = __ne__ = __hash__ = refuse  # type: ignore[assignment]

    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise RuntimeError("asked")


def because(cause: BaseException) -> TryAgain:
    error = TryAgain()
    error.__cause__ = cause
    return error


class Asking:
    """Raises what it is told to, once, in a hook."""

    def __init__(self, hook: str, error: Callable[[], BaseException]) -> None:
        self.hook = hook
        self.error = error
        self.calls: list[float] = []
        self.taken: list[str] = []
        self.now: Callable[[], float] = float

    def called(self, hook: str) -> None:
        if hook == self.hook:
            self.calls.append(self.now())
            if len(self.calls) == 1:
                raise self.error()

    @hookimpl
    def reporter_start(self) -> None:
        self.called("reporter_start")

    @hookimpl
    def handle_started(self, job: Job) -> None:
        self.called("handle_started")
        self.taken.append(job.id)

    @hookimpl
    def reporter_flush(self) -> None:
        self.called("reporter_flush")


ODD: dict[str, tuple[Callable[[], BaseException], float]] = {
    "without __init__": (OwnPauseError, 0),
    "in the class": (LongPauseError, 45),
    "unreadable": (UnreadableError, 0),
    "text": (lambda: odd("30"), 0),
    "not a number": (lambda: odd(float("nan")), 0),
    "negative": (lambda: odd(-5), 0),
    "endless": (lambda: odd(10**400), 86_400),
    "hostile cause": (lambda: because(HostileCauseError("503")), 0),
}


@pytest.mark.parametrize("hook", ["reporter_start", "handle_started", "reporter_flush"])
@pytest.mark.parametrize(("error", "pause"), ODD.values(), ids=list(ODD))
def test_a_try_again_of_any_making_puts_off(hook: str, error: Callable[[], BaseException], pause: float) -> None:
    """Nothing is lost or started again by it, and it waits as long as it asks, where that is a time at all."""
    asking = Asking(hook, error)
    stepped = Stepped(asking)
    asking.now = stepped.clock.monotonic
    stepped.publish(0)
    stepped.run_until(lambda: asking.calls)
    stepped.run_until(lambda: stepped.stats.status in ("backing_off", "broken"))
    assert stepped.stats.reason
    if pause:
        stepped.run_until(lambda: stepped.clock.monotonic() - asking.calls[0] > 40)
        assert len(asking.calls) == 1
    if pause > 60:
        stepped.skip(pause - 41)
    stepped.run_until(lambda: stepped.stats.handled == 1)
    assert asking.calls[1] - asking.calls[0] >= pause
    assert asking.calls[1] - asking.calls[0] < pause + 2
    assert (asking.taken, stepped.stats.restarts, stepped.stats.failed) == (["0"], 0, 0)
    assert stepped.close(100)


class WithoutReasonError(Undeliverable):
    def __init__(self) -> None:
        Exception.__init__(self, "too large")


class WithoutProblemError(PluginError):
    def __init__(self) -> None:
        Exception.__init__(self, "no")


class Unbound:
    """What stands for an answer that isn't there, as a proxy does."""

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        raise RuntimeError("unbound")


class AnswerlessError(Exception):
    def __init__(self) -> None:
        super().__init__("no answer")
        self.response = Unbound()


class NoDictError(Exception):
    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        raise RuntimeError("asked")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WithoutReasonError(), "too large"),
        (WithoutProblemError(), "WithoutProblemError: its message can't be shown"),
        (AnswerlessError(), "AnswerlessError: no answer"),
        (NoDictError("x"), "NoDictError: x"),
        (HostileCauseError("503"), "HostileCauseError: 503"),
        (BrokenReporter(), "BrokenReporter"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_of_any_making_has_words(error: BaseException, told: str) -> None:
    """It is told from the lane's own thread, which it must not end."""
    assert describe(error) == told
