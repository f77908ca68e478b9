"""Handing out what is there, and then ending."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from jobreporter.streams import Ledger

if TYPE_CHECKING:
    from jobreporter._agent.agent import Agent

# Seconds between two looks.
_LOOK = 0.1
# Seconds in which nothing is settled, beyond what a hook may take, after which it gives up.
_PATIENCE = 5.0


def drain(agent: Agent, ended: threading.Event) -> bool:
    """Wait until every reporter has settled what the stream held when this began. Returns whether they all have.

    A reporter that gets nothing done any more is not waited for.
    """
    names = {each.name for each in agent.runs}
    goals: dict[tuple[str, int], int] | None = None
    patience = max(each.settings.timeout for each in agent.runs) + _PATIENCE
    without_progress, before = 0.0, -1
    while not ended.wait(_LOOK):
        ledgers = [each for each in agent.feeder.fresh_ledgers() if each.reporter in names]
        if goals is None:
            if not agent.feeder.has_taken_in or not ledgers:
                ledgers = []
            else:
                goals = {(each.reporter, each.partition): each.head for each in ledgers}
        if goals is not None and not _left(ledgers, goals):
            return True
        progress = sum(each.position for each in ledgers)
        without_progress = 0.0 if progress != before else without_progress + _LOOK
        before = progress
        if without_progress > patience:
            return False
    return False


def _left(ledgers: list[Ledger], goals: dict[tuple[str, int], int]) -> list[Ledger]:
    return [each for each in ledgers if each.position < goals[each.reporter, each.partition]]
