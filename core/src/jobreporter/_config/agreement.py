"""What the tables of a stream, its relays and schedules ask of each other, and of the names of reporters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jobreporter._config.places import Place
from jobreporter._config.records import ReporterConfig
from jobreporter._config.settings import EXPECTED_NAME, NAME, ScheduleSettings, When
from jobreporter._config.wording import quoted
from jobreporter.errors import Fault

#: The table of the stream, and the name of the worker's lane to it.
STREAM = "stream"
#: The tables of schedules, and the name of the agent's lane that watches them.
SCHEDULES = "schedules"
#: What a reporter uses that hands everything on to another stream. It is no plugin.
RELAY = "relay"
# Of a cron expression.
_FIELDS = 5


def faults_of_relay(relay: ReporterConfig, *, has_stream: bool) -> Iterator[Fault]:
    """What of core's own keys a relay can't have."""
    if not has_stream:
        problem = f"a relay hands on the events of a stream, and there is no [{STREAM}]"
        yield relay.place.fault(problem)
    if relay.where == "worker":
        problem = "key 'where': a relay reads the stream, so that only an agent can run it"
        yield relay.place.fault(problem, "where")
    if relay.when != When():
        problem = (
            "a relay hands on every event: without some of them, the target would take executions for lost. "
            "What a reporter gets is said where the target's agents run it"
        )
        yield relay.place.below("when").fault(problem)


def faults_of_schedules(
    schedules: Mapping[str, ScheduleSettings], reporters: Mapping[str, Any], place: Place
) -> Iterator[Fault]:
    """Schedules without a name or a time. place: that of the config."""
    if schedules and SCHEDULES in reporters:
        problem = f"with [{SCHEDULES}], the name {quoted(SCHEDULES)} is that of the lane that watches them"
        yield place.below("reporters", SCHEDULES).fault(problem)
    above = place.below(SCHEDULES)
    for name, schedule in schedules.items():
        own = above.below(str(name))
        if not NAME.fullmatch(str(name)):
            yield above.fault(f"schedule name {quoted(name)}: {EXPECTED_NAME}", str(name))
        if (schedule.cron is None) == (schedule.every is None):
            found = "neither" if schedule.cron is None else "both"
            yield own.fault(f"expected either 'cron' or 'every', found {found}")
        if schedule.cron is not None and len(schedule.cron.split()) != _FIELDS:
            expected = "expected minute, hour, day, month and weekday, such as '30 2 * * 1-5'"
            yield own.fault(f"key 'cron': {expected}, found {quoted(schedule.cron)}", "cron")
