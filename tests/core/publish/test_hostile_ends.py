"""However hostile what a job raises is: it propagates as it is, and the execution ends."""

from __future__ import annotations

import signal
from typing import Any, NoReturn

import pytest

from jobreporter import Abort, Aborted, Dispatcher, Event, Failure, Success
from jobreporter._publish import execution as execution_module
from jobreporter._publish.execution import LONGEST_NAME, LONGEST_TEXT, MOST_TAGS
from jobreporter.testing import Recorder


class EvilError(Exception):
    """Raised by everything that should not be asked."""


def refuse(*_args: object) -> NoReturn:
    raise EvilError


def fail_with(error: BaseException) -> NoReturn:
    raise error


class Code:
    """The code of a SystemExit that can't be compared, tested or hashed."""

    __eq__ = __ne__ = __bool__ = __hash__ = __int__ = __index__ = refuse  # type: ignore[assignment]


class CodeOfAnInteger(int):
    __eq__ = __ne__ = __bool__ = __hash__ = refuse  # type: ignore[assignment]


class FalseClassError(Exception):
    """Claims another class, and fails to say which."""

    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise EvilError


class UnreadableAbort(Abort):
    """Has no reason that could be read."""

    def __init__(self) -> None:
        Exception.__init__(self)

    @property
    def reason(self) -> str:  # type: ignore[override]
        raise EvilError


class BareAbort(Abort):
    """Calls no other ``__init__``."""

    def __init__(self) -> None:
        pass


class BareSkip(BareAbort):
    """Says why in its class."""

    reason = "skipped"
    will_retry = False


class OwnCode(SystemExit):
    """Overrides the code itself."""

    @property
    def code(self) -> Any:  # type: ignore[override]
        raise EvilError


class OddRetry(Abort):
    """Says something that is neither yes nor no."""

    def __init__(self) -> None:
        super().__init__("skipped", will_retry=Code())  # type: ignore[arg-type]


class EvilMeta(type):
    """A class of exceptions whose own class can't be asked anything."""

    def __instancecheck__(cls, _instance: object) -> bool:
        raise EvilError

    __eq__ = __hash__ = refuse  # type: ignore[assignment]


class OfEvilClassError(Exception, metaclass=EvilMeta):
    """An instance of it."""


def outcome(dispatcher: Dispatcher, recorder: Recorder) -> Event:
    """The one outcome of the one execution, which has ended."""
    assert dispatcher.flush(10)
    hooks = [call.hook for call in recorder.calls if call.hook.startswith("handle_")]
    assert (hooks[0], hooks[-1], len(hooks)) == ("handle_started", "handle_stopped", 3)
    return recorder.events[1]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SystemExit(Code()), Aborted),
        (SystemExit(CodeOfAnInteger(0)), Success),
        (SystemExit(CodeOfAnInteger(3)), Aborted),
        (SystemExit(False), Success),
        (OwnCode(0), Success),
        (FalseClassError("x"), Failure),
        (OfEvilClassError("x"), Failure),
        (KeyboardInterrupt(Code()), Aborted),
        (ExceptionGroup("group", [FalseClassError("x"), OfEvilClassError("y")]), Failure),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.__name__,
)
def test_what_a_job_raises_is_what_its_caller_sees(
    dispatcher: Dispatcher, recorder: Recorder, error: BaseException, kind: type[Event]
) -> None:
    """Neither its class nor its parts are asked whether they equal anything."""
    seen = None
    try:
        with dispatcher.begin("a"):
            fail_with(error)
    except BaseException as raised:
        seen = raised
    assert seen is error
    assert type(outcome(dispatcher, recorder)) is kind


@pytest.mark.parametrize("error", [UnreadableAbort, OddRetry])
def test_an_abort_that_can_not_be_read_is_one_all_the_same(
    dispatcher: Dispatcher, recorder: Recorder, error: type[Abort]
) -> None:
    """It does not propagate, as no abort does, and the execution ends."""
    with dispatcher.begin("a"):
        raise error
    assert type(outcome(dispatcher, recorder)) in (Aborted, Failure)


@pytest.mark.parametrize(("error", "said"), [(BareAbort, ("unknown", None)), (BareSkip, ("skipped", False))])
def test_an_abort_of_a_class_of_the_programs_own_is_one(
    dispatcher: Dispatcher, recorder: Recorder, error: type[Abort], said: tuple[str, bool | None]
) -> None:
    """Also where its ``__init__`` calls no other: what it doesn't say is not known."""
    with dispatcher.begin("a"):
        raise error
    found = outcome(dispatcher, recorder)
    assert isinstance(found, Aborted)
    assert (found.reason, found.will_retry) == said


def test_what_a_source_takes_for_an_error_is_not_asked_for_its_class(
    dispatcher: Dispatcher, recorder: Recorder
) -> None:
    """A proxy that is bound to nothing raises there, as werkzeug's does."""
    unbound = type("Unbound", (), {"__class__": property(refuse), "__repr__": lambda _: "unbound"})()
    with dispatcher.begin("job", strict=False) as execution:
        execution.fail(unbound)
    failure = outcome(dispatcher, recorder)
    assert isinstance(failure, Failure)
    assert (failure.error.type.rpartition(".")[2], failure.error.message) == ("Unbound", "unbound")


def test_a_kind_of_failure_is_not_asked_whether_it_equals_one(dispatcher: Dispatcher, recorder: Recorder) -> None:
    """An array, say, has no truth; what a source was told from outside is left out."""
    running = dispatcher.begin("a", strict=False)
    with running:
        running.fail(ValueError("x"), kind=Code())  # type: ignore[arg-type]
    found = outcome(dispatcher, recorder)
    assert isinstance(found, Failure)
    assert found.kind == "exception"


def test_an_error_that_raises_a_keyboard_interrupt_when_it_is_asked_is_no_ctrl_c(
    dispatcher: Dispatcher, recorder: Recorder
) -> None:
    """What a job raised propagates, also where the ``raise`` of a ``KeyboardInterrupt`` stands in its own class."""

    class Interrupting(Exception):  # noqa: N818 - it has no name of its own
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(Interrupting), dispatcher.begin("a"):
        raise Interrupting
    assert isinstance(outcome(dispatcher, recorder), Failure)


def test_a_capture_that_fails_leaves_an_outcome(
    dispatcher: Dispatcher, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should looking at an error ever fail, the failure is reported by its class alone."""
    running = dispatcher.begin("a")
    monkeypatch.setattr(running, "_capture_error", refuse)
    with pytest.raises(KeyError), running:
        raise KeyError("x")
    found = outcome(dispatcher, recorder)
    assert isinstance(found, Failure)
    assert (found.error.type, found.error.message) == ("builtins.KeyError", execution_module.NOT_CAPTURED)


def test_an_interruption_of_the_note_is_the_jobs(
    dispatcher: Dispatcher, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time limit that lands while the outcome is noted propagates, and the execution ends with it."""

    def interrupted(*_args: object) -> None:
        signal.default_int_handler(signal.SIGINT, None)

    running = dispatcher.begin("a")
    monkeypatch.setattr(running, "_capture_error", interrupted)
    with pytest.raises(KeyboardInterrupt), running:
        raise KeyError("x")
    assert type(outcome(dispatcher, recorder)) is Aborted


def test_tags_have_bounds_and_a_weight() -> None:
    """Fifty names at most, each and its value cut; and what they take counts against the lane's room in bytes."""
    recorder = Recorder()
    with Dispatcher({"recorder": recorder}) as dispatcher:
        with dispatcher.begin("a") as running:
            for number in range(2_000):
                running.tag(**{f"name{number}" + "x" * 1_000: "y" * 100_000})
            running.tag(**{"name0" + "x" * 1_000: "changed"})
        dispatcher.flush(10)
    [success] = [event for event in recorder.events if isinstance(event, Success)]
    assert len(success.tags) == MOST_TAGS
    assert all(len(name) <= LONGEST_NAME + 30 and len(tag) <= LONGEST_TEXT + 30 for name, tag in success.tags.items())
    assert next(iter(success.tags.values())) == "changed"


def test_tags_fill_a_lane_like_other_data() -> None:
    """Of a flood of tagged events, what exceeds ``capacity_bytes`` is dropped and counted."""
    recorder = Recorder(effect=lambda call: release.wait(10) if call.hook == "handle_started" else None)
    import threading

    release = threading.Event()
    config = {"reporters": {"recorder": {"lane": {"capacity_bytes": "1MB"}}}}
    with Dispatcher({"recorder": recorder}, config=config) as dispatcher:
        for _ in range(500):
            with dispatcher.begin("a") as running:
                running.tag(**{f"name{number}": "y" * 500 for number in range(50)})
        until_settled(dispatcher)
        stats = dispatcher.stats()["recorder"]
        assert stats.dropped["capacity"] + stats.pending == 1_500
        assert stats.pending < 150, "a thousand events of jobs without tags would find room"
        release.set()


def until_settled(dispatcher: Dispatcher) -> None:
    from tests.waiting import until

    until(lambda: not dispatcher._ingress.items, "the pump has taken all")
