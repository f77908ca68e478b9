"""Reading a history, for pages, terminals and programs.

`open_store` gives a `Store`, whose methods return frozen records. Names are only added within a major version.
"""

from __future__ import annotations

from jobreporter_history._engines.trouble import Damaged, Refused, StoreError, Unavailable
from jobreporter_history._histogram import Histogram
from jobreporter_history._records.executions import Count, Execution, ExecutionDetail, Outcome, Page, Running
from jobreporter_history._records.figures import Figures, JobFigures, Overview, Point, QueueFigures
from jobreporter_history._records.incidents import (
    Cell,
    Facets,
    Glimpse,
    Happening,
    Incident,
    IncidentDetail,
    LogRow,
    Share,
    State,
)
from jobreporter_history._records.state import Damage, Health, Process, Release, Schedule
from jobreporter_history._records.terms import KEYS, Term
from jobreporter_history.store._outbox import Notice, Outbox
from jobreporter_history.store._store import Store, open_store

__all__ = [
    "KEYS",
    "Cell",
    "Count",
    "Damage",
    "Damaged",
    "Execution",
    "ExecutionDetail",
    "Facets",
    "Figures",
    "Glimpse",
    "Happening",
    "Health",
    "Histogram",
    "Incident",
    "IncidentDetail",
    "JobFigures",
    "LogRow",
    "Notice",
    "Outbox",
    "Outcome",
    "Overview",
    "Page",
    "Point",
    "Process",
    "QueueFigures",
    "Refused",
    "Release",
    "Running",
    "Schedule",
    "Share",
    "State",
    "Store",
    "StoreError",
    "Term",
    "Unavailable",
    "open_store",
]
