"""When the shipped alerts about reporters and about silence fire, and what every alert says to people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobreporter_prometheus.__main__ import RUNBOOKS, main, shipped

from .promtool import JOB, Case, Check, Series, firing, holds, severities, silent

FINISHED = "jobreporter_jobs_finished_total"
BUILD = Series("jobreporter_build_info", {"version": "0.1.0"}, "1x20000")
SHOP = {"service": "shop"}
RUNBOOK_PAGE = Path(__file__).parents[3] / "docs/reporters/prometheus-runbooks.md"
DAY = 24 * 12


def hours(pattern: str, days: int) -> str:
    """A counter that is looked at every five minutes, and rises in those hours of each day where the pattern has an x."""
    assert len(pattern) == 24
    values, count = [], 0
    for hour in pattern * days:
        for _ in range(12):
            count += hour == "x"
            values.append(str(count))
    return " ".join(values)


def at(day: int, hour: int, minute: int = 0) -> str:
    """A time, counted from the beginning."""
    return f"{(day * 24 + hour) * 60 + minute}m"


NIGHTLY = "..x....................."
BUSY = "x" * 24
OFFICE = "........xxxxxxxxxx......"
QUIET = "." * 24

CASES: dict[str, Case] = {
    "a host that is idle by day": Case(
        [Series(FINISHED, SHOP, hours(NIGHTLY, 9)), BUILD],
        silent("JobReporterQuiet", *[at(8, hour) for hour in range(24)]),
        "5m",
    ),
    "a host that is idle by night": Case(
        [Series(FINISHED, SHOP, hours(OFFICE, 9)), BUILD],
        silent("JobReporterQuiet", *[at(8, hour, 30) for hour in range(24)]),
        "5m",
    ),
    "a host in its first days": Case(
        [Series(FINISHED, SHOP, hours(BUSY, 2) + " " + "600 " * DAY)],
        silent("JobReporterQuiet", *[at(2, hour) for hour in range(24)]),
        "5m",
    ),
    "a host that stands still": Case(
        [
            Series(FINISHED, SHOP, hours(BUSY, 8) + f" {8 * DAY}x{DAY}"),
            Series(FINISHED, {"service": "crm"}, hours(BUSY, 9)),
        ],
        [
            *silent("JobReporterQuiet", at(7, 23), at(8, 1)),
            firing("JobReporterQuiet", at(8, 2), SHOP),
            firing("JobReporterQuiet", at(8, 23), SHOP),
        ],
        "5m",
    ),
    "a night whose jobs don't run": Case(
        [Series(FINISHED, SHOP, hours(NIGHTLY, 8) + f" {8 * 12}x{DAY}")],
        [*silent("JobReporterQuiet", at(8, 1), at(8, 12)), firing("JobReporterQuiet", at(8, 3), SHOP)],
        "5m",
    ),
    "no metrics at all": Case(
        [Series("up", {}, "1x60"), Series("jobreporter_build_info", {"version": "0.1.0"}, "1x10 _x50")],
        [*silent("JobReporterNothingReported", "10m", "20m"), firing("JobReporterNothingReported", "27m", {})],
    ),
    "a worker that has had no job yet": Case([BUILD], silent("JobReporterNothingReported", "10m", "60m", "900m")),
    "a reporter that loses an event, and another one": Case(
        [
            Series("jobreporter_reporter_last_loss_timestamp_seconds", {"reporter": "sentry"}, "_x10 600x50 3600x60"),
            Series("jobreporter_reporter_events_dropped_total", {"reporter": "log", "reason": "capacity"}, "0x120"),
        ],
        [
            *silent("JobReporterDropping", "9m", "30m"),
            firing("JobReporterDropping", "11m", {"reporter": "sentry"}),
            firing("JobReporterDropping", "61m", {"reporter": "sentry"}),
        ],
    ),
    "a reporter that does not run": Case(
        [
            Series("jobreporter_reporter_status", {"reporter": "sentry", "status": "broken"}, "0x9 2x20"),
            Series("jobreporter_reporter_status", {"reporter": "sentry", "status": "running"}, "2x9 0x20"),
        ],
        [
            *silent("JobReporterDown", "12m"),
            firing("JobReporterDown", "20m", {"reporter": "sentry", "status": "broken"}),
        ],
    ),
    "a reporter that lags behind, and one that catches up": Case(
        [
            Series("jobreporter_reporter_lag_seconds", {"reporter": "sentry"}, "400x30"),
            Series("jobreporter_reporter_lag_seconds", {"reporter": "log"}, "400x5 0x25"),
        ],
        [*silent("JobReporterLagging", "9m"), firing("JobReporterLagging", "20m", {"reporter": "sentry"})],
    ),
    "an agent that goes, and one that takes over": Case(
        [
            Series("jobreporter_agents", {"instance": "one"}, "2x60 _x40"),
            Series("jobreporter_agents", {"instance": "two"}, "_x62 1x60 _x60"),
        ],
        [*silent("JobReporterNoAgent", "30m", "61m", "70m", "125m"), firing("JobReporterNoAgent", "135m", {})],
    ),
    "a service that never had an agent": Case([BUILD], silent("JobReporterNoAgent", "10m", "60m", "1440m")),
    "a service that has none any more": Case(
        [BUILD, Series("jobreporter_agents", {}, "1x60")],
        [firing("JobReporterNoAgent", "90m", {}), *silent("JobReporterNoAgent", "1510m")],
    ),
    "agents that are deployed one after the other, and some that stay behind": Case(
        [Series("jobreporter_agents_unlike", {}, "0x9 1x20 0x30 1x60")],
        [*silent("JobReporterAgentsDiffer", "25m", "80m"), firing("JobReporterAgentsDiffer", "110m", {})],
    ),
    "more labels than there is room for": Case(
        [
            Series("jobreporter_label_overflow_total", {"label": "job"}, "0x9 1x20"),
            Series("jobreporter_label_overflow_total", {"label": "reason"}, "0x30"),
        ],
        [*silent("JobReporterTooManyLabels", "9m"), firing("JobReporterTooManyLabels", "12m", {"label": "job"})],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_alerts_fire_when_they_should(case: Case, tmp_path: Path) -> None:
    """Neither sooner nor later, nor for another reporter."""
    holds(case, tmp_path)


#: For each alert, series that make it fire, when, for what, and what it says then.
TEXTS: dict[str, tuple[list[Series], Check, str, str]] = {
    "JobFailedForGood": (
        [Series("jobreporter_job_last_failure_timestamp_seconds", {**JOB, "final": "true"}, "600x20")],
        firing("JobFailedForGood", "12m"),
        "backup failed for good",
        "backup failed at 1970-01-01 00:10:00 +0000 UTC, and no further attempt follows.",
    ),
    "JobFailing": (
        [Series("jobreporter_job_last_failure_timestamp_seconds", {**JOB, "final": "false"}, "600x20")],
        firing("JobFailing", "17m"),
        "backup fails",
        "backup last failed at 1970-01-01 00:10:00 +0000 UTC, and has not succeeded since, nor in the 15 minutes before now.",
    ),
    "JobMissed": (
        [
            Series("jobreporter_job_expected_interval_seconds", JOB, "600x40"),
            Series("jobreporter_job_last_success_timestamp_seconds", JOB, "60x40"),
        ],
        firing("JobMissed", "21m"),
        "backup has not succeeded in time",
        "The last success of backup was 20m 0s ago.",
    ),
    "JobNeverSucceeded": (
        [Series("jobreporter_job_expected_interval_seconds", JOB, "600x40")],
        firing("JobNeverSucceeded", "21m"),
        "backup has not succeeded once",
        "backup has been expected to succeed for 21m 0s, and no success was seen.",
    ),
    "JobStuck": (
        [
            Series("jobreporter_oldest_running_job_seconds", JOB, "3660+60x20"),
            Series("jobreporter_jobs_running_timestamp_seconds", JOB, "0+60x20"),
        ],
        firing("JobStuck", "10m"),
        "backup does not end",
        "An execution of backup has been running for 1h 11m 0s.",
    ),
    "JobVanished": (
        [
            Series("jobreporter_jobs_running", JOB, "1x20"),
            Series("jobreporter_jobs_running_timestamp_seconds", JOB, "0x20"),
        ],
        firing("JobVanished", "12m"),
        "backup has vanished",
        "backup was running, and nothing was heard of it for 12m 0s: its process was killed, or can't report.",
    ),
    "JobQueueWait": (
        [
            Series("jobreporter_job_queue_wait_seconds_bucket", {"queue": "slow", "le": le}, "0+10x40")
            for le in ("900.0", "+Inf")
        ],
        firing("JobQueueWait", "30m", {"queue": "slow"}),
        "jobs wait in queue slow",
        "One in twenty jobs of queue slow waits 14m 15s or longer for a worker.",
    ),
    "JobReporterDropping": (
        [Series("jobreporter_reporter_last_loss_timestamp_seconds", {"reporter": "log"}, "600x20")],
        firing("JobReporterDropping", "12m", {"reporter": "log"}),
        "reporter log loses events",
        "Reporter log last lost an event at 1970-01-01 00:10:00 +0000 UTC.",
    ),
    "JobReporterDown": (
        [Series("jobreporter_reporter_status", {"reporter": "log", "status": "wedged"}, "2x20")],
        firing("JobReporterDown", "12m", {"reporter": "log", "status": "wedged"}),
        "reporter log is wedged",
        "Reporter log has been wedged for 5 minutes in 2 processes.",
    ),
    "JobReporterLagging": (
        [Series("jobreporter_reporter_lag_seconds", {"reporter": "log"}, "400x20")],
        firing("JobReporterLagging", "12m", {"reporter": "log"}),
        "reporter log lags behind",
        "Events wait 6m 40s for reporter log.",
    ),
    "JobReporterNoAgent": (
        [Series("jobreporter_agents", {}, "1x20")],
        firing("JobReporterNoAgent", "32m", {}),
        "no agent reads the stream",
        "No agent is seen that hands events to reporters: they wait in the stream, for as long as its retention allows.",
    ),
    "JobReporterAgentsDiffer": (
        [Series("jobreporter_agents_unlike", {}, "2x60")],
        firing("JobReporterAgentsDiffer", "40m", {}),
        "agents run with different configs",
        (
            "2 of the agents have another config than the one that counts: what becomes of an event depends on which of"
            " them has it."
        ),
    ),
    "JobReporterQuiet": (
        [Series(FINISHED, SHOP, hours(BUSY, 8) + f" {8 * DAY}x{DAY}")],
        firing("JobReporterQuiet", at(8, 3), SHOP),
        "no job has ended for an hour",
        (
            "No execution ended in the last hour, though some did in the same hour yesterday and a week ago: workers, queue"
            " or reporter stand still."
        ),
    ),
    "JobReporterNothingReported": (
        [Series("up", {}, "1x60")],
        firing("JobReporterNothingReported", "12m", {}),
        "no reporter is seen",
        "There are no metrics of jobreporter: the reporter does not run, or Prometheus does not find it.",
    ),
    "JobReporterTooManyLabels": (
        [Series("jobreporter_label_overflow_total", {"label": "job"}, "0x9 1x20")],
        firing("JobReporterTooManyLabels", "12m", {"label": "job"}),
        "too many values of job",
        "Executions are counted as `other`, since there are more values of job than max_label_sets.",
    ),
}


@pytest.mark.parametrize("alert", TEXTS)
def test_each_alert_says_what_has_happened(alert: str, tmp_path: Path) -> None:
    """In a summary, in a sentence with the figures, and with a link to what can be done about it."""
    series, check, summary, description = TEXTS[alert]
    runbook = f"{RUNBOOKS}#{alert.lower()}"
    texts = {"summary": summary, "description": description, "runbook_url": runbook}
    if "job" in check.fires[0]:
        texts["page_url"] = ""
    interval = "5m" if alert == "JobReporterQuiet" else "1m"
    holds(Case(series, [check], interval), tmp_path, {alert: texts})


def test_alerts_about_jobs_lead_to_their_page(tmp_path: Path) -> None:
    """Where jobreporter has a page of its own, each links to the job there, whatever that is called."""
    job = {"source": "command", "job": "a b&c"}
    series = [
        Series("jobreporter_job_last_failure_timestamp_seconds", {**job, "final": "true"}, "600x20"),
        Series("jobreporter_build_info", {"version": "0.1.0", "page": "https://jobs.example"}, "1x20"),
        Series("jobreporter_build_info", {"version": "0.1.0"}, "1x20"),
    ]
    texts = {
        "summary": "a b&c failed for good",
        "description": "a b&c failed at 1970-01-01 00:10:00 +0000 UTC, and no further attempt follows.",
        "runbook_url": f"{RUNBOOKS}#jobfailedforgood",
        "page_url": "https://jobs.example/job?name=a+b%26c",
    }
    holds(Case(series, [firing("JobFailedForGood", "12m", job)]), tmp_path, {"JobFailedForGood": texts})


def test_every_alert_has_texts_and_a_severity() -> None:
    """None is left out here, and each is as urgent as it says in one of the usual words."""
    alerts = re.findall(r"alert: (\w+)", shipped("rules"))
    assert list(TEXTS) == alerts
    assert set(severities().values()) == {"critical", "warning", "info"}
    assert list(severities()) == alerts


def test_every_alert_has_a_runbook() -> None:
    """The page has a chapter for each, in the order of the rules, and the links lead there."""
    chapters = re.findall(r"^## (\w+)$", RUNBOOK_PAGE.read_text(), re.MULTILINE)
    assert chapters == re.findall(r"alert: (\w+)", shipped("rules"))


def test_the_runbooks_may_be_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Who has a copy of them says so when the rules are printed."""
    assert main(["rules", "--runbooks", "https://wiki.example/jobs"]) == 0
    printed = capsys.readouterr().out
    assert printed.count('runbook_url: "https://wiki.example/jobs#') == shipped("rules").count("alert:")
    assert RUNBOOKS not in printed
