"""The first screen for programs."""

from __future__ import annotations

from typing import Any

from jobreporter_history._display.states import status_of
from jobreporter_history._top.snapshot import View
from jobreporter_history.store import Figures, Histogram, Incident, JobFigures, Running


def report(view: View, text: str) -> dict[str, Any]:
    """What it shows, as JSON has it. text: the filter. Times are Unix seconds, durations are seconds."""
    overview = view.overview
    return {
        "at": view.at,
        "range": view.range,
        "since": overview.since,
        "until": overview.until,
        "filter": text,
        "figures": _figures(overview.figures) | {"running": view.running_count},
        "needs": [*map(_incident, view.needs), *map(_lost, view.lost)],
        "running": [_running(each, view.at) for each in view.running],
        "jobs": [_job(each) for each in overview.jobs],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "runs": figures.runs,
        "succeeded": figures.succeeded,
        "aborted": figures.aborted,
        "failed": figures.failed,
        "final": figures.final,
        "retried": figures.retried,
        "wait_p95": _quantile(figures.waits, 0.95),
    }


def _job(job: JobFigures) -> dict[str, Any]:
    figures = job.figures
    return {
        "name": job.name,
        "source": job.source,
        "queue": job.queue,
        "service": job.service,
        "environment": job.environment,
        **_figures(figures),
        **{name: _quantile(figures.durations, q) for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))},
    }


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "state": status_of(incident),
        "incident": incident.id,
        "execution_id": None,
        "title": incident.title,
        "job": incident.job,
        "failed": incident.failed,
        "final": incident.final,
        "last": incident.last_fail,
        "silenced_until": incident.silenced_until,
    }


def _lost(run: Running) -> dict[str, Any]:
    return {
        "state": "lost",
        "incident": None,
        "execution_id": run.execution_id,
        "title": "lost",
        "job": run.name,
        "failed": 0,
        "final": 0,
        "last": run.seen_at,
        "silenced_until": None,
    }


def _running(run: Running, now: float) -> dict[str, Any]:
    return {
        "execution_id": run.execution_id,
        "name": run.name,
        "source": run.source,
        "queue": run.queue,
        "worker": run.worker,
        "attempt": run.attempt,
        "started_at": run.started_at,
        "running_for": max(now - run.started_at, 0.0),
        "usual": run.usual,
    }


def _quantile(histogram: Histogram, q: float) -> float | None:
    """To two digits: the buckets know no more."""
    found = histogram.quantile(q)
    return None if found is None else float(f"{found:.2g}")
