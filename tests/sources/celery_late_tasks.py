"""Imported by a worker of `celery_late_app` that runs already."""

from __future__ import annotations

import celery_late_app

celery_late_app.register("late")
