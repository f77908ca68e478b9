"""Batches as the pump makes them, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from jobreporter._lane.buffer import Batch
from jobreporter.events import Event

_numbers = count(1)


def batch(events: Sequence[Event], size: int) -> Batch:
    """The next batch. size: what its events take in bytes."""
    return Batch(next(_numbers), events, size)
