"""Of an exception that waits to be reported, nothing of the job stays behind."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from types import CodeType, TracebackType
from typing import Any

import msgspec
import pytest

from jobreporter._capture.errors import capture_error
from jobreporter._capture.raw_error import RawError
from jobreporter._capture.redaction import Redaction


class Big:
    """Something that a job works with."""

    def __init__(self) -> None:
        self.data = bytearray(1024 * 1024)


def failing(gone: list[weakref.ref[Any]]) -> None:
    big = Big()
    gone.append(weakref.ref(big))
    try:
        raise ValueError(big)  # noqa: TRY301 - as jobs do
    except ValueError:
        raise KeyError("x") from ExceptionGroup("g", [OSError("o")])


def captured(gone: list[weakref.ref[Any]], **options: Any) -> RawError:
    try:
        failing(gone)
    except KeyError as error:
        return capture_error(error, **options)
    raise AssertionError("it should have raised")


@pytest.mark.parametrize("options", [{}, {"locals": True}, {"secrets": ("hunter2",)}])
def test_nothing_of_the_job_is_kept_alive(options: Any) -> None:
    """After the first step the job's objects, and its exceptions' frames, are free at once."""
    gone: list[weakref.ref[Any]] = []
    gc.collect()
    gc.disable()
    try:
        raw = captured(gone, **options)
        assert [reference() for reference in gone] == [None]
    finally:
        gc.enable()
    found = refers_to(raw)
    assert not any(isinstance(each, (BaseException, TracebackType)) for each in found)
    assert not any(type(each).__name__ == "frame" for each in found)


def refers_to(root: Any) -> list[Any]:
    """Everything that an object refers to; of a class and of code, what they define is not the job's."""
    found, waiting = [], [root]
    while waiting:
        each = waiting.pop()
        found.append(each)
        if isinstance(each, msgspec.Struct):
            waiting += msgspec.structs.astuple(each)
        elif isinstance(each, (list, tuple)):
            waiting += each
        elif isinstance(each, dict):
            waiting += [*each, *each.values()]
        else:
            assert isinstance(each, (type, CodeType, str, int, Redaction, type(None)))
    return found


def test_ten_thousand_failures_take_little_memory() -> None:
    """Failures with 1 MiB of locals each, waiting to be reported, take a few kilobytes each."""
    gone: list[weakref.ref[Any]] = []
    captured(gone)
    tracemalloc.start()
    try:
        waiting = [captured(gone) for _ in range(10_000)]
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(waiting) == 10_000
    assert size < 60 * 1024 * 1024
    assert not any(reference() for reference in gone)
