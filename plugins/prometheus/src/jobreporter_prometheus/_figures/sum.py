"""What many processes have counted, added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobreporter_prometheus._figures.figures import Figures, Frame


class Part(NamedTuple):
    """What one process has counted. figures: ``None`` if it never wrote any. lives: whether it still runs."""

    token: str
    figures: Figures | None
    lives: bool = True


class Sum(NamedTuple):
    """What all have counted together."""

    all: Figures
    #: The part of processes that have ended, with the names of jobs that the living have taken room for.
    total: Figures
    #: The processes that have ended and whose figures the total did not have before.
    ended: list[str]
    #: Whether there are names in it that the total did not have before.
    has_new_names: bool


def add_up(before: Figures | None, parts: Sequence[Part], frame: Frame | None) -> Sum:
    """Add up a total and the processes that it doesn't have, the oldest first.

    frame: what figures are made to; without one, as the youngest of them has it.
    """
    counted = [(part, part.figures) for part in parts if part.figures is not None]
    frames = [frame, *(figures.frame for _, figures in reversed(counted)), before.frame if before else None]
    total = Figures(next((each for each in frames if each is not None), Frame.usual()))
    if before is not None:
        total.caps.admit_all(before.caps.to_plain())
        total.add(before, live=False)
    admitted = total.caps.size
    for part, figures in counted:
        if not part.lives:
            total.add(figures, live=False)
    living = [figures for part, figures in counted if part.lives]
    for figures in living:
        # What counts under a name once must always do so, also when its process has ended.
        for key in (*figures.counters, *figures.gauges, *figures.histograms):
            total.caps.fit(key)
    together = total.copy()
    for figures in living:
        together.add(figures, live=True)
    return Sum(together, total, [part.token for part in parts if not part.lives], total.caps.size > admitted)
