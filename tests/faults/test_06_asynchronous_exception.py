"""Row 6: an exception that is thrown into the job's thread, as a time limit is, at any instruction of jobreporter's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextvars import copy_context

import pytest

from jobreporter import Dispatcher, Execution
from jobreporter._system import threads
from jobreporter.testing import Recorder, make_event, make_job
from tests.waiting import until

from .interrupting import every_instruction, interrupt, numbered


class TimeLimit(Exception):  # noqa: N818 - a time limit, as queues call it
    """Derives from Exception, as RQ's does."""


class Shutdown(BaseException):
    """Doesn't, as Dramatiq's."""


def thrown(kind: type[BaseException], call: Callable[[], object], number: int) -> bool:
    """Throw into the call before that instruction: the very same exception must come out of it."""
    limit = kind("thrown")

    def throw() -> None:
        raise limit

    try:
        return interrupt(call, number, throw)
    except kind as error:
        caught = error
    assert caught is limit
    return True


def holds_nothing(dispatcher: Dispatcher, recorder: Recorder) -> None:
    """Whatever was thrown into it before, a dispatcher takes the next event and hands it out."""
    dispatcher.publish(make_event("success", job=make_job(id="after")))
    assert dispatcher.flush(20)
    assert recorder.events[-1].job.id == "after"


def ledger_is_closed(dispatcher: Dispatcher, recorder: Recorder) -> None:
    """What was accepted is what the recorder wrote down."""
    assert dispatcher.close(20)
    stats = dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.dropped, stats.pending) == (len(recorder.events), {}, 0)


@pytest.mark.parametrize("pump", ["awake", "asleep"])
@pytest.mark.parametrize("kind", [TimeLimit, Shutdown])
def test_every_instruction_of_publish(kind: type[BaseException], pump: str) -> None:
    """It propagates as it is; the event was accepted or it wasn't, and the next one arrives."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    holds_nothing(dispatcher, recorder)
    ids = numbered("job")

    def attempt(number: int) -> bool:
        if pump == "asleep":
            dispatcher.flush(20)  # a publisher that was thrown out just before it rang has left the pump to sleep out
            until(lambda: dispatcher._ingress.asleep and dispatcher._ingress.wakeup.unset())
        event = make_event("started", job=make_job(id=next(ids)))
        return thrown(kind, lambda: dispatcher.publish(event), number)

    instructions = every_instruction(attempt)
    assert instructions >= 15
    holds_nothing(dispatcher, recorder)
    delivered = Counter(event.job.id for event in recorder.events)
    assert delivered.pop("after") == 2
    assert set(delivered.values()) == {1}
    assert 0 < len(delivered) <= instructions, "some were thrown out before the append, and some after"
    ledger_is_closed(dispatcher, recorder)


def test_every_instruction_of_the_first_publish() -> None:
    """The same where publish starts the threads: an event later, they run."""

    def attempt(number: int) -> bool:
        recorder = Recorder()
        dispatcher = Dispatcher({"recorder": recorder})
        acted = thrown(TimeLimit, lambda: dispatcher.publish(make_event("started")), number)
        holds_nothing(dispatcher, recorder)
        ledger_is_closed(dispatcher, recorder)
        return acted

    assert every_instruction(attempt) >= 50


def test_every_instruction_of_a_threads_start() -> None:
    """Nothing is left of one that was about to start, whether it did or not."""
    others = {*threads.STARTING}

    def attempt(number: int) -> bool:
        acted = thrown(TimeLimit, lambda: threads.start(lambda: None, "own", lambda _error: None), number)
        until(lambda: others.issuperset(threads.STARTING), "nothing that is about to start")
        return acted

    assert every_instruction(attempt) >= 10


def test_every_instruction_of_an_execution() -> None:
    """Whichever of begin, succeed and stop is hit, an execution starts at most once and ends at most once."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    holds_nothing(dispatcher, recorder)
    ids = numbered("job")

    def attempt(number: int) -> bool:
        job_id = next(ids)

        def work() -> None:
            execution = dispatcher.begin("a", id=job_id, args=(1, "x"), kwargs={"token": "t", "n": [2]})
            execution.tag(customer="acme")
            execution.succeed()
            execution.stop()

        return thrown(TimeLimit, work, number)

    instructions = every_instruction(attempt)
    assert instructions >= 500
    holds_nothing(dispatcher, recorder)
    hooks: dict[str, list[str]] = {}
    for call in recorder.calls:
        if call.job is not None and call.job.id != "after":
            hooks.setdefault(call.job.id, []).append(call.hook)
    started, whole = ["handle_started"], ["handle_started", "handle_success", "handle_stopped"]
    assert all(seen in (started, whole) for seen in hooks.values()), "both of the ending, or none"
    assert started in hooks.values()
    assert whole in hooks.values()
    ledger_is_closed(dispatcher, recorder)


def test_what_comes_after_an_interrupted_end_belongs_to_no_job() -> None:
    """Thrown in while the end is noted or published, a limit leaves no execution current."""
    dispatcher = Dispatcher({"recorder": Recorder()})

    def attempt(number: int) -> bool:
        execution = dispatcher.begin("a", id="job").enter()
        acted = thrown(TimeLimit, execution.stop, number)
        assert number == 0 or Execution.current() is None
        execution.stop()
        assert Execution.current() is None
        return acted

    assert every_instruction(attempt) >= 60
    assert dispatcher.close(20)


def test_every_instruction_of_a_with_block() -> None:
    """Thrown in while a block's failure is captured, the limit is what the job raises, and nothing lingers after it."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    holds_nothing(dispatcher, recorder)
    ids = numbered("job")

    def attempt(number: int) -> bool:
        def work() -> None:
            with pytest.raises(ValueError, match="of the job"), dispatcher.begin("a", id=next(ids)):
                raise ValueError("of the job")

        acted = thrown(TimeLimit, work, number)
        with dispatcher.begin("next", id=f"next-{number}"):
            assert Execution.current() is not None
        return acted

    # Python may throw just before a block's end is called, too: then the execution stays current, in this context.
    assert copy_context().run(every_instruction, attempt) >= 300
    holds_nothing(dispatcher, recorder)
    ended = Counter(event.job.id for event in recorder.events if type(event).__name__ == "Stopped")
    assert set(ended.values()) == {1}
    ledger_is_closed(dispatcher, recorder)
