"""What is on the page, event by event."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from jobreporter import Aborted, Dispatcher, Event, Failure, LaneStats, Started, Stopped, Success
from jobreporter.testing import make_error, make_event, make_job
from jobreporter_prometheus import KnownJob, PrometheusOptions, PrometheusReporter

from .helping import OPENMETRICS, get, make_context, number, numbers, page_of, port_of, server, started, tell

JOB = {"source": "python", "queue": "default", "job": "reports.nightly"}


def test_a_success_is_counted_with_its_times() -> None:
    """A success counts as started and finished, its duration and wait are observed, and its time is kept."""
    with started() as reporter:
        tell(reporter, make_event(Started), make_event(Success, duration=0.3, queue_wait=7.0, at=1_700_000_001.0))
        text = page_of(reporter)
    assert number(text, "jobreporter_jobs_started_total", **JOB) == 1
    assert number(text, "jobreporter_jobs_finished_total", **JOB, outcome="success") == 1
    assert number(text, "jobreporter_job_duration_seconds_count", **JOB) == 1
    assert number(text, "jobreporter_job_duration_seconds_sum", **JOB) == 0.3
    assert number(text, "jobreporter_job_duration_seconds_bucket", **JOB, le="0.25") == 0
    assert number(text, "jobreporter_job_duration_seconds_bucket", **JOB, le="0.5") == 1
    assert number(text, "jobreporter_job_queue_wait_seconds_bucket", **JOB, le="10.0") == 1
    assert number(text, "jobreporter_job_last_success_timestamp_seconds", **JOB) == 1_700_000_001.0


def test_an_older_success_does_not_turn_back_the_time() -> None:
    """The last success is the latest, in whatever order successes arrive."""
    with started() as reporter:
        tell(reporter, make_event(Success, at=2_000.0), make_event(Success, at=1_000.0))
        assert number(page_of(reporter), "jobreporter_job_last_success_timestamp_seconds", **JOB) == 2_000.0


def test_a_failure_is_counted_by_its_error() -> None:
    """A failure counts by the type of its error and whether it was the last attempt; what follows is a retry."""
    declined = make_error("shop.errors.Declined")
    with started() as reporter:
        tell(reporter, make_event(Failure, will_retry=True), make_event(Failure, error=declined, will_retry=False))
        text = page_of(reporter)
    failures = "jobreporter_job_failures_total"
    assert number(text, failures, **JOB, error_type="ValueError", final="false") == 1
    assert number(text, failures, **JOB, error_type="shop.errors.Declined", final="true") == 1
    assert number(text, failures) == 2
    assert number(text, "jobreporter_jobs_finished_total", **JOB, outcome="failure") == 2
    assert number(text, "jobreporter_job_retries_total", **JOB) == 1


def test_an_abort_is_counted_by_its_reason() -> None:
    """What was given up counts by reason, and as a retry where another attempt follows."""
    with started() as reporter:
        tell(reporter, make_event(Aborted, reason="expired", duration=None))
        tell(reporter, make_event(Aborted, reason="retry_requested", will_retry=True))
        text = page_of(reporter)
    assert number(text, "jobreporter_job_aborts_total", **JOB, reason="expired") == 1
    assert number(text, "jobreporter_job_aborts_total", **JOB, reason="retry_requested") == 1
    assert number(text, "jobreporter_jobs_finished_total", **JOB, outcome="aborted") == 2
    assert number(text, "jobreporter_job_retries_total", **JOB) == 1
    assert number(text, "jobreporter_job_duration_seconds_count", **JOB) == 1


def test_labels_are_never_ids_or_hosts() -> None:
    """No label tells one execution, process or machine from another."""
    with started() as reporter:
        job = make_job(id="the-id", execution_id="the-execution", worker="the-host:1", correlation_id="the-correlation")
        tell(reporter, *[make_event(kind, job=job) for kind in ("started", "failure", "stopped")])
        text = page_of(reporter)
    assert "the-" not in text
    names = {name for _, labels in numbers(text) for name, _ in labels}
    assert names == {"source", "queue", "job", "outcome", "error_type", "final", "le", "label", "version"}


def test_a_job_without_a_queue_has_an_empty_label() -> None:
    """Prometheus takes an empty label as none."""
    with started() as reporter:
        tell(reporter, make_event(Started, job=make_job(queue=None)))
        assert number(page_of(reporter), "jobreporter_jobs_started_total", queue="") == 1


def test_a_new_job_begins_at_zero() -> None:
    """Once a job has started, its other counters are there at zero, so that its first failure is seen as a rise."""
    with started() as reporter:
        tell(reporter, make_event(Started))
        text = page_of(reporter)
    assert number(text, "jobreporter_jobs_finished_total", **JOB, outcome="failure") == 0
    assert number(text, "jobreporter_job_retries_total", **JOB) == 0


def test_known_jobs_begin_at_zero() -> None:
    """A job that is listed is there before it has run: counters, histograms, its errors and its interval."""
    nightly = KnownJob(job="nightly", source="command", errors=("ValueError", "builtins.KeyError"), every=86_400.0)
    with started(PrometheusOptions(port=0, known=(nightly,))) as reporter:
        text = page_of(reporter)
    job = {"source": "command", "queue": "", "job": "nightly"}
    for outcome in ("success", "aborted", "failure"):
        assert number(text, "jobreporter_jobs_finished_total", **job, outcome=outcome) == 0
    for error_type in ("ValueError", "KeyError"):
        assert number(text, "jobreporter_job_failures_total", **job, error_type=error_type, final="true") == 0
    assert number(text, "jobreporter_jobs_started_total", **job) == 0
    assert number(text, "jobreporter_jobs_running", **job) == 0
    assert number(text, "jobreporter_job_duration_seconds_count", **job) == 0
    assert number(text, "jobreporter_job_expected_interval_seconds", **job) == 86_400.0
    assert number(text, "jobreporter_job_last_success_timestamp_seconds", **job) is None


def test_a_hundred_thousand_names_are_capped() -> None:
    """Names, errors and reasons that a job makes up take no more room than the cap, and what is over is counted."""
    with started(PrometheusOptions(port=0, max_label_sets=50)) as reporter:
        for made_up in range(100_000 // 3):
            job = make_job(name=f"job-{made_up}")
            tell(reporter, make_event(Success, job=job), make_event(Aborted, reason=f"reason-{made_up}"))
            tell(reporter, make_event(Failure, job=job, error=make_error(f"made.up.Error{made_up}")))
        text = page_of(reporter)
    assert len(text.splitlines()) < 4_000
    assert number(text, "jobreporter_jobs_finished_total") == 3 * (100_000 // 3)
    for label in ("job", "error_type", "reason"):
        assert (number(text, "jobreporter_label_overflow_total", label=label) or 0) > 30_000
    assert number(text, "jobreporter_jobs_finished_total", source="other", queue="other", job="other") == number(
        text, "jobreporter_label_overflow_total", label="job"
    )


def test_label_values_are_safe() -> None:
    """A name that is long, or has what can't be encoded in it, is cut and escaped, and the page can be read."""
    hostile = 'a"\\\n\ud800\x1b' + "b" * 10_000
    with started() as reporter:
        tell(reporter, make_event(Failure, job=make_job(name=hostile, id=hostile), error=make_error(hostile)))
        assert len(page_of(reporter)) < 20_000
        list(parse_openmetrics(page_of(reporter, OPENMETRICS)))


@pytest.mark.parametrize("missing", ["started", "stopped", "outcome"])
def test_what_is_missing_leaves_no_execution_running(missing: str) -> None:
    """Whichever event of an execution was lost, the gauges say in the end that nothing runs."""
    events: dict[str, Event] = {
        "started": make_event(Started),
        "outcome": make_event(Success),
        "stopped": make_event(Stopped),
    }
    with started() as reporter:
        tell(reporter, *[event for name, event in events.items() if name != missing])
        assert not number(page_of(reporter), "jobreporter_jobs_running")


def test_what_runs_is_counted_and_timed() -> None:
    """The gauges have how many executions of a job run, and for how long the oldest has."""
    with started() as reporter:
        now = reporter.tally.read().running  # an empty one, to begin with
        assert now.ages(0.0) == {}
        for number_of_job, at in enumerate((1_000.0, 2_000.0)):
            tell(reporter, make_event(Started, job=make_job(id=str(number_of_job)), at=at))
        ages = reporter.tally.read().running.ages(2_500.0)
    assert {job[2:]: (age.runs, age.oldest) for job, age in ages.items()} == {tuple(JOB.values()): (2, 1_500.0)}


def test_openmetrics_has_exemplars() -> None:
    """Where the scraper asks for OpenMetrics, failures and durations name a job as an example; otherwise none do."""
    with started() as reporter:
        tell(reporter, make_event(Failure, job=make_job(id="the-job"), duration=0.2, queue_wait=1.5))
        text, plain = page_of(reporter, OPENMETRICS), page_of(reporter)
    samples = [sample for family in parse_openmetrics(text) for sample in family.samples if sample.exemplar]
    assert {(sample.name, sample.exemplar.value) for sample in samples if sample.exemplar} == {
        ("jobreporter_job_failures_total", 1.0),
        ("jobreporter_job_duration_seconds_bucket", 0.2),
        ("jobreporter_job_queue_wait_seconds_bucket", 1.5),
    }
    assert {sample.exemplar.labels["job_id"] for sample in samples if sample.exemplar} == {"the-job"}
    assert "the-job" not in plain


def test_an_id_that_is_too_long_is_no_exemplar() -> None:
    """OpenMetrics allows 128 characters; an id that is longer is left out rather than cut into another."""
    with started() as reporter:
        tell(reporter, make_event(Success, job=make_job(id="x" * 123)))
        assert "xxx" not in page_of(reporter, OPENMETRICS)
        tell(reporter, make_event(Success, job=make_job(id="x" * 122)))
        assert "xxx" in page_of(reporter, OPENMETRICS)


def test_a_scraper_may_ask_by_name() -> None:
    """`name[]` restricts the page to what it names."""
    with started() as reporter:
        tell(reporter, make_event(Started))
        text = get(f"http://127.0.0.1:{port_of(reporter)}/metrics?name[]=jobreporter_jobs_running")
    assert {name for name, _ in numbers(text)} == {"jobreporter_jobs_running"}


def test_the_ledger_is_on_the_page() -> None:
    """Every reporter's ledger is there, reasons and states that have not occurred included."""
    stats = LaneStats(
        accepted=10, handled=4, failed=1, filtered=2, dropped={"capacity": 2}, pending=1, restarts=3, status="wedged"
    )
    with started(context=make_context(lambda: {"sentry": stats})) as reporter:
        text = page_of(reporter)
    found = {
        name: number(text, f"jobreporter_reporter_{name}", reporter="sentry")
        for name in ("events_accepted_total", "events_handled_total", "events_failed_total", "events_filtered_total")
    }
    assert list(found.values()) == [10, 4, 1, 2]
    assert number(text, "jobreporter_reporter_events_dropped_total", reporter="sentry", reason="capacity") == 2
    assert number(text, "jobreporter_reporter_events_dropped_total", reporter="sentry", reason="ingress") == 0
    assert number(text, "jobreporter_reporter_events_pending", reporter="sentry") == 1
    assert number(text, "jobreporter_reporter_restarts_total", reporter="sentry") == 3
    assert number(text, "jobreporter_reporter_status", reporter="sentry", status="wedged") == 1
    assert number(text, "jobreporter_reporter_status", reporter="sentry", status="running") == 0


def test_the_page_agrees_with_the_dispatcher() -> None:
    """The figures of the page are those of the dispatcher's own ledger."""
    reporter = PrometheusReporter()
    config = {"reporters": {"prometheus": {"port": 0}}}
    with Dispatcher(reporters={"prometheus": reporter}, config=config) as dispatcher:
        for _ in range(5):
            with dispatcher.begin("reports.nightly", queue="cron"):
                pass
        assert dispatcher.flush(10.0)
        text, ledger = page_of(reporter), dispatcher.stats()["prometheus"]
    assert ledger.handled == number(text, "jobreporter_reporter_events_handled_total", reporter="prometheus") == 15
    assert number(text, "jobreporter_jobs_finished_total", job="reports.nightly", outcome="success") == 5


def test_promtool_finds_nothing_to_say() -> None:
    """Names, types and help are as Prometheus' own linter wants them."""
    promtool = server("promtool", "prometheus")
    with started(context=make_context(lambda: {"log": LaneStats()})) as reporter:
        tell(reporter, *[make_event(kind) for kind in ("started", "success", "aborted", "failure", "stopped")])
        text = page_of(reporter)
    checked = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_applications_own_multiprocess_mode_is_left_alone(tmp_path: Path) -> None:
    """Where the application has PROMETHEUS_MULTIPROC_DIR set, nothing of ours goes there or comes from there."""
    program = """
import prometheus_client
from jobreporter import Dispatcher
from jobreporter_prometheus import PrometheusReporter
config = {"reporters": {"prometheus": {"port": 0}}}
with Dispatcher(reporters={"prometheus": PrometheusReporter}, config=config) as dispatcher:
    with dispatcher.begin("reports.nightly"):
        pass
    assert dispatcher.flush(10.0)
print(prometheus_client.generate_latest().decode().count("jobreporter"))
"""
    env = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("0", "")
    assert list(tmp_path.iterdir()) == []
