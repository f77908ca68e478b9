"""Check-ins with Sentry Crons: whether the jobs that should run do run, and end well."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sentry_sdk.types import Event, MonitorConfig

from jobreporter import Aborted, Failure, Job, Started, Success
from jobreporter_sentry._options import Interval, Monitor

# Of so many runs that haven't ended it is known when they began. Some never end here: another process may do the retry.
_REMEMBERED = 10_000

# Minutes where the monitor doesn't say. Sentry waits one for a run to begin, but the clocks of two machines differ more;
# and thirty for one to end.
_MARGIN = 5
_MAX_RUNTIME = 30

# The run goes on in another attempt, though the source may not call it a retry.
_GOES_ON = frozenset(["requeued", "replaced", "retry_requested"])
# It was ended from outside. A job that gives up for a reason of its own has run as it should.
_CUT_OFF = frozenset(["expired", "revoked", "cancelled", "rejected", "shutdown", "unknown"])


class _Run:
    """A run that has not ended. began: when its first attempt did, as far as it was seen (Unix seconds)."""

    def __init__(self, began: float) -> None:
        self.began = began
        #: Whether Sentry was told that it is in progress.
        self.told = False


class CheckIns:
    """Makes the check-ins of the jobs that have a monitor; ``None`` where there is nothing to say.

    A run is all attempts at one job, and has one id, which follows from the job's: its attempts may be made by
    different processes. Each attempt says that the run is in progress, which gives it ``max_runtime`` anew.

    A check-in bears no time: Sentry takes it for now. After an outage, or out of a stream's backlog, one may come when that
    is no longer true. What has begun longer ago than ``checkin_margin`` is not said to begin, and what has ended longer ago
    than ``max_runtime`` is not said to end; but the end of a run that Sentry knows to be in progress always is, for it
    bears the duration.
    """

    def __init__(self, monitors: Mapping[str, Monitor], now: Callable[[], float] = time.time) -> None:
        self._monitors = monitors
        self._now = now
        self._runs: dict[str, _Run] = {}

    def started(self, meta: Started) -> Event | None:
        """In progress."""
        monitor = self._monitors.get(meta.job.name)
        if monitor is None:
            return None
        run = run_id(monitor, meta.job)
        if run not in self._runs:
            if len(self._runs) >= _REMEMBERED:
                del self._runs[next(iter(self._runs))]
            self._runs[run] = _Run(meta.at)
        if self._is_older(meta.at, monitor.checkin_margin or _MARGIN):
            return None
        return _check_in(monitor, run, "in_progress")

    def success(self, meta: Success) -> Event | None:
        """Ended well."""
        return self._ended(meta, "ok")

    def failure(self, meta: Failure) -> Event | None:
        """Ended badly, if no further attempt follows."""
        return self._ended(meta, "error") if meta.final else None

    def aborted(self, meta: Aborted) -> Event | None:
        """Ended well if the job gave up by itself, and badly if it was cut off.

        One that didn't begin has nothing to say: Sentry will miss it.
        """
        if meta.will_retry or meta.reason in _GOES_ON or meta.duration is None:
            return None
        return self._ended(meta, "error" if meta.reason in _CUT_OFF else "ok")

    def _ended(self, meta: Success | Failure | Aborted, status: Literal["ok", "error"]) -> Event | None:
        monitor = self._monitors.get(meta.job.name)
        if monitor is None:
            return None
        run = run_id(monitor, meta.job)
        known = self._runs.get(run)
        if self._is_older(meta.at, monitor.max_runtime or _MAX_RUNTIME) and not (known and known.told):
            self._runs.pop(run, None)
            return None
        # Where it began in another process, Sentry takes the time since the first check-in.
        duration = meta.duration if meta.job.attempt == 1 else None
        if duration is None and known is not None:
            duration = max(0.0, meta.at - known.began)
        return _check_in(monitor, run, status, duration)

    def sent(self, check_in: Event) -> None:
        """Sentry has taken this one. Until then, the same event may come again."""
        run: Any = check_in["check_in_id"]
        if check_in["status"] != "in_progress":
            self._runs.pop(run, None)
        elif run in self._runs:
            self._runs[run].told = True

    def _is_older(self, at: float, minutes: float) -> bool:
        return self._now() - at > minutes * 60


def run_id(monitor: Monitor, job: Job) -> str:
    """The check-in id of a run: the same for all attempts at the job, in every process."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{monitor.slug}\0{job.source}\0{job.id}").hex


def _check_in(
    monitor: Monitor, run: str, status: Literal["in_progress", "ok", "error"], duration: float | None = None
) -> Event:
    event: Event = {"type": "check_in", "check_in_id": run, "monitor_slug": monitor.slug, "status": status}
    if duration is not None:
        event["duration"] = duration
    if config := monitor_config(monitor):
        event["monitor_config"] = config
    return event


def monitor_config(monitor: Monitor) -> MonitorConfig | None:
    """What Sentry creates or updates the monitor by; ``None`` where it is only named."""
    if monitor.schedule is None:
        return None
    config: Any = {name: getattr(monitor, name) for name in monitor.__struct_fields__ if name != "slug"}
    if isinstance(monitor.schedule, Interval):
        config["schedule"] = {"type": "interval", "value": monitor.schedule.value, "unit": monitor.schedule.unit}
    else:
        config["schedule"] = {"type": "crontab", "value": monitor.schedule}
    found: MonitorConfig = {name: value for name, value in config.items() if value is not None}  # type: ignore[assignment]  # the names are those of the type
    return found
