"""The doubles that tests of reporters and sources stand on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobreporter import testing
from jobreporter._plugins.hooks import Hooks, Whence
from jobreporter._plugins.plugin import load
from jobreporter.context import Context
from jobreporter.events import EVENTS, Event, Failure
from jobreporter.hookspecs import ARGUMENTS, HANDLERS
from jobreporter.options import Options
from jobreporter.testing import (
    Call,
    Crash,
    FileRecorder,
    FileRecorderOptions,
    Recorder,
    make_error,
    make_event,
    make_job,
    read_calls,
)

CONTEXT = Context(host="host", pid=1, version="0", stats=dict)


def run(hooks: Hooks, events: list[Event], options: Options) -> int:
    """Calls every hook as a lane would, and returns the last state."""
    assert hooks.start is not None
    assert hooks.flush is not None
    assert hooks.stop is not None
    state: int = hooks.start(options, CONTEXT)
    for event in events:
        state = hooks.events[type(event)](event, state)
    hooks.flush(state)
    hooks.stop(state)
    return state


ONE_OF_EACH: list[Event] = [make_event(kind) for kind in EVENTS]
ALL_HOOKS = ["reporter_start", *HANDLERS.values(), "reporter_flush", "reporter_stop"]


def test_a_recorder_records_every_call_in_order() -> None:
    """Each hook is recorded under its name, with what it was given."""
    recorder = Recorder()
    options = Options()
    assert run(load("x", recorder).start(), ONE_OF_EACH, options) == 5
    assert recorder.names() == ALL_HOOKS
    assert recorder.events == ONE_OF_EACH
    assert recorder.calls[0] == Call(hook="reporter_start", options=options, context=CONTEXT)
    assert [call.state for call in recorder.calls] == [None, 0, 1, 2, 3, 4, 5, 5]
    assert {call.pid for call in recorder.calls} == {os.getpid()}


def test_a_recorder_keeps_all_arguments_of_a_hook() -> None:
    """What a hook offers is in its call, and nothing else."""
    recorder = Recorder()
    run(load("x", recorder).start(Whence(CONTEXT.origin)), ONE_OF_EACH, Options())
    for call in recorder.calls:
        given = {name for name in Call.__struct_fields__ if getattr(call, name) is not None} - {"hook", "pid"}
        assert given == set(ARGUMENTS[call.hook])
    [failure] = recorder.of("handle_failure")
    assert isinstance(failure.meta, Failure)
    assert (failure.job, failure.error) == (failure.meta.job, failure.meta.error)
    assert failure.stacktrace == failure.meta.error.frames


def test_a_recorder_crashes_where_it_is_told_to() -> None:
    """A call is recorded before it crashes, and the set may be changed at any time."""
    recorder = Recorder(crash_on={"handle_failure"})
    handle = load("x", recorder).start().events[Failure]
    failure = make_event(Failure)
    with pytest.raises(Crash, match="handle_failure was told to crash"):
        handle(failure, 0)
    recorder.crash_on.clear()
    assert handle(failure, 0) == 1
    assert recorder.names() == ["handle_failure", "handle_failure"]


def test_a_recorder_refuses_to_crash_on_no_hook() -> None:
    """A misspelt hook would make a test that can't fail."""
    with pytest.raises(ValueError, match="crash_on names 'handle_failed', but the hooks are reporter_start, handle_st"):
        Recorder(crash_on={"handle_failed"})


def test_the_effect_of_a_recorder_sees_each_call_once_it_is_recorded() -> None:
    """An effect may look at what was recorded, and may raise."""
    seen: list[tuple[str, int]] = []

    def effect(call: Call) -> None:
        seen.append((call.hook, len(recorder.calls)))
        if call.hook == "reporter_flush":
            raise OSError("disk full")

    recorder = Recorder(effect=effect)
    with pytest.raises(OSError, match="disk full"):
        run(load("x", recorder).start(), ONE_OF_EACH[:1], Options())
    assert seen == [("reporter_start", 1), ("handle_started", 2), ("reporter_flush", 3)]


def test_a_file_recorder_writes_what_can_be_read_again(tmp_path: Path) -> None:
    """Through its file come the same calls, with equal events."""
    path = tmp_path / "calls.jsonl"
    failure = make_event(Failure, error=make_error(cause=make_error("shop.errors.Declined", "no funds\n\x00é")))
    events = [*ONE_OF_EACH, failure]
    run(load("x", FileRecorder).start(), events, FileRecorderOptions(path=str(path)))
    calls = read_calls(path)
    assert [call.hook for call in calls] == [*ALL_HOOKS[:6], "handle_failure", *ALL_HOOKS[6:]]
    assert [call.meta for call in calls if call.meta is not None] == events
    assert [call.state for call in calls] == [None, 0, 1, 2, 3, 4, 5, 6, 6]
    assert {call.pid for call in calls} == {os.getpid()}
    last = calls[6]
    assert (last.job, last.error, last.stacktrace) == (failure.job, failure.error, failure.error.frames)
    assert calls[1].job == ONE_OF_EACH[0].job


def test_a_file_recorder_writes_one_line_a_call(tmp_path: Path) -> None:
    """Anything that reads JSON lines can read the file; an event's kind is its field ``event``."""
    path = tmp_path / "calls.jsonl"
    run(load("x", FileRecorder).start(), ONE_OF_EACH, FileRecorderOptions(path=str(path)))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] and line["event"]["event"] for line in lines] == [
        None, "started", "success", "aborted", "failure", "stopped", None, None,
    ]  # fmt: skip
    assert all(line.keys() == {"hook", "pid", "state", "event"} for line in lines)


WRITER = """
import sys
from jobreporter import Started
from jobreporter.testing import FileRecorder, FileRecorderOptions, make_event, make_job

recorder = FileRecorder()
recorder.reporter_start(FileRecorderOptions(path=sys.argv[1]))
large = make_event(Started, job=make_job(kwargs={"body": "x" * 100_000}))
print("ready", flush=True)
sys.stdin.readline()
for count in range(50):
    recorder.handle_started(large, count)
"""


def test_several_processes_may_share_a_file(tmp_path: Path) -> None:
    """Large lines of processes that write at the same time don't mix, and each says where it comes from."""
    path = tmp_path / "calls.jsonl"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=30)
        assert writer.returncode == 0
    calls = read_calls(path)
    for writer in writers:
        assert [call.state for call in calls if call.pid == writer.pid] == [None, *range(50)]
    assert len(calls) == 102


def test_a_file_that_is_not_there_yet_has_no_calls(tmp_path: Path) -> None:
    """Whoever waits for calls may read before the first arrives."""
    assert read_calls(tmp_path / "calls.jsonl") == []


def test_a_line_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    """A reader sees whole calls only."""
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"hook":"reporter_stop","pid":1,"state":3,"event":null}\n{"hook":"repor')
    assert read_calls(path) == [Call(hook="reporter_stop", pid=1, state=3)]
    path.write_bytes(b'{"hook":"repor')
    assert read_calls(path) == []


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_can_be_made_by_name_or_by_class(kind: type[Event]) -> None:
    """Both ways make the same event, with what that kind requires."""
    by_name = make_event(kind.__name__.lower())
    assert type(by_name) is kind
    assert by_name == make_event(kind)
    assert by_name.at == 1_700_000_000.0


def test_the_fields_of_an_event_can_be_named() -> None:
    """What is named replaces the default; what doesn't exist is an error."""
    job = make_job(name="shop.pay")
    failure = make_event(Failure, job=job, at=5.0, will_retry=True, duration=None)
    assert (failure.job, failure.at, failure.will_retry, failure.duration) == (job, 5.0, True, None)
    with pytest.raises(TypeError, match="Unexpected keyword argument 'colour'"):
        make_event("started", colour="red")
    with pytest.raises(ValueError, match="'failed' is no kind of event: the kinds are started, success, aborted, fail"):
        make_event("failed")


def test_a_job_has_one_execution_id_per_attempt() -> None:
    """Two attempts at one job differ in their execution."""
    assert make_job().execution_id == "job-1/1"
    assert make_job(id="a", attempt=2).execution_id == "a/2"
    assert make_job(execution_id="mine").execution_id == "mine"
    assert make_job(queue=None).queue is None


def test_an_error_knows_its_bases() -> None:
    """A builtin type has its real bases, any other those of an exception."""
    assert make_error("builtins.KeyError").mro == (
        "builtins.KeyError",
        "builtins.LookupError",
        "builtins.Exception",
        "builtins.BaseException",
        "builtins.object",
    )
    declined = make_error("shop.errors.Declined", "no funds")
    assert declined.mro[:2] == ("shop.errors.Declined", "builtins.Exception")
    assert declined.frames[0].line == "raise Declined('no funds')"
    assert make_error(mro=("a.B",), frames=()).mro == ("a.B",)


def test_everything_public_has_a_docstring() -> None:
    """Outside authors read these first."""
    assert all(getattr(testing, name).__doc__ for name in testing.__all__)
