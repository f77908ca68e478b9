"""Every row of the table: from which state, when, to which state, and what is logged."""

from __future__ import annotations

import pytest

from jobreporter_history._incidents import requests
from jobreporter_history._incidents.requests import Request
from jobreporter_history._incidents.transitions import Decision, needed

from .model import Model

#: The beginning of a cell.
T = 1_699_999_800.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def last(model: Model) -> tuple[str, str, str, bool]:
    """What was logged last: what, why, the state from then on, and whether people are not told."""
    _, decision, quiet = model.log[-1]
    return decision.happening, decision.cause, decision.state, quiet


def opened(runs_before: int = 0, repeat: float | None = None) -> Model:
    """An incident that has just opened with a failure at T, after so many successes, a second apart."""
    model = Model(repeat=repeat)
    for number in range(runs_before):
        model.succeed(T - runs_before + number)
    model.fail(T)
    assert model.tick(T + 5) == ["opened"]
    return model


def ask(model: Model, action: str, now: float, **fields: object) -> str:
    """Have the keeper do what somebody asks for. Returns the answer."""
    request = Request(1, 1, action, fields.get("until"), fields.get("release"))  # type: ignore[arg-type]
    decision, answer = requests.decide(request, model.known, now)
    if decision is not None:
        model.apply(decision, now)
    return answer


def test_a_final_failure_opens() -> None:
    """pending, a failure that no attempt follows: open, opened."""
    model = Model()
    model.fail(T)
    assert model.tick(T + 5) == ["opened"]
    assert last(model) == ("opened", "", "open", False)
    assert model.tick(T + 5) == model.tick(T + 10) == []


def test_failures_that_are_tried_again_open_nothing_while_they_are_few() -> None:
    """pending, four failures within ten minutes that are tried again: nothing; the fifth opens it."""
    model = Model()
    for number in range(4):
        model.fail(T + number * 120, final=False)
        assert model.tick(T + number * 120 + 5) == []
    model.fail(T + 480, final=False)
    assert model.tick(T + 500) == ["opened"]


def test_failures_that_are_tried_again_open_nothing_while_they_are_rare() -> None:
    """pending, a failure every ten minutes that goes well at its second attempt: nothing, for a day."""
    model = Model()
    for number in range(144):
        model.fail(T + number * 600, final=False)
        assert model.tick(T + number * 600 + 5) == []


@pytest.mark.parametrize(("share", "expected"), [(1.0, 1), (0.5, 6), (0.02, 246), (0.001, 4996)])
def test_needed_successes(share: float, expected: int) -> None:
    """The rarer a failure, the more successes in a row it takes to believe that it is over."""
    assert needed(share) == expected


def test_successes_resolve_after_a_quarter_of_an_hour() -> None:
    """open, as many successes as it needs, and 15 minutes: resolved, succeeded; neither of both alone does."""
    model = opened()
    model.succeed(T + 14 * MINUTE)
    assert model.tick(T + 15 * MINUTE - 1) == []
    assert model.tick(T + 15 * MINUTE) == ["resolved"]
    assert last(model) == ("resolved", "succeeded", "resolved", False)
    alone = opened()
    assert alone.tick(T + 15 * MINUTE) == []
    alone.succeed(T + 20 * MINUTE)
    assert alone.tick(T + 20 * MINUTE + 1) == ["resolved"]


def test_a_rare_failure_needs_more_successes() -> None:
    """open, a failure in a hundred runs: as many successes as its share says, which are those since, not before."""
    model = opened(runs_before=99)
    for number in range(495):
        model.succeed(T + 15 * MINUTE + number)
    assert model.tick(T + 15 * MINUTE + 495) == []
    model.succeed(T + 15 * MINUTE + 496)
    assert model.tick(T + 15 * MINUTE + 497) == ["resolved"]
    facts = model.log[-1][1].facts
    assert (facts["successes"], facts["needed"]) == (496, 496)


def test_a_quiet_day_resolves_where_the_job_ran() -> None:
    """open, 24 hours without a failure, and the job ran: resolved, quiet."""
    model = opened(runs_before=1000)
    model.succeed(T + 2 * HOUR)
    assert model.tick(T + DAY - 1) == []
    assert model.tick(T + DAY) == ["resolved"]
    assert last(model) == ("resolved", "quiet", "resolved", False)


def test_a_monthly_job_is_never_quiet() -> None:
    """open, a month in which the job didn't run: nothing; its next success resolves it."""
    model = opened()
    for day in range(1, 31):
        assert model.tick(T + day * DAY) == []
    model.succeed(T + 30 * DAY)
    assert model.tick(T + 30 * DAY + 5) == ["resolved"]
    assert last(model)[1] == "succeeded"


def test_by_hand() -> None:
    """open, pending or flapping, by hand: resolved; a second time, it was resolved already."""
    model = opened()
    assert ask(model, "resolve", T + 10) == "it is resolved"
    assert last(model) == ("resolved", "by hand", "resolved", False)
    assert ask(model, "resolve", T + 11) == "incident 1 was resolved already"
    pending = Model()
    pending.fail(T, final=False)
    assert ask(pending, "resolve", T + 1) == "it is resolved"


def test_ten_times_as_many_is_worse_once_an_hour() -> None:
    """open, the last full hour had ten times the failures of the hour before: worse, once an hour at most."""
    model = opened(runs_before=5000)
    model.fail(T + HOUR)
    for number in range(10):
        model.fail(T + 2 * HOUR + number * MINUTE)
    assert model.tick(T + 2 * HOUR + 9 * MINUTE) == []
    assert model.tick(T + 2 * HOUR + 15 * MINUTE) == ["worse"]
    assert last(model) == ("worse", "", "open", False)
    assert model.log[-1][1].facts | {"failed": 0, "final": 0} == {
        "failed": 0,
        "final": 0,
        "last_hour": 10,
        "hour_before": 1,
    }
    assert model.tick(T + 2 * HOUR + 20 * MINUTE) == []
    for number in range(200):
        model.fail(T + 3 * HOUR + number)
    assert model.tick(T + 3 * HOUR + 10 * MINUTE) == []
    assert model.tick(T + 3 * HOUR + 20 * MINUTE) == ["worse"]


def test_hours_before_it_opened_are_not_compared() -> None:
    """open since less than two hours: nothing gets worse, however many failures there are."""
    model = opened()
    for number in range(500):
        model.fail(T + HOUR + number)
    for minute in range(115):
        assert model.tick(T + minute * MINUTE) == []


def resolved() -> Model:
    """An incident that was resolved by a success, 15 minutes after T."""
    model = opened()
    model.succeed(T + 5 * MINUTE)
    assert model.tick(T + 15 * MINUTE) == ["resolved"]
    return model


def test_a_later_failure_regresses() -> None:
    """resolved, a final failure later than that: open, regressed."""
    model = resolved()
    model.fail(T + 2 * HOUR)
    assert model.tick(T + 2 * HOUR + 5) == ["regressed"]
    assert last(model) == ("regressed", "", "open", False)


def test_a_failure_that_is_tried_again_reopens_nothing() -> None:
    """resolved, a failure that another attempt follows: nothing; five of them within ten minutes: regressed."""
    model = resolved()
    for number in range(4):
        model.fail(T + 2 * HOUR + number, final=False)
        assert model.tick(T + 2 * HOUR + 10) == []
    model.fail(T + 2 * HOUR + 9, final=False)
    assert model.tick(T + 2 * HOUR + 10) == ["regressed"]


def test_what_happened_before_and_comes_later_reopens_nothing() -> None:
    """resolved, a final failure that happened before that and is told of only now: nothing, also if it is one of many."""
    model = resolved()
    model.fail(T + 10 * MINUTE)
    for number in range(9):
        model.fail(T + 11 * MINUTE + number, final=False)
    assert model.tick(T + 16 * MINUTE) == []


def test_an_older_release_reopens_nothing() -> None:
    """resolved in a release: failures in one before it are nothing new; one in it, or in a later one, regresses."""
    for release, expected in (("1.0", []), ("1.1", ["regressed"]), ("1.2", ["regressed"]), (None, ["regressed"])):
        model = Model()
        for number, each in enumerate(("1.0", "1.1", "1.2")):
            model.fail(T + number, release=each)
        assert model.tick(T + 5) == ["opened"]
        ask(model, "resolve", T + 10, release="1.1")
        model.fail(T + HOUR, release=release)
        assert model.tick(T + HOUR + 5) == expected, release


def test_a_release_that_is_yet_to_come() -> None:
    """resolved in a release that nobody has seen: failures of all that were seen are nothing new."""
    model = Model()
    model.fail(T, release="1.0")
    assert model.tick(T + 5) == ["opened"]
    ask(model, "resolve", T + 10, release="2.0")
    model.fail(T + HOUR, release="1.0")
    assert model.tick(T + HOUR + 5) == []
    model.fail(T + 2 * HOUR, release="2.0")
    assert model.tick(T + 2 * HOUR + 5) == ["regressed"]


def flapping(repeat: float | None = None) -> Model:
    """An incident that opened three times within an hour."""
    model = opened(repeat=repeat)
    for number, expected in ((1, ["regressed"]), (2, ["flapping"])):
        at = T + number * 18 * MINUTE
        for second in range((5, 60)[number - 1]):
            model.succeed(at - 10 * MINUTE + second)
        assert model.tick(at - 2 * MINUTE) == ["resolved"]
        model.fail(at)
        assert model.tick(at + 5) == expected
    return model


def test_the_third_opening_within_an_hour_flaps() -> None:
    """resolved, the third opening within an hour: flapping, of which people are not told."""
    model = flapping()
    assert last(model) == ("flapping", "", "flapping", True)
    assert model.told == ["opened", "resolved", "regressed", "resolved"]


def test_openings_that_are_further_apart_do_not_flap() -> None:
    """resolved, the third opening after more than an hour: regressed."""
    model = opened()
    for number in (1, 2, 3):
        at = T + number * 40 * MINUTE
        for second in range((5, 60, 290)[number - 1]):
            model.succeed(at - 10 * MINUTE + second)
        assert model.tick(at - 5 * MINUTE) == ["resolved"]
        model.fail(at)
        assert model.tick(at + 5) == ["regressed"]


def test_half_an_hour_calms() -> None:
    """flapping, 30 minutes without a failure: resolved, calm, of which people are not told; what comes then regresses."""
    model = flapping()
    failed_at = T + 36 * MINUTE
    model.fail(failed_at)
    assert model.tick(failed_at + 30 * MINUTE - 1) == []
    assert model.tick(failed_at + 30 * MINUTE) == ["calm"]
    assert last(model) == ("calm", "", "resolved", True)
    model.fail(failed_at + 90 * MINUTE)
    assert model.tick(failed_at + 90 * MINUTE + 5) == ["regressed"]


def test_silence_and_its_end() -> None:
    """any, silenced: the same state, and what happens is not told; at its end, unsilenced."""
    model = opened()
    assert ask(model, "silence", T + 10, until=T + HOUR) == "it is silenced"
    assert last(model) == ("silenced", "by hand", "open", True)
    model.succeed(T + 5 * MINUTE)
    assert model.tick(T + 20 * MINUTE) == ["resolved"]
    assert last(model) == ("resolved", "succeeded", "resolved", True)
    model.fail(T + 30 * MINUTE)
    assert model.tick(T + 31 * MINUTE) == ["regressed"]
    assert model.tick(T + HOUR) == ["unsilenced"]
    assert last(model) == ("unsilenced", "", "open", True)
    assert model.told == ["opened"]


def test_whatever_its_state_is_a_silence_and_its_end_leave_it() -> None:
    """pending, open, resolved, flapping: silenced, and unsilenced when it is over, and the same state all the time."""
    pending = Model()
    pending.fail(T, final=False)
    for model in (pending, opened(), resolved(), flapping()):
        now, state = T + 37 * MINUTE, model.known.state
        ask(model, "silence", now, until=now + 10)
        assert last(model) == ("silenced", "by hand", state, True)
        assert model.tick(now + 9) == []
        assert model.tick(now + 10) == ["unsilenced"]
        assert last(model) == ("unsilenced", "", state, True)


def test_a_silence_has_an_end() -> None:
    """Nothing is silenced for ever, or until a time that is over; and a silence may be ended by hand."""
    model = opened()
    assert "yet to come" in ask(model, "silence", T + 10, until=T + 9)
    assert "yet to come" in ask(model, "silence", T + 10)
    assert ask(model, "unsilence", T + 10) == "incident 1 is not silenced"
    ask(model, "silence", T + 10, until=T + HOUR)
    assert ask(model, "unsilence", T + 20) == "it is heard of again"
    assert last(model) == ("unsilenced", "by hand", "open", True)


def test_a_missed_run_opens_and_the_next_success_resolves() -> None:
    """A run that didn't come: missed, at once; the job's next success resolves it, without waiting."""
    model = Model(kind="missed")
    model.fail(T)
    assert model.tick(T + 5) == ["missed"]
    model.fail(T + 10 * MINUTE)
    assert model.tick(T + 10 * MINUTE) == []
    model.succeed(T + 20 * MINUTE)
    assert model.tick(T + 20 * MINUTE + 5) == ["resolved"]
    model.fail(T + 30 * MINUTE)
    assert model.tick(T + 30 * MINUTE + 5) == ["missed"]
    assert model.told == ["missed", "resolved", "missed"]


def test_people_are_reminded_of_what_still_fails() -> None:
    """open, failing, and told a day ago: reminded; not of what fails no more, and not without a reader who wants it."""
    for repeat, fails, expected in ((DAY, True, 1), (DAY, False, 0), (None, True, 0)):
        model = Model(repeat=repeat)
        model.fail(T)
        model.tick(T + 5)
        for number in range(1, 300):
            model.fail(T + number * 300 if fails else T)
            model.tick(T + number * 300 + 5)
        assert model.told == ["opened", *["reminded"] * expected]


def test_people_are_reminded_of_what_flaps_and_still_fails() -> None:
    """flapping, failing, and told a day ago: reminded, and it flaps on."""
    model = flapping(repeat=DAY)
    begin = T + 36 * MINUTE
    happened = []
    for number in range(1, 300):
        model.fail(begin + number * 5 * MINUTE)
        happened += model.tick(begin + number * 5 * MINUTE + 5)
    assert happened == ["reminded"]
    assert model.known.state == "flapping"
    assert model.tick(model.known.last_fail + HOUR) == ["resolved"]
    assert last(model) == ("resolved", "calm", "resolved", False)


def test_people_are_reminded_of_what_opened_in_a_silence() -> None:
    """Silenced while it opened, and failing on after that: nobody has heard of it, and a day after it opened everybody does."""
    model = Model(repeat=DAY)
    model.fail(T, final=False)
    ask(model, "silence", T + 1, until=T + HOUR)
    happened = []
    for number in range(1, 300):
        model.fail(T + number * 300)
        happened += model.tick(T + number * 300 + 5)
    assert happened == ["opened", "unsilenced", "reminded"]
    assert model.told == ["reminded"]


def test_what_nobody_has_heard_of_is_resolved_without_a_word() -> None:
    """By hand: what has not opened, and what flaps, of which was told last that it is resolved."""
    pending = Model()
    pending.fail(T, final=False)
    for model in (pending, flapping()):
        assert ask(model, "resolve", T + 40 * MINUTE) == "it is resolved"
        assert last(model) == ("resolved", "by hand", "resolved", True)


def test_the_same_sums_are_decided_once() -> None:
    """A keeper that looks again at what it has decided says nothing, whatever state that led to."""
    for model in (opened(), resolved(), flapping()):
        now = T + 40 * MINUTE
        assert model.tick(now) in ([], ["resolved"])
        assert model.tick(now) == model.tick(now) == []


def test_a_decision_is_a_plain_value() -> None:
    """Two decisions of the same are equal, whoever made them."""
    assert Decision("opened", "open") == Decision("opened", "open", "", {}, {})
