"""What happens in a round, drawn from the seed before it begins."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from jobreporter import ARGUMENTS, HANDLERS

#: What a reporter may do instead of its work; `troubles` knows how.
TROUBLES = (
    *("raise", "hang", "linger", "slow", "rubbish", "vandal", "echo", "look", "leak", "litter", "background"),
    *("again", "again", "undeliverable", "lose"),
)

#: How events are published; `publishers` knows each.
TRADES = ("thread", "thread", "executions", "asyncio", "litter", "flood")


class Nature(msgspec.Struct, frozen=True, kw_only=True):
    """One reporter. odds: how probable trouble is, by hook; 0 for those that are missing."""

    name: str
    hooks: tuple[str, ...]
    asynchronous: bool
    troubles: tuple[str, ...]
    odds: dict[str, float]
    lane: dict[str, Any]
    when: dict[str, Any]


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One dispatcher. close_timeout: seconds. closes_early: while events still come."""

    natures: tuple[Nature, ...]
    close_timeout: float
    closes_early: bool


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One round: its dispatchers, and who publishes to them, how often signals come and forks happen.

    seconds: how long the publishers work. interval: seconds between two signals. threshold: how many objects are made
    between two garbage collections. logging_fails: how probable it is that a line that a lane logs raises, and
    logging_stalls that any line of jobreporter's takes a while. kills: exceptions that are thrown into each pump.
    """

    name: str
    scenes: tuple[Scene, ...]
    trades: tuple[str, ...]
    seconds: float
    interval: float
    forks: int
    threshold: int
    logging_fails: float
    logging_stalls: float = 0
    kills: int = 0

    def dice(self, name: str) -> random.Random:
        """The decisions of one who takes part."""
        return random.Random(f"{self.name}/{name}")  # noqa: S311 - chance that repeats is the point


def draw(seed: int, number: int) -> Round:
    """The round of this number."""
    name = f"{seed}/{number}"
    dice = random.Random(name)  # noqa: S311 - as above
    scenes = tuple(_scene(dice, index) for index in range(dice.choice([1, 1, 2, 3])))
    trades = tuple(_trade(dice) for _ in range(dice.randint(1, 5)))
    # A finalizer that runs on a pump's thread would be interrupted between what it publishes and what it writes down.
    litter = "litter" in trades or any("litter" in nature.troubles for scene in scenes for nature in scene.natures)
    return Round(
        name=name,
        scenes=scenes,
        trades=trades,
        seconds=dice.uniform(0.1, 1.5),
        interval=dice.choice([0.001, 0.005, 0.02]),
        forks=dice.choice([0, 1, 2, 4]),
        threshold=dice.choice([20, 100, 700]),
        logging_fails=dice.choice([0, 0, 0, 0.2]),
        logging_stalls=dice.choice([0, 0, 0.02, 0.2]),
        kills=0 if litter else dice.choice([0, 3, 30, 100]),
    )


def _trade(dice: random.Random) -> str:
    trade = dice.choice(TRADES)
    return trade if trade != "flood" or dice.random() < 0.2 else "thread"


def _scene(dice: random.Random, index: int) -> Scene:
    return Scene(
        natures=tuple(_nature(dice, f"reporter-{index}-{number}") for number in range(dice.randint(1, 4))),
        close_timeout=dice.choice([0, 0.1, 1, 5, 5, 5]),
        closes_early=dice.random() < 0.2,
    )


def _nature(dice: random.Random, name: str) -> Nature:
    hooks = tuple(ARGUMENTS)
    if dice.random() < 0.3:
        hooks = ("reporter_start", dice.choice(list(HANDLERS.values())), *dice.sample(hooks[1:], 3))
    troubles = tuple(dice.sample(TROUBLES, dice.randint(1, 4))) if dice.random() < 0.75 else ()
    odds = {"handle": dice.choice([0.001, 0.01, 0.1, 1])}
    odds |= {hook: dice.choice([0.1, 0.5, 1]) for hook in dice.sample(["start", "flush", "stop"], dice.randint(0, 2))}
    return Nature(
        name=name,
        hooks=tuple(dict.fromkeys(hooks)),
        asynchronous=dice.random() < 0.35,
        troubles=troubles,
        odds=odds if troubles else {},
        lane={
            "capacity": dice.choice([1, 2, 3, 7, 50, 1_000, 10_000]),
            "capacity_bytes": dice.choice([1, 10_000, 64 * 1024 * 1024, 64 * 1024 * 1024]),
            "overflow": dice.choice(["drop_newest", "drop_oldest"]),
            "timeout": dice.choice([0.1, 0.3]) if {"hang", "linger"}.intersection(troubles) else 10.0,
            "flush_interval": dice.choice([0.01, 0.1, 1.0]),
        },
        when=dice.choice([{}, {}, {}, {"events": ["success", "failure"]}, {"max_per_minute": 20}]),
    )
