"""Which events a lane's ``when`` lets through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter._config.settings import When
from jobreporter._lane.filter import Filter
from jobreporter.testing import make_error, make_event, make_job

KINDS = ("started", "success", "aborted", "failure", "stopped")


def passing(**settings: Any) -> Callable[..., bool]:
    """Whether an event of a kind, with these fields of its job, passes such a ``when``."""
    wanted = Filter.of(When(**settings))
    assert wanted is not None

    def passes(kind: str = "failure", will_retry: bool | None = None, error: str = "", **job: Any) -> bool:
        fields: dict[str, Any] = {"job": make_job(**job)}
        if kind == "failure":
            fields.update(will_retry=will_retry, error=make_error(error or "builtins.ValueError"))
        return wanted.passes(make_event(kind, **fields))

    return passes


def test_without_conditions_there_is_no_filter() -> None:
    """A lane needn't ask where everything passes."""
    assert Filter.of(When()) is None
    assert Filter.of(When(attempts="every", ignore=(), queues=(), jobs=())) is None


def test_only_the_kinds_that_are_named_pass() -> None:
    """``events`` names kinds; an empty list lets nothing through."""
    passes = passing(events=("failure", "started"))
    assert [kind for kind in KINDS if passes(kind)] == ["started", "failure"]
    nothing = passing(events=())
    assert not any(map(nothing, KINDS))


def test_first_keeps_failures_of_later_attempts_back() -> None:
    """``attempts = "first"`` lets the failure of a first attempt through, and no other."""
    passes = passing(attempts="first")
    assert passes(attempt=1)
    assert not passes(attempt=2)


def test_final_keeps_failures_back_that_another_attempt_follows() -> None:
    """``attempts = "final"`` goes by the failure's own ``final``."""
    passes = passing(attempts="final")
    assert passes(will_retry=False)
    assert not passes(will_retry=True)
    assert passes(will_retry=None, attempt=3, max_attempts=3)
    assert not passes(will_retry=None, attempt=2, max_attempts=3)


@pytest.mark.parametrize("attempts", ["first", "final"])
def test_attempts_apply_to_failures_only(attempts: str) -> None:
    """A second attempt that succeeds is told, whatever is said of failures."""
    passes = passing(attempts=attempts)
    assert all(passes(kind, attempt=2, max_attempts=3) for kind in KINDS if kind != "failure")


def test_ignored_errors_do_not_pass() -> None:
    """``ignore`` names types, and a failure with one of them or of a subclass is kept back."""
    passes = passing(ignore=("LookupError", "shop.errors.Declined"))
    assert not passes(error="builtins.KeyError")
    assert not passes(error="shop.errors.Declined")
    assert passes(error="builtins.ValueError")
    assert all(passes(kind) for kind in KINDS)


def test_queues_are_globs() -> None:
    """A job passes if its queue is like one of the globs, in the same case."""
    passes = passing(queues=("mail*", "report?"))
    assert passes(queue="mail")
    assert passes(queue="mail.bulk")
    assert passes(queue="reports")
    assert not passes(queue="report")
    assert not passes(queue="Mail")
    assert not passes(queue="bulk.mail")


def test_an_exclamation_mark_excludes() -> None:
    """An excluded queue doesn't pass, even if another glob wants it."""
    passes = passing(queues=("!mail.bulk", "mail*"))
    assert passes(queue="mail.single")
    assert not passes(queue="mail.bulk")
    assert not passes(queue="reports")


def test_with_exclusions_only_all_others_pass() -> None:
    """A list of exclusions means all but those."""
    passes = passing(queues=("!mail*", "!reports"))
    assert passes(queue="billing")
    assert not passes(queue="mail.bulk")
    assert not passes(queue="reports")


def test_a_job_without_a_queue_passes_unless_queues_are_named() -> None:
    """No queue is like no glob: it is neither wanted nor excluded, not even by ``*``."""
    assert not passing(queues=("*",))(queue=None)
    assert passing(queues=("!*",))(queue=None)
    assert not passing(queues=("!mail", "*"))(queue=None)


def test_jobs_are_globs_too() -> None:
    """``jobs`` goes by the job's name, for events of all kinds."""
    passes = passing(jobs=("!billing.*",))
    assert all(passes(kind, name="reports.nightly") for kind in KINDS)
    assert not any(passes(kind, name="billing.charge") for kind in KINDS)
    assert not passing(jobs=("a\nb",))(name="a")
    assert passing(jobs=("a[0-9]",))(name="a5")


def test_every_condition_has_to_hold() -> None:
    """Conditions add up."""
    passes = passing(events=("failure",), attempts="final", queues=("mail",), jobs=("send*",), ignore=("KeyError",))
    good = {"queue": "mail", "name": "send_all"}
    assert passes("failure", **good)
    assert not passes("success", **good)
    assert not passes("failure", will_retry=True, **good)
    assert not passes("failure", queue="other", name="send_all")
    assert not passes("failure", queue="mail", name="other")
    assert not passes("failure", error="builtins.KeyError", **good)


class SteppedClock:
    """A clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_no_more_than_the_limit_passes_in_any_minute() -> None:
    """An event passes again once the first of the last ``max_per_minute`` is a minute old, and not before."""
    clock = SteppedClock()
    wanted = Filter.of(When(max_per_minute=2), clock)
    assert wanted is not None

    def passes_at(seconds: float) -> bool:
        clock.now = 1000.0 + seconds
        return wanted.passes(make_event("success"))

    assert [passes_at(t) for t in (0, 30, 59, 59.9)] == [True, True, False, False]
    assert [passes_at(t) for t in (60, 61, 89, 90, 119)] == [True, False, False, True, False]
    assert [passes_at(t) for t in (500, 500, 500)] == [True, True, False]


def test_a_limit_of_nothing_lets_nothing_through() -> None:
    """``max_per_minute = 0`` keeps everything back."""
    assert not passing(max_per_minute=0)()


def test_what_other_conditions_keep_back_does_not_count() -> None:
    """The limit is spent on events that would otherwise pass, and on no others."""
    wanted = Filter.of(When(events=("failure",), max_per_minute=1), SteppedClock())
    assert wanted is not None
    kinds = ("success", "stopped", "failure", "failure")
    assert [wanted.passes(make_event(kind)) for kind in kinds] == [False, False, True, False]


@given(st.lists(st.floats(0, 40), min_size=1, max_size=60), st.integers(0, 5))
def test_the_limit_holds_for_every_window(steps: list[float], limit: int) -> None:
    """However events come, no 60 seconds see more than the limit, and no event is kept back without need."""
    clock = SteppedClock()
    wanted = Filter.of(When(max_per_minute=limit), clock)
    assert wanted is not None
    passed: list[float] = []
    for step in steps:
        clock.now += step
        in_window = sum(clock.now - at < 60.0 for at in passed)
        assert wanted.passes(make_event("success")) == (in_window < limit)
        if in_window < limit:
            passed.append(clock.now)
