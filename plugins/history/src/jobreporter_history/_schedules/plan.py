"""A ``[schedules.NAME]``, and when its runs are due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from jobreporter_history._engines.trouble import Refused

#: Due times that one look goes through, at most.
_MOST = 100


class Plan(NamedTuple):
    """What the config says of a schedule."""

    name: str
    job: str
    source: str | None = None
    queue: str | None = None
    cron: str | None = None
    #: Seconds.
    every: float | None = None
    #: Seconds that a run may be late.
    grace: float = 300.0
    timezone: str = "UTC"


def plans_of(context: Any) -> tuple[Plan, ...]:
    """The schedules that a reporter's context has; none where core knows of no schedules."""
    found = getattr(context, "schedules", ())
    return tuple(Plan(**{field: getattr(each, field) for field in Plan._fields}) for each in found)


def dues(plan: Plan, after: float, until: float) -> list[float]:
    """When runs were due by the plan's cron expression, later than one moment and not later than another, the last hundred.

    Raises `Refused` where that can't be said: without the library, or for an expression or a time zone that is none.
    """
    times = takewhile(lambda at: at <= until, _forward(plan, after))
    found: list[float] = []
    for at in times:
        found.append(at)
        if len(found) > _MOST:
            found.pop(0)
    return found


def next_due(plan: Plan, after: float) -> float | None:
    """When the next run is due by the cron expression; ``None``: never again."""
    return next(_forward(plan, after), None)


def previous_due(plan: Plan, until: float) -> float | None:
    """When the last run was due by the cron expression, that moment included."""
    return next(_times(plan, until + 1, reverse=True), None)


def _forward(plan: Plan, after: float) -> Iterator[float]:
    return _times(plan, after, reverse=False)


def _times(plan: Plan, at: float, *, reverse: bool) -> Iterator[float]:
    """As cron does it, also over the change to summer time and back."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # a worker without schedules doesn't need it

    try:
        from cronsim import CronSim, CronSimError
    except ImportError as error:
        raise Refused(
            f"schedule {plan.name!r} has a cron expression, which needs cronsim: pip install"
            " 'jobreporter-history[schedules]'"
        ) from error
    try:
        zone = ZoneInfo(plan.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Refused(f"schedule {plan.name!r}: there is no time zone {plan.timezone!r}") from error
    try:
        # Whole seconds, since the library goes by them.
        simulation = CronSim(plan.cron or "", datetime.fromtimestamp(int(at), zone), reverse=reverse)
    except CronSimError as error:
        raise Refused(f"schedule {plan.name!r}: {plan.cron!r} is no cron expression ({error})") from error
    return (each.timestamp() for each in simulation)
