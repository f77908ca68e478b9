"""Row 17: a job whose data is hostile to whoever prints it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter.reporters.log import LogReporter
from jobreporter.testing import Recorder

LONGEST = 2_000


class Declined(Exception):  # noqa: N818 - it says what happens
    """What the job raises."""


class Raising:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__


def recursive() -> dict[str, Any]:
    data: dict[str, Any] = {}
    data["itself"] = [data]
    return data


def nested(levels: int) -> list[Any]:
    data: list[Any] = []
    for _ in range(levels):
        data = [data]
    return data


def endless() -> list[Any]:
    """A text that would fill a disk: little data, of which each part stands in many places."""
    data: list[Any] = ["x" * 1_000]
    for _ in range(6):
        data = [data] * 60
    return data


HOSTILE: dict[str, Callable[[], Any]] = {
    "newlines": lambda: "one\ntwo\r\nthree\u2028four\x85five",
    "escapes": lambda: "\x1b[31mred\x1b]0;title\x07 \x00 \x9b31m",
    "directions": lambda: "\u202eright to left\u2066",
    "html": lambda: "<script>alert(1)</script>",
    "formats": lambda: "%s %(name)s {0} {name!r}",
    "10 MB of text": lambda: "x" * 10_000_000,
    "10 MB of bytes": lambda: b"\xff" * 10_000_000,
    "a million items": lambda: list(range(1_000_000)),
    "a number of a million digits": lambda: 1 << 3_000_000,
    "a raising repr": Raising,
    "a dict in itself": recursive,
    "ten thousand levels": lambda: nested(10_000),
    "half a character": lambda: "\ud800 and \udfff",
    "lists of lists without end": endless,
    "an error about these": lambda: ValueError(endless()),
}


def jobs(hostile: Any, dispatcher: Dispatcher) -> None:
    """Put it wherever a job can put something."""
    text = hostile if isinstance(hostile, str) else repr(type(hostile))
    with pytest.raises(Declined), dispatcher.begin(text, args=(hostile,), kwargs={"a": hostile}, queue=text):
        raise Declined(hostile)
    execution = dispatcher.begin("a", extra={"x": hostile})
    execution.tag(customer=hostile)
    execution.abort(hostile)
    execution.stop()


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_each_record_is_one_harmless_line(
    make: Callable[[], Any], format: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Every event is delivered and makes one line, bounded and free of control characters, in a bounded time."""
    caplog.set_level(logging.DEBUG)
    recorder = Recorder()
    config = {"reporters": {"log": {"format": format, "max_length": LONGEST}}}
    hostile = make()
    with Dispatcher({"log": LogReporter, "recorder": recorder}, config=config) as dispatcher:
        start = time.thread_time()
        jobs(hostile, dispatcher)
        assert time.thread_time() - start < 0.5, "what the job's own thread spent on it"
        assert dispatcher.flush(20)
        assert (dispatcher.stats()["log"].handled, dispatcher.stats()["log"].failed) == (6, 0)
    lines = [record.getMessage() for record in caplog.records if record.name == "jobreporter.events"]
    assert len(lines) == len(recorder.events) == 6
    for line in lines:
        assert len(line) <= LONGEST
        assert line.isprintable()
        line.encode()
        if format == "json":
            assert json.loads(line)


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_what_a_reporter_raises_is_one_harmless_line_too(
    make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """jobreporter's own line about a reporter that raises is bounded and escaped, whatever its error says."""
    hostile = make()

    def crash(_call: object) -> None:
        raise ValueError(hostile)

    with Dispatcher({"recorder": Recorder(effect=crash)}) as dispatcher, dispatcher.begin("a"):
        pass
    own = [record.getMessage() for record in caplog.records if record.name == "jobreporter"]
    assert own
    assert all(len(line) <= 2 * LONGEST and line.isprintable() for line in own)
