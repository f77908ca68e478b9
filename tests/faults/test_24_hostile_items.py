"""Row 24: what is published is an object of a class that does its worst wherever it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from jobreporter import Dispatcher, Event, Failure, Job
from jobreporter._publish import ingress
from jobreporter.testing import Recorder, make_error, make_event, make_job
from tests.waiting import until


class Asked(BaseException):
    """A hostile class was asked for something."""


#: What the hostile classes were asked for.
asked: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_was_asked() -> Iterator[None]:
    asked.clear()
    yield
    assert asked == []


def trap(name: str, answer: Any = None) -> Callable[..., Any]:
    def do_its_worst(*_: Any, **__: Any) -> Any:
        asked.append(name)
        if answer is not None:
            return answer
        raise Asked(name)

    return do_its_worst


class HostileMeta(type):
    """A class of classes that answer for themselves."""

    __hash__ = trap("meta hash", 1)
    __eq__ = trap("meta eq", True)
    __instancecheck__ = trap("meta instancecheck", True)
    __subclasscheck__ = trap("meta subclasscheck", True)
    __getattribute__ = trap("meta getattribute")
    __call__ = type.__call__


NAMES = (
    "bool bytes call contains del eq float format ge getattr getattribute getitem getstate gt hash index int iter le len lt"
    " ne next reduce reduce_ex repr sizeof str trunc"
).split()


def hostile(base: type, *values: Any) -> Any:
    """A value of a class of that kind."""
    methods: dict[str, Any] = {f"__{name}__": trap(name) for name in NAMES if name != "del"}
    methods |= {"__class__": property(trap("class")), "__dict__": property(trap("dict")), "items": trap("items")}
    kind = HostileMeta("Hostile", (base,), methods)
    return base.__new__(kind, *values)  # type: ignore[arg-type]  # it is a subclass


HOSTILE: dict[str, Callable[[], Any]] = {
    "object": lambda: hostile(object),
    "text": lambda: hostile(str, "text"),
    "number": lambda: hostile(int, 7),
    "float": lambda: hostile(float, 7.5),
    "list": lambda: hostile(list),
    "tuple": lambda: hostile(tuple),
    "dict": lambda: hostile(dict),
    "error": lambda: hostile(ValueError),
}


def job_with(field: str, value: Any) -> Event:
    return make_event("success", job=replace(make_job(), **{field: value}))


def event_with(kind: str, field: str, value: Any) -> Event:
    return make_event(kind, **{field: value})


PLACES: dict[str, Callable[[Any], Any]] = {
    "the item": lambda value: value,
    "its job": lambda value: event_with("success", "job", value),
    **{f"the job's {field}": partial(job_with, field) for field in Job.__struct_fields__},
    **{
        f"{kind}'s {field}": partial(event_with, kind, field)
        for kind in ("started", "success", "aborted", "failure", "stopped")
        for field in type(make_event(kind)).__struct_fields__
        if field != "job"
    },
    "an argument": lambda value: job_with("args", (value,)),
    "deep in extra": lambda value: job_with("extra", {"a": [{"b": (value,)}]}),
    "a tag": lambda value: event_with("success", "tags", {"a": value}),
    "the error's message": lambda value: event_with("failure", "error", replace(make_error(), message=value)),
    "the error's frames": lambda value: event_with("failure", "error", replace(make_error(), frames=(value,))),
    "a frame's line": lambda value: event_with(
        "failure", "error", replace(make_error(), frames=(replace(make_error().frames[0], line=value),))
    ),
}


def published(dispatcher: Dispatcher, item: Any) -> None:
    dispatcher.publish(make_event("started", job=make_job(id="before")))
    dispatcher.publish(item)
    dispatcher.publish(make_event("started", job=make_job(id="after")))


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("place", PLACES)
def test_it_is_invalid_and_costs_nothing_else(place: str, kind: str) -> None:
    """It is counted, its neighbours are delivered, and nothing of its class is asked for anything."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    item = PLACES[place](HOSTILE[kind]())
    published(dispatcher, item)
    assert dispatcher.flush(20)
    stats = dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.handled, stats.dropped, stats.pending) == (3, 2, {"invalid": 1}, 0)
    assert [event.job.id for event in recorder.events] == ["before", "after"]
    assert dispatcher.close(20)


@pytest.mark.parametrize("kind", HOSTILE)
def test_one_that_finds_no_room_or_comes_late_is_counted(kind: str) -> None:
    """In front of a full ingress, from a reporter's own lane, and after the close: publish raises nothing and asks nothing."""
    item, recorder = HOSTILE[kind](), Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    recorder.effect = lambda call: dispatcher.publish(item) if call.hook == "handle_stopped" else None
    waiting = dispatcher._ingress
    waiting.asleep.clear()  # as if the pump were about to take what is there
    dispatcher.publish(make_event("stopped"))
    room = ingress._room.set(1)
    dispatcher.publish(item)
    ingress._room.reset(room)
    assert dispatcher.flush(20)
    assert dispatcher.close(20)
    dispatcher.publish(item)
    stats = dispatcher.stats()["recorder"]
    assert (stats.dropped, stats.pending) == ({"ingress": 1, "echo": 1, "closed": 1}, 0)
    assert [list(kinds) for kinds in stats.dropped_kinds.values()] == [["unknown"]] * 3


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()

    def __hash__(self) -> int:
        return int(trap("hash")())

    def __eq__(self, _other: object) -> bool:
        return bool(trap("eq")())

    def endswith(self, *_: object) -> bool:
        return bool(trap("endswith")())

    startswith = endswith


def test_code_with_names_of_a_hostile_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a failure's frames are called by their code and module is shown, or left out; nobody is asked."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    code = compile("raise ValueError('of the job')", "made.py", "exec")
    code = code.replace(co_filename=Text("made.py"), co_name=Text("made"), co_qualname=Text("made"))
    for name in (HOSTILE["object"](), HOSTILE["text"](), Text("made")):
        with pytest.raises(ValueError, match="of the job"), dispatcher.begin("a"):
            exec(code, {"__name__": name})
    assert dispatcher.close(20)
    stats = dispatcher.stats()["recorder"]
    assert (stats.handled, stats.dropped) == (9, {})
    frames = [event.error.frames[-1] for event in recorder.events if isinstance(event, Failure)]
    assert [(frame.filename, frame.function, frame.module) for frame in frames] == [("made.py", "made", None)] * 3


def test_a_class_that_takes_for_ever_to_answer(caplog: pytest.LogCaptureFixture) -> None:
    """It isn't asked, so nobody waits; one line says what was published."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    for _ in range(1_000):
        published(dispatcher, HOSTILE["object"]())
    assert dispatcher.close(20)
    stats = dispatcher.stats()["recorder"]
    assert (stats.handled, stats.dropped) == (2_000, {"invalid": 1_000})
    until(lambda: "no reporter got" in caplog.text, "the line")
    (line,) = [message for message in caplog.messages if "no reporter got" in message]
    assert "publish() takes one of jobreporter's five events, not Hostile" in line
