"""How many messages people get in a day, of jobs that fail in typical ways."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from .model import Model

T = 1_699_999_800.0
HOUR, DAY = 3600, 86_400
OUTAGE = range(10 * HOUR, 12 * HOUR)


def steady(share: float) -> Callable[[int, float], bool]:
    """Fails with the same probability at all times."""
    return lambda _second, chance: chance < share


def outage(share: float) -> Callable[[int, float], bool]:
    """Fails with some probability, and for two hours always."""
    return lambda second, chance: second in OUTAGE or chance < share


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("fails", "most"),
    [
        pytest.param(steady(0.02), 1, id="steady 2 %"),
        pytest.param(steady(0.001), 3, id="steady 0.1 %"),
        pytest.param(outage(0.001), 5, id="outage of two hours on 0.1 %"),
        pytest.param(outage(0.0), 2, id="outage of two hours"),
    ],
)
def test_messages_of_a_day(fails: Callable[[int, float], bool], most: int, seed: int) -> None:
    """A run a second for 24 hours, and a tick every 15 seconds: no more messages than this."""
    chance = random.Random(seed)  # noqa: S311 - chance, and no secret
    model = Model()
    for second in range(DAY):
        at = T + second
        if fails(second, chance.random()):
            model.fail(at)
        else:
            model.succeed(at)
        if second % 15 == 0:
            model.tick(at + 0.5)
    assert 1 <= len(model.told) <= most, model.told
    assert model.told[0] == "opened"


def test_a_pure_outage_is_two_messages() -> None:
    """It opens, and resolves a quarter of an hour after the last failure."""
    model = Model()
    for second in range(0, 16 * HOUR, 5):
        (model.fail if second in OUTAGE else model.succeed)(T + second)
        model.tick(T + second + 0.5)
    assert model.told == ["opened", "resolved"]
    at, decision, _ = model.log[-1]
    assert decision.cause == "succeeded"
    assert at - (T + OUTAGE[-1]) < 16 * 60


def test_one_failed_run_of_an_hourly_job() -> None:
    """It opens, and the next success resolves it."""
    model = Model()
    for hour in range(24):
        (model.fail if hour == 7 else model.succeed)(T + hour * HOUR)
        for tick in range(0, HOUR, 60):
            model.tick(T + hour * HOUR + tick + 0.5)
    assert model.told == ["opened", "resolved"]
    assert model.log[-1][0] - (T + 8 * HOUR) < 60


def test_retries_that_go_well_are_no_message() -> None:
    """Every twentieth run fails at its first attempt and goes well at the second: nobody is told."""
    model = Model()
    for number in range(0, DAY, 60):
        if number // 60 % 20 == 0:
            model.fail(T + number, final=False)
        model.succeed(T + number + 5)
        model.tick(T + number + 30)
    assert model.told == []
