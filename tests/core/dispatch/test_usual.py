"""Most events are taken in with one look: what that says is what a closer look would say."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jobreporter import Event, Job
from jobreporter._dispatch.read_only import ReadOnlyDict
from jobreporter._dispatch.usual import NOTHING, take_usual
from jobreporter._dispatch.weight import EVENT, JOB, NO_JOB, Scales
from jobreporter.events import EventKind
from jobreporter.testing import make_event, make_job

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(SCALARS | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
USUAL_KINDS: list[EventKind] = ["started", "success", "stopped"]

JOBS = st.fixed_dictionaries(
    {}, optional={name: ANYTHING | st.tuples(SCALARS, SCALARS) for name in Job.__struct_fields__}
).map(lambda fields: replace(make_job(), **fields))


class Foreign(str):
    """A text of somebody else's class, which may answer anything."""

    __slots__ = ()

    def isascii(self) -> bool:
        raise AssertionError("it was asked")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("it was asked")

    __hash__ = str.__hash__


ODD = [object(), Foreign("success"), "\ud800", math.nan, math.inf, -math.inf, 2**70, [1], {"a": 1}, b"x"]


def taken(event: Event, scales: Scales | None = None) -> int | None:
    """What the event weighs if it is taken for usual, else ``None``."""
    events: list[Event] = []
    weight, item = take_usual(iter([event]), scales or Scales(), events)
    if item is NOTHING:
        assert events == [event]
        return weight
    assert (item, events, weight) == (event, [], 0)
    return None


def closely(event: Event) -> int | None:
    """What a closer look says of its weight; ``None`` if it refuses the event."""
    try:
        return Scales().weigh(event)
    except TypeError:
        return None


@st.composite
def events_of(draw: st.DrawFn, job: st.SearchStrategy[Job]) -> Event:
    """An event with anything in some of its fields."""
    event = make_event(draw(st.sampled_from(get_args(EventKind))), job=draw(job))
    own = [name for name in event.__struct_fields__ if name != "job"]
    return replace(event, **draw(st.fixed_dictionaries({}, optional=dict.fromkeys(own, ANYTHING))))


@given(events_of(JOBS), st.sampled_from(["reports.nightly", "été"]))
def test_one_look_says_what_a_closer_one_would(event: Event, name: str) -> None:
    """Of any event: one that is taken for usual is right, has the same weight, and nothing in it can be changed."""
    scales = Scales()
    scales.put(make_job(name=name), 1)
    weight = taken(event, scales)
    if weight is None:
        return
    job = event.job
    assert closely(replace(event, job=replace(job))) == weight
    assert not isinstance(job.args, list)
    assert type(job.kwargs) is type(job.extra) is ReadOnlyDict
    assert type(getattr(event, "tags", job.extra)) is ReadOnlyDict


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(get_args(EventKind))), max_size=30))
def test_however_events_follow_each_other_they_weigh_the_same(drawn: list[tuple[int, EventKind]]) -> None:
    """Usual or not, of one job after the other or of several side by side."""
    jobs = [make_job(args=("x" * 10,)), make_job(kwargs={"a": "b"}), make_job(args=(1, (2,))), make_job(name="été")]
    events = [make_event(kind, job=jobs[number]) for number, kind in drawn]
    scales, got, total = Scales(), list[Event](), 0
    items = iter(events)
    while (step := take_usual(items, scales, got))[1] is not NOTHING:
        got.append(step[1])
        total += step[0] + scales.weigh(step[1])
    assert (got, total + step[0]) == (events, sum(Scales().weigh(event) for event in events))


@pytest.mark.parametrize("field", Job.__struct_fields__)
@pytest.mark.parametrize("value", ODD)
def test_a_job_out_of_the_ordinary_is_looked_at_closely(field: str, value: Any) -> None:
    """In every field, and nothing is asked of a foreign class."""
    if field in ("kwargs", "extra") and type(value) is dict:
        return  # which is what they are
    for kind in USUAL_KINDS:
        assert taken(make_event(kind, job=replace(make_job(), **{field: value}))) is None


@pytest.mark.parametrize("value", [*ODD, "été", 10**12, 1.5, (1, [2, {"a": None}])])
def test_what_a_job_was_given_is_plain_or_looked_at_closely(value: Any) -> None:
    """Plain data is weighed, and closed to changes, whatever else is odd about it."""
    for contents in ({"args": (1, value)}, {"kwargs": {"a": value}}, {"extra": {"a": value}}):
        job = make_job(**contents)
        weight = taken(make_event("started", job=job))
        assert weight == closely(make_event("started", job=make_job(**contents)))
        if weight is not None:
            frozen = [*job.args, *job.kwargs.values(), *job.extra.values()]
            assert not {list, dict} & {type(each) for each in frozen}
            assert type(job.kwargs) is type(job.extra) is ReadOnlyDict


@pytest.mark.parametrize("kind", USUAL_KINDS)
@pytest.mark.parametrize("value", ODD)
def test_an_event_out_of_the_ordinary_is_looked_at_closely(kind: EventKind, value: Any) -> None:
    """Likewise in every field of its own; and its job may be none."""
    event = make_event(kind)
    assert taken(event) is not None
    for field in event.__struct_fields__:
        assert taken(replace(event, **{field: value})) is None


@pytest.mark.parametrize("item", [None, object(), NO_JOB, "started", Foreign("started")])
def test_what_is_no_event_is_none_of_its_business(item: Any) -> None:
    """It comes back, with what follows it left where it is."""
    following = make_event("started")
    items = iter([item, following])
    assert take_usual(items, Scales(), [])[1] is item
    assert next(items) is following


def test_a_usual_job() -> None:
    """Numbers and short texts, and no other arguments: the texts count."""
    job = make_job(args=(1, "four", 2.5, None, True), enqueued_at=1.5, max_attempts=3, queue="low")
    assert taken(make_event("started", job=job)) == EVENT + JOB + 4


def test_jobs_side_by_side_are_weighed_once() -> None:
    """Whichever is on the scales: the others are remembered for as long as they may go on."""
    scales = Scales()
    first, second, third = (make_job(id=name) for name in "abc")
    take_usual(iter([make_event("started", job=job) for job in (first, second, third)]), scales, [])
    assert [job for job, _ in scales.weights.values()] == [first, second]
    scales.remember(first, 12_345)
    assert taken(make_event("success", job=first), scales) == 12_345
    take_usual(iter([make_event("stopped", job=job) for job in (second, first)]), scales, [])
    scales.put_on(make_job(id="d"))
    assert [job for job, _ in scales.weights.values()] == [first, second, third], "only what wasn't there is new"


def test_a_job_that_is_over_is_not_remembered() -> None:
    """Nothing more is likely to come of it, and it may be large."""
    scales = Scales()
    for name in "ab":
        job = make_job(id=name)
        take_usual(iter([make_event(kind, job=job) for kind in USUAL_KINDS]), scales, [])
    scales.put_on(make_job(id="c"))
    assert scales.weights == {}


def test_a_job_that_is_refused_leaves_no_weight() -> None:
    """The next event of the job before weighs what it did."""
    scales = Scales()
    first = make_job(args=("x" * 1000,))
    weight = scales.weigh(make_event("started", job=first))
    with pytest.raises(TypeError):
        scales.weigh(make_event("started", job=replace(make_job(), attempt="1")))
    assert scales.weigh(make_event("stopped", job=first)) == weight
