"""Most jobs are taken in with one look: what that says is what a closer look would say."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jobreporter import Job
from jobreporter._dispatch.read_only import ReadOnlyDict
from jobreporter._dispatch.usual import UNUSUAL, usual_size
from jobreporter._dispatch.weight import EVENT, JOB, Scales
from jobreporter.testing import make_event, make_job

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(SCALARS | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


class Foreign(str):
    """A text of somebody else's class, which may answer anything."""

    __slots__ = ()

    def isascii(self) -> bool:
        raise AssertionError("it was asked")


def closely(job: Job) -> int | None:
    """What a closer look says of its weight; ``None`` if it refuses the job."""
    try:
        return Scales()._look_closely(job)
    except TypeError:
        return None


@given(
    st.fixed_dictionaries({}, optional={name: ANYTHING | st.tuples(SCALARS, SCALARS) for name in Job.__struct_fields__})
)
def test_one_look_says_what_a_closer_one_would(fields: dict[str, Any]) -> None:
    """Of any job: one that is taken for usual is right, has the same weight, and nothing in it can be changed."""
    job = replace(make_job(), **fields)
    size = usual_size(job)
    if size == UNUSUAL:
        return
    assert closely(replace(job)) == EVENT + JOB + size
    assert not isinstance(job.args, list)
    assert type(job.kwargs) is type(job.extra) is ReadOnlyDict


@pytest.mark.parametrize("field", Job.__struct_fields__)
@pytest.mark.parametrize("value", [object(), Foreign("x"), "\ud800", math.nan, math.inf, 2**70, [1], {"a": 1}, b"x"])
def test_what_is_out_of_the_ordinary_is_looked_at_closely(field: str, value: Any) -> None:
    """In every field, and nothing is asked of a foreign class."""
    assert usual_size(replace(make_job(), **{field: value})) == UNUSUAL
    assert usual_size(replace(make_job(), args=(1, value))) == UNUSUAL


def test_a_usual_job() -> None:
    """Numbers and short texts, and no other arguments: the texts count."""
    assert usual_size(make_job(args=(1, "four", 2.5, None, True), enqueued_at=1.5, max_attempts=3, queue="low")) == 4


def test_jobs_side_by_side_are_weighed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever is on the scales: the others are remembered for as long as they may go on."""
    looked: list[str] = []

    def counted(job: Job) -> int:
        looked.append(job.id)
        return usual_size(job)

    monkeypatch.setattr("jobreporter._dispatch.weight.usual_size", counted)
    scales = Scales()
    jobs = [make_job(id=name) for name in "abc"]
    for kind in ("started", "success", "stopped"):
        for job in jobs:
            scales.weigh(make_event(kind, job=job))
    assert looked == ["a", "b", "c"]


def test_a_job_that_is_refused_leaves_no_weight() -> None:
    """The next event of the job before weighs what it did."""
    scales = Scales()
    first = make_job(args=("x" * 1000,))
    weight = scales.weigh(make_event("started", job=first))
    with pytest.raises(TypeError):
        scales.weigh(make_event("started", job=replace(make_job(), attempt="1")))
    assert scales.weigh(make_event("stopped", job=first)) == weight
