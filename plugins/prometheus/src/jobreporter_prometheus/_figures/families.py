"""The metrics: one table of what is on the page, what it is called, and how processes add up."""

from __future__ import annotations

from typing import Literal, NamedTuple

#: A number's place: the name of its family, then the values of its labels.
Key = tuple[str, ...]

#: The labels that every metric of a job begins with.
JOB = ("service", "environment", "source", "queue", "job")
#: Those of them that are left out where they are empty. For Prometheus that is the same, but a label of the scrape's own
#: that has the same name then shows.
LEFT_OUT = frozenset({"service", "environment", "page"})
REPORTER = ("reporter",)

#: What a job, a kind of error or a reason is called that came when there was no more room.
OTHER = "other"


class Family(NamedTuple):
    """One metric with its labels.

    over: how the numbers of several processes become one. ``sum`` and ``max`` keep those of processes that ended,
    ``live_sum`` and ``live_max`` don't; with ``newest``, what the process says that began last is all that counts.
    open: whether the label after the job's may have any number of values.
    """

    #: Without the ``_total`` that a counter's samples end in.
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    documentation: str
    over: Literal["sum", "max", "live_sum", "live_max", "newest"] = "sum"
    open: bool = False


STARTED = Family("jobreporter_jobs_started", "counter", JOB, "Executions that a worker started.")
FINISHED = Family("jobreporter_jobs_finished", "counter", (*JOB, "outcome"), "Executions that ended, by outcome.")
FAILURES = Family(
    "jobreporter_job_failures",
    "counter",
    (*JOB, "error_type", "final"),
    "Executions that failed, by the type of the error and whether it was the last attempt.",
    open=True,
)
RETRIES = Family("jobreporter_job_retries", "counter", JOB, "Executions that another attempt follows.")
ABORTS = Family(
    "jobreporter_job_aborts",
    "counter",
    (*JOB, "reason"),
    "Executions that were given up on purpose, by reason.",
    open=True,
)
DURATION = Family("jobreporter_job_duration_seconds", "histogram", JOB, "From the start of an execution to its end.")
QUEUE_WAIT = Family(
    "jobreporter_job_queue_wait_seconds", "histogram", JOB, "From when a job was due to when a worker started it."
)
RUNNING = Family("jobreporter_jobs_running", "gauge", JOB, "Executions that started and have not ended.")
OLDEST = Family(
    "jobreporter_oldest_running_job_seconds", "gauge", JOB, "For how long the oldest execution has been running."
)
MEASURED = Family(
    "jobreporter_jobs_running_timestamp_seconds",
    "gauge",
    JOB,
    "When it was last seen that the job is running, as Unix time.",
)
LAST_SUCCESS = Family(
    "jobreporter_job_last_success_timestamp_seconds", "gauge", JOB, "When the job last succeeded, as Unix time.", "max"
)
LAST_FAILURE = Family(
    "jobreporter_job_last_failure_timestamp_seconds",
    "gauge",
    (*JOB, "final"),
    "When the job last failed, as Unix time, and whether it was the last attempt.",
    "max",
)
EXPECTED = Family(
    "jobreporter_job_expected_interval_seconds", "gauge", JOB, "How often a known job is meant to succeed.", "newest"
)
OVERFLOW = Family(
    "jobreporter_label_overflow",
    "counter",
    ("label",),
    "Executions that are counted under another name, because there were too many values of a label.",
)

ACCEPTED = Family("jobreporter_reporter_events_accepted", "counter", REPORTER, "Events that were published.")
HANDLED = Family("jobreporter_reporter_events_handled", "counter", REPORTER, "Events that the reporter took.")
FAILED = Family(
    "jobreporter_reporter_events_failed", "counter", REPORTER, "Events that the reporter crashed or hung on."
)
FILTERED = Family("jobreporter_reporter_events_filtered", "counter", REPORTER, "Events that the reporter didn't want.")
DEAD = Family(
    "jobreporter_reporter_events_dead", "counter", REPORTER, "Events that can't be delivered and were put aside."
)
EXPIRED = Family(
    "jobreporter_reporter_events_expired",
    "counter",
    REPORTER,
    "Events that a stream gave up before the reporter got to them.",
)
UNKNOWN = Family(
    "jobreporter_reporter_events_unknown", "counter", REPORTER, "Events of a kind that this version does not know."
)
SELF_LOST = Family(
    "jobreporter_reporter_events_lost_by_reporter",
    "counter",
    (*REPORTER, "reason"),
    "Events that the reporter lost by itself, after it had taken them.",
)
DROPPED = Family(
    "jobreporter_reporter_events_dropped",
    "counter",
    (*REPORTER, "reason"),
    "Events that were lost before the reporter saw them.",
)
RESTARTS = Family("jobreporter_reporter_restarts", "counter", REPORTER, "Starts after a crash or a hang.")
RETRIES_OF_HOOKS = Family(
    "jobreporter_reporter_retries", "counter", REPORTER, "Times that the reporter asked to be tried again."
)
LAST_LOSS = Family(
    "jobreporter_reporter_last_loss_timestamp_seconds",
    "gauge",
    REPORTER,
    "When the reporter last lost an event, as Unix time.",
    "max",
)
PENDING = Family(
    "jobreporter_reporter_events_pending", "gauge", REPORTER, "Events that wait for the reporter.", "live_sum"
)
UNFLUSHED = Family(
    "jobreporter_reporter_events_unflushed",
    "gauge",
    REPORTER,
    "Events among the pending that the reporter took and has not flushed yet.",
    "live_sum",
)
LAG = Family(
    "jobreporter_reporter_lag_seconds",
    "gauge",
    REPORTER,
    "For how long the oldest event has waited in a stream.",
    "live_max",
)
PRODUCERS = Family(
    "jobreporter_producers",
    "gauge",
    ("service", "environment"),
    "Processes that append events to a stream.",
    "live_max",
)
AGENTS = Family("jobreporter_agents", "gauge", (), "Agents that read the stream.", "live_max")
AGENTS_UNLIKE = Family(
    "jobreporter_agents_unlike",
    "gauge",
    (),
    "Agents among them whose config says something else than that of the one that says this.",
    "live_max",
)
BUILD_INFO = Family(
    "jobreporter_build_info",
    "gauge",
    ("version", "page"),
    "The version of jobreporter, and where its own page is.",
    "newest",
)
STATUS = Family(
    "jobreporter_reporter_status",
    "gauge",
    (*REPORTER, "status"),
    "Processes in which the reporter is in this state.",
    "live_sum",
)

#: All of them, in the order of the page.
FAMILIES = {
    family.name: family
    for family in (
        STARTED,
        FINISHED,
        FAILURES,
        RETRIES,
        ABORTS,
        DURATION,
        QUEUE_WAIT,
        RUNNING,
        OLDEST,
        MEASURED,
        LAST_SUCCESS,
        LAST_FAILURE,
        EXPECTED,
        OVERFLOW,
        ACCEPTED,
        HANDLED,
        FAILED,
        FILTERED,
        DROPPED,
        DEAD,
        EXPIRED,
        UNKNOWN,
        SELF_LOST,
        RESTARTS,
        RETRIES_OF_HOOKS,
        LAST_LOSS,
        PENDING,
        UNFLUSHED,
        LAG,
        STATUS,
        PRODUCERS,
        AGENTS,
        AGENTS_UNLIKE,
        BUILD_INFO,
    )
}

#: Labels that have a meaning of their own: a group that is pushed gives its labels to all that is in it.
RESERVED = frozenset(label for family in FAMILIES.values() for label in family.labels) | {"le", "quantile"}
