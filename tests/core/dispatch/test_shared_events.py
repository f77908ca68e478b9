"""All reporters get the same events: none can take them from the others, whatever it does to them."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from jobreporter import Dispatcher, ErrorInfo, Event, Frame, hookimpl
from jobreporter._dispatch.read_only import ReadOnlyDict, ReadOnlyList, read_only
from jobreporter.testing import Recorder, make_error, make_event, make_job

CHANGES_OF_DICTS: list[Callable[[dict[str, Any]], object]] = [
    lambda each: each.__setitem__("o", object()),
    lambda each: each.__delitem__("k"),
    lambda each: each.clear(),
    lambda each: each.pop("k"),
    lambda each: each.popitem(),
    lambda each: each.setdefault("new", object()),
    lambda each: each.update(o=object()),
    lambda each: each.__ior__({"o": object()}),
    lambda each: each.__init__({"o": object()}),
    lambda each: each.__init__(o=object()),
]
CHANGES_OF_LISTS: list[Callable[[list[Any]], object]] = [
    lambda each: each.__setitem__(0, object()),
    lambda each: each.__delitem__(0),
    lambda each: each.append(object()),
    lambda each: each.clear(),
    lambda each: each.extend([object()]),
    lambda each: each.insert(0, object()),
    lambda each: each.pop(),
    lambda each: each.remove(1),
    lambda each: each.reverse(),
    lambda each: each.sort(),
    lambda each: each.__iadd__([object()]),
    lambda each: each.__imul__(2),
    lambda each: each.__init__([object()]),
    lambda each: each.__init__(),
]


def containers(value: Any) -> Iterator[Any]:
    """Every dict and list in plain data or in a record."""
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from containers(getattr(value, field))
    elif isinstance(value, dict | list | tuple):
        if not isinstance(value, tuple):
            yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from containers(each)


def raised_beside(_local: dict[str, Any]) -> ValueError:
    """An error with a frame that has a local variable."""
    try:
        int("x")
    except ValueError as error:
        return error
    raise AssertionError


class Vandal:
    """Changes every dict and list that it is given, in every way that there is."""

    def __init__(self) -> None:
        self.refused = 0
        self.changed: list[object] = []

    def wreck(self, event: Event) -> None:
        for container in list(containers(event)):
            before = copy.deepcopy(container)
            for change in CHANGES_OF_DICTS if isinstance(container, dict) else CHANGES_OF_LISTS:
                try:
                    change(container)
                except (TypeError, KeyError):
                    self.refused += 1
            if container != before:
                self.changed.append(container)

    @hookimpl
    def handle_started(self, meta: Event) -> None:
        self.wreck(meta)

    @hookimpl
    def handle_success(self, meta: Event) -> None:
        self.wreck(meta)

    @hookimpl
    def handle_failure(self, meta: Event) -> None:
        self.wreck(meta)

    @hookimpl
    def handle_stopped(self, meta: Event) -> None:
        self.wreck(meta)


def test_a_reporter_that_changes_everything_hurts_no_neighbour() -> None:
    """The neighbour gets every event of every execution, with the data that was published."""
    vandal, neighbour = Vandal(), Recorder()
    config = {"reporters": {"vandal": {}, "neighbour": {}}, "capture": {"locals": True}}
    with Dispatcher({"vandal": vandal, "neighbour": neighbour}, config=config) as dispatcher:
        args = ({"k": [1, {"deep": []}]}, [3, [4]])
        for nth in range(3):
            execution = dispatcher.begin("a", args=args, kwargs={"k": {"n": [nth]}}, extra={"k": [1]})
            dispatcher.flush(10)  # the vandal has seen the start before the end is published
            execution.tag(customer="acme")
            if nth == 2:
                execution.fail(raised_beside({"k": [1, 2]}))
            else:
                execution.succeed()
            execution.stop()
        dispatcher.publish(
            make_event("success", job=make_job(kwargs={"k": [1]}, args=([1],), extra={}), tags={"k": "v"})
        )
        error = make_error(frames=(Frame(filename="a.py", lineno=1, function="f", locals={"k": {"n": [1]}}),))
        cause = make_error(cause=error, exceptions=(error,))
        dispatcher.publish(make_event("failure", error=cause))
        assert dispatcher.flush(10)
        stats = dispatcher.stats()["neighbour"]
    assert vandal.refused > 100
    assert vandal.changed == []
    assert (stats.handled, stats.lost) == (11, 0)
    assert [call.job.kwargs for call in neighbour.of("handle_stopped") if call.job] == [
        {"k": {"n": [nth]}} for nth in range(3)
    ]
    assert all(call.job.args == args for call in neighbour.of("handle_stopped") if call.job and call.job.name == "a")


def test_what_is_read_only_is_encoded_and_compared_like_any_other() -> None:
    """A reporter that only reads notices nothing, and what it copies it may change."""
    data = {"a": [1, {"b": "c"}], "d": ({"e": None},)}
    closed = read_only(data)
    assert (type(closed), type(closed["a"]), type(closed["d"][0])) == (ReadOnlyDict, ReadOnlyList, ReadOnlyDict)
    assert closed == data
    assert repr(closed) == repr(data)
    assert msgspec.json.encode(closed) == msgspec.json.encode(data)
    assert msgspec.msgpack.encode(closed) == msgspec.msgpack.encode(data)
    assert json.dumps(closed) == json.dumps(data)
    for copied in (pickle.loads(pickle.dumps(closed)), copy.deepcopy(closed)):  # noqa: S301 - our own data
        copied["a"].append(2)
        copied["a"][1]["f"] = 1
        assert type(copied["a"][1]) is dict
    shallow = copy.copy(closed)
    shallow["new"] = copy.copy(closed["a"])
    shallow["new"].append(5)
    assert type(closed)((name, each) for name, each in closed.items()) == data  # as `dataclasses.asdict` does
    assert type(closed["a"])(each for each in closed["a"]) == data["a"]
    assert closed == data


def test_a_change_is_refused_in_a_sentence() -> None:
    """It says what to do instead."""
    with pytest.raises(
        TypeError, match=r"events are shared by all reporters: change a copy of this dict, as in dict\(...\)"
    ):
        read_only({"a": 1})["b"] = 2
    with pytest.raises(TypeError, match="change a copy of this list"):
        read_only([1]).append(2)


def test_an_error_without_frames_stays_as_it_is() -> None:
    """Where there is nothing to close, nothing is copied."""
    scalars = (1, "a", None)
    assert read_only(scalars) is scalars
    assert ErrorInfo(type="a.B").frames == ()
