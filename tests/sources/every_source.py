"""The job queues that are held to the scenarios: one row each."""

from __future__ import annotations

import huey_app
from workers import Source

SOURCES: tuple[Source, ...] = (huey_app.Source(),)
