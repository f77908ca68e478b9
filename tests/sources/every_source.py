"""The job queues that are held to the scenarios: one row each."""

from __future__ import annotations

import celery_app
import dramatiq_app
import huey_app
import rq_app
from workers import Source

SOURCES: tuple[Source, ...] = (
    celery_app.Source(),
    dramatiq_app.Source(),
    huey_app.Source(),
    rq_app.Source(),
)
