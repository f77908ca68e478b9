"""What a module of this folder says about its job queue: its ``PEER``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One job queue's own tests.

    tests: what to run, as arguments for pytest in the sdist's folder. options: pytest's further options.
    attach_everywhere: called before pytest starts, in the run with jobreporter; from then on, whatever the tests make is
    attached. needs_redis: the run starts a Redis. lacking: what the sdist or this machine lacks of all that the tests need.
    differences: tests that end otherwise there, by a glob of their node ids, each with its reason. A folder ``lacking/NAME``
    beside this file has stand-ins for files that the sdist lacks in its tests.
    """

    tests: tuple[str, ...]
    attach_everywhere: Callable[[], None]
    options: tuple[str, ...] = ()
    needs_redis: bool = False
    lacking: str = "nothing"
    differences: Mapping[str, str] = field(default_factory=dict)
