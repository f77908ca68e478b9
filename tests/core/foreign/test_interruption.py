"""What is raised into the job while its own code runs for us, and what that code raises by itself."""

from __future__ import annotations

import _thread
import ctypes
import functools
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from jobreporter._capture.bounds import NARROW
from jobreporter._capture.plain import plain
from jobreporter._foreign.containers import head
from jobreporter._foreign.shown import shown


class TimeLimit(Exception):  # noqa: N818 - a time limit, as queues call it
    """A time limit that derives from Exception, as RQ's does."""


class Shutdown(BaseException):
    """One that doesn't, as Dramatiq's."""


def throw_in(kind: type[BaseException]) -> object:
    """Throw into the running thread, the way that a watching thread does it; it arrives within a few instructions."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(_thread.get_ident()), ctypes.py_object(kind))
    return sum(number for number in range(1_000))


class Acting:
    """An object whose repr does something first."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __repr__(self) -> str:
        self.act()
        return "done"


def on_alarm(number: int, frame: Any) -> None:
    raise TimeLimit("30 s")


class Alarm:
    def on_alarm(self, number: int, frame: Any) -> None:
        raise TimeLimit("30 s")

    def __call__(self, number: int, frame: Any) -> None:
        raise TimeLimit("30 s")


def on_alarm_with_more(more: str, number: int, frame: Any) -> None:
    raise TimeLimit(more)


@pytest.fixture
def alarm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize(
    "handler",
    [on_alarm, Alarm().on_alarm, Alarm(), functools.partial(on_alarm_with_more, "30 s")],
    ids=["function", "method", "object", "partial"],
)
def test_a_time_limit_of_a_signal_propagates(handler: Any) -> None:
    """What a signal handler raises while an object's repr runs reaches the job."""
    signal.signal(signal.SIGALRM, handler)
    with pytest.raises(TimeLimit):
        plain(Acting(lambda: signal.raise_signal(signal.SIGALRM)))


@pytest.mark.usefixtures("alarm")
def test_an_exit_of_a_signal_propagates() -> None:
    """A handler that exits the process on SIGTERM does so also while an object's repr runs."""
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))
    with pytest.raises(SystemExit):
        plain(Acting(lambda: signal.raise_signal(signal.SIGALRM)))


@pytest.mark.parametrize("kind", [TimeLimit, Shutdown])
def test_what_is_thrown_into_the_thread_propagates(kind: type[BaseException]) -> None:
    """A time limit that another thread throws in while an object's repr runs reaches the job."""
    with pytest.raises(kind):
        plain(Acting(lambda: throw_in(kind)))


def test_what_is_thrown_into_a_waiting_frame_propagates() -> None:
    """A timeout that is thrown in where a frame waits, as into a greenlet, reaches the job; it may have arguments."""

    def waiting() -> Iterator[None]:
        yield

    def time_out() -> None:
        frame: Any = waiting()
        next(frame)
        frame.throw(Shutdown("30 s"))

    with pytest.raises(Shutdown, match="30 s"):
        plain(Acting(time_out))


def test_what_is_thrown_in_outside_of_foreign_code_propagates() -> None:
    """The same while nothing of the object's own code runs."""
    with pytest.raises(TimeLimit):
        shown(1, 10, lambda _: str(throw_in(TimeLimit)))


@pytest.mark.parametrize(
    "interrupt",
    [lambda: signal.raise_signal(signal.SIGINT), lambda: throw_in(KeyboardInterrupt)],
    ids=["signal", "thrown in"],
)
def test_keyboard_interrupt_propagates(interrupt: Callable[[], Any]) -> None:
    """Ctrl-C while an object's repr runs reaches the program."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            plain(Acting(interrupt))
    finally:
        signal.signal(signal.SIGINT, before)


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def recursing() -> None:
    recursing()


def reraising() -> None:
    try:
        raise TimeLimit
    finally:
        sys.getrefcount(None)


HOSTILE: dict[str, Callable[[], Any]] = {
    "exception": raising(ValueError("no")),
    "keyboard interrupt": raising(KeyboardInterrupt("no")),
    "own exception": raising(TimeLimit()),
    "reraised": reraising,
    "SystemExit": raising(SystemExit(1)),
    "sys.exit": lambda: sys.exit(1),
    "GeneratorExit": raising(GeneratorExit()),
    "own BaseException": raising(Shutdown()),
    "RecursionError": recursing,
    "MemoryError": raising(MemoryError()),
    "raised in C": lambda: int("x"),
}


@pytest.mark.parametrize("act", HOSTILE.values(), ids=HOSTILE)
def test_what_a_repr_raises_itself_costs_a_placeholder(act: Callable[[], Any]) -> None:
    """Whatever an object's own repr raises, the job sees nothing of it."""
    assert plain(Acting(act), NARROW) == f"<unrepresentable {Acting.__module__}.Acting>"


def test_hostile_classes_of_errors_are_not_asked() -> None:
    """An error whose class and attributes lie is judged all the same."""

    def lie(*_: object) -> Any:
        raise RuntimeError

    lying: Any = property(lie)

    class Meta(type):
        __eq__ = __hash__ = lie
        __name__ = lying

    class Lying(Exception, metaclass=Meta):  # noqa: N818 - it lies
        __class__ = __traceback__ = args = lying

    def give_in() -> str:
        throw_in(Lying)
        return "never"

    assert plain(Acting(raising(Lying()))).startswith("<unrepresentable")
    with pytest.raises(Lying):
        plain(Acting(give_in))


def test_a_time_limit_within_the_reading_of_a_container_propagates() -> None:
    """A limit of any type is not taken for what a container raises when it changes."""

    class Limit(RuntimeError):  # noqa: N818 - a time limit, as queues call it
        pass

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "c_call" and frame.f_code is head.__code__:
            sys.setprofile(None)
            raise Limit

    sys.setprofile(profile)
    try:
        with pytest.raises(Limit):
            plain({"a": 1})
    finally:
        sys.setprofile(None)
