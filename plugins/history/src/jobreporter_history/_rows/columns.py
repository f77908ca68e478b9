"""The columns of a finished execution, in the order in which they are stored and read."""

from __future__ import annotations

#: What the event alone says. Two outcomes of one execution are compared by these.
FACTS = (
    "job_id",
    "root_id",
    "parent_id",
    "outcome",
    "rank",
    "kind",
    "final",
    "will_retry",
    "retry_delay",
    "attempt",
    "max_attempts",
    "enqueued_at",
    "scheduled_at",
    "duration",
    "queue_wait",
    "worker",
    "process",
    "error",
    "message",
    "data",
)
#: What it takes a look into the database to know.
PLACED = ("id", "execution_id", "series", "release", "incident", "started_at")
COLUMNS = (*PLACED, *FACTS)

#: What is known of an execution that runs, besides its key and its series.
LIVE_FACTS = (
    "job_id",
    "root_id",
    "parent_id",
    "attempt",
    "max_attempts",
    "enqueued_at",
    "scheduled_at",
    "worker",
    "process",
    "data",
)
LIVE = ("execution_id", "series", "release", "started_at", *LIVE_FACTS)

#: How good an outcome is: the process's own counts more than what others say of a worker that was lost, and that more
#: than the bare word that it stopped.
OWN, LOST, STOPPED = 3, 2, 1
