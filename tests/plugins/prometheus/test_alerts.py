"""When the shipped alerts about jobs fire, by Prometheus' own reckoning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobreporter import Origin
from jobreporter.testing import make_event, make_job
from jobreporter_prometheus import PrometheusOptions

from .helping import Time, get, make_context, numbers, pushgateway, started, tell
from .promtool import JOB, Case, Check, Series, firing, holds, silent

SUCCESS = "jobreporter_job_last_success_timestamp_seconds"
FAILURE = "jobreporter_job_last_failure_timestamp_seconds"
EXPECTED = "jobreporter_job_expected_interval_seconds"
OLDEST = "jobreporter_oldest_running_job_seconds"
RUNNING = "jobreporter_jobs_running"
MEASURED = "jobreporter_jobs_running_timestamp_seconds"
FINAL = {**JOB, "final": "true"}
DAY, WEEK, YEAR = 86_400, 7 * 86_400, 365 * 86_400

CASES: dict[str, Case] = {
    # A command that ends after each run: its counter is at one after each failure, and only the time moves on.
    "the first failure of a command, and every further one": Case(
        [Series(FAILURE, FINAL, "_x10 600x50 3600x60"), Series("jobreporter_job_failures_total", FINAL, "_x10 1x110")],
        [
            *silent("JobFailedForGood", "9m", "30m", "59m", "80m"),
            firing("JobFailedForGood", "10m"),
            firing("JobFailedForGood", "24m"),
            firing("JobFailedForGood", "61m"),
            firing("JobFailedForGood", "74m"),
        ],
    ),
    "the first failure of a worker, and every further one": Case(
        [
            Series(FAILURE, {**FINAL, "instance": "a"}, "600x60 3660x30"),
            Series(SUCCESS, {**JOB, "instance": "a"}, "0+60x90"),
        ],
        [firing("JobFailedForGood", "12m"), *silent("JobFailedForGood", "26m"), firing("JobFailedForGood", "62m")],
    ),
    "a failure that is retried": Case(
        [Series(FAILURE, {**JOB, "final": "false"}, "_x10 600x20")], silent("JobFailedForGood", "10m", "20m")
    ),
    "two hosts, of which one fails": Case(
        [
            Series(FAILURE, {**FINAL, "instance": "a"}, "600x30"),
            Series(SUCCESS, {**JOB, "instance": "b"}, "0+60x30"),
        ],
        [firing("JobFailedForGood", "12m"), *silent("JobFailing", "20m")],
    ),
    "another service's job of the same name": Case(
        [Series(FAILURE, FINAL, "_x10 600x30"), Series(SUCCESS, {**JOB, "service": "crm"}, "0+60x40")],
        [firing("JobFailedForGood", "12m"), firing("JobFailing", "20m")],
    ),
    "a job that only fails": Case(
        [Series(FAILURE, {**JOB, "final": "false"}, "_x10 600+60x100")],
        [*silent("JobFailing", "9m", "14m"), firing("JobFailing", "16m"), firing("JobFailing", "100m")],
    ),
    "a job that failed, and then succeeded": Case(
        [Series(FAILURE, FINAL, "_x10 600x50"), Series(SUCCESS, JOB, "0x29 1800x31")],
        [firing("JobFailing", "22m"), *silent("JobFailing", "31m", "50m")],
    ),
    "a job that fails and succeeds by turns": Case(
        [Series(FAILURE, FINAL, "0+120x30"), Series(SUCCESS, JOB, "0+100x36")], silent("JobFailing", "20m", "59m")
    ),
    "a job that was run by hand, and not again": Case(
        [Series(FAILURE, FINAL, "_x10 600x300")], [firing("JobFailing", "30m"), *silent("JobFailing", "75m", "5h")]
    ),
    "a deployment: all figures begin anew": Case(
        [
            Series(FAILURE, FINAL, "60x20 _x5 _x60"),
            Series("jobreporter_job_failures_total", FINAL, "7x20 _x5 0x60"),
            Series("jobreporter_jobs_finished_total", {**JOB, "outcome": "failure"}, "7x20 _x5 0x60"),
            Series(SUCCESS, JOB, "30x20 _x5 1600x60"),
        ],
        [*silent("JobFailedForGood", "22m", "27m", "40m"), *silent("JobFailing", "27m", "80m")],
    ),
    "a deployment between two failures": Case(
        [Series(FAILURE, FINAL, "60x20 _x10 1860x30")],
        [*silent("JobFailedForGood", "20m", "30m"), firing("JobFailedForGood", "32m")],
    ),
    "the test failure of check": Case(
        [
            Series(FAILURE, {"job": "jobreporter.check", "source": "jobreporter", "final": "true"}, "600x40"),
            Series("jobreporter_jobs_finished_total", {"job": "jobreporter.check", "outcome": "failure"}, "0x10 1x30"),
        ],
        [*silent("JobFailedForGood", "10m", "20m"), *silent("JobFailing", "20m", "30m")],
    ),
    "a job that is due daily, and does not succeed": Case(
        [Series(EXPECTED, JOB, f"{DAY}x80"), Series(SUCCESS, JOB, "3600x80")],
        [*silent("JobMissed", "36h"), firing("JobMissed", "39h"), *silent("JobNeverSucceeded", "39h", "80h")],
        "1h",
    ),
    "a job that is due daily, whose worker is deployed anew": Case(
        [Series(EXPECTED, JOB, f"{DAY}x20 _x3 {DAY}x80"), Series(SUCCESS, JOB, "3600x20 _x83")],
        [*silent("JobMissed", "22h", "36h"), firing("JobMissed", "39h"), *silent("JobNeverSucceeded", "39h", "100h")],
        "1h",
    ),
    "a job that is due weekly, though Prometheus looks back no further": Case(
        [Series(EXPECTED, JOB, f"{WEEK}x300"), Series(SUCCESS, JOB, "3600x2 _x298")],
        [*silent("JobMissed", "169h", "192h"), firing("JobMissed", "195h"), firing("JobMissed", "299h")],
        "1h",
    ),
    "a job that is due yearly, and succeeds each time": Case(
        [
            Series(EXPECTED, JOB, f"{YEAR}x2000"),
            Series(SUCCESS, JOB, "43200x4 _x728 31579200x4 _x1264"),
        ],
        [*silent("JobMissed", "8760h", "8790h", "17000h"), *silent("JobNeverSucceeded", "8760h", "17000h")],
        "12h",
    ),
    "a job that is due yearly, and is missed": Case(
        [Series(EXPECTED, JOB, f"{YEAR}x800"), Series(SUCCESS, JOB, "43200x4 _x796")],
        [*silent("JobMissed", "8790h"), firing("JobMissed", "8820h"), *silent("JobNeverSucceeded", "8820h")],
        "12h",
    ),
    "a job that is due daily, and has never succeeded": Case(
        [Series(EXPECTED, JOB, f"{DAY}x80"), Series(FAILURE, FINAL, "3600x80")],
        [*silent("JobNeverSucceeded", "36h"), firing("JobNeverSucceeded", "38h"), *silent("JobMissed", "38h", "80h")],
        "1h",
    ),
    "a job that is due weekly, and has never succeeded, with a deployment": Case(
        [Series(EXPECTED, JOB, f"{WEEK}x100 _x10 {WEEK}x200")],
        [*silent("JobNeverSucceeded", "120h", "191h"), firing("JobNeverSucceeded", "195h")],
        "1h",
    ),
    "a job that is due yearly, and has never succeeded": Case(
        [Series(EXPECTED, JOB, f"{YEAR}x800")],
        [*silent("JobNeverSucceeded", "40h", "8760h"), firing("JobNeverSucceeded", "8810h")],
        "12h",
    ),
    "a job that is no longer expected": Case(
        [Series(EXPECTED, JOB, f"{DAY}x20 _x100"), Series(SUCCESS, JOB, "3600x20 _x100")],
        [*silent("JobMissed", "50h", "119h"), *silent("JobNeverSucceeded", "50h", "119h")],
        "1h",
    ),
    "a job that does not end, and one that takes its time": Case(
        [
            Series(OLDEST, JOB, "0+60x90"),
            Series(MEASURED, JOB, "0+60x90"),
            Series(OLDEST, {**JOB, "job": "quick"}, "0+60x62 0x30"),
            Series(MEASURED, {**JOB, "job": "quick"}, "0+60x62 _x30"),
        ],
        [*silent("JobStuck", "64m"), firing("JobStuck", "67m"), *silent("JobVanished", "67m")],
    ),
    "a job whose process was killed, and left its figures behind": Case(
        [Series(OLDEST, JOB, "4000x60"), Series(RUNNING, JOB, "1x60"), Series(MEASURED, JOB, "0+60x10 600x50")],
        [
            firing("JobStuck", "12m"),
            *silent("JobVanished", "12m", "16m"),
            firing("JobVanished", "22m"),
            *silent("JobStuck", "20m", "60m"),
        ],
    ),
    "a job whose process was killed, and whose next run corrects it": Case(
        [Series(RUNNING, JOB, "1x30 0x30"), Series(MEASURED, JOB, "0+60x10 600x50")],
        [firing("JobVanished", "25m"), *silent("JobVanished", "32m")],
    ),
    "one host's job goes on, another one's has vanished": Case(
        [
            Series(RUNNING, {**JOB, "instance": "a"}, "1x60"),
            Series(MEASURED, {**JOB, "instance": "a"}, "0+60x60"),
            Series(RUNNING, {**JOB, "instance": "b"}, "1x60"),
            Series(MEASURED, {**JOB, "instance": "b"}, "600x60"),
        ],
        [firing("JobVanished", "30m")],
    ),
    "jobs that wait in one queue, and not in another": Case(
        [
            Series("jobreporter_job_queue_wait_seconds_bucket", {**JOB, "queue": queue, "le": bound}, values)
            for queue, counts in {"slow": ("0+1x60", "0+10x60"), "quick": ("0+10x60", "0+10x60")}.items()
            for bound, values in zip(("300.0", "900.0", "+Inf"), (*counts, counts[-1]), strict=True)
        ],
        [firing("JobQueueWait", "30m", {"service": "shop", "source": "command", "queue": "slow"})],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_alerts_fire_when_they_should(case: Case, tmp_path: Path) -> None:
    """Neither sooner nor later, nor for another job."""
    holds(case, tmp_path)


def test_each_case_asks_for_something() -> None:
    """Every alert about a job fires in some case, and is silent in another."""
    checks: list[Check] = [check for case in CASES.values() for check in case.checks]
    fire = {check.alert for check in checks if check.fires}
    assert fire == {
        "JobFailedForGood",
        "JobFailing",
        "JobMissed",
        "JobNeverSucceeded",
        "JobStuck",
        "JobVanished",
        "JobQueueWait",
    }
    assert fire - {"JobQueueWait"} <= {check.alert for check in checks if not check.fires}


class History:
    """What Prometheus would have scraped, minute by minute."""

    def __init__(self) -> None:
        self.times = Time()
        self._begun = self.times.clock.now()
        self._minutes = 0
        self._series: dict[tuple[str, frozenset[tuple[str, str]]], list[str]] = {}

    def until(self, minute: int, text: str) -> None:
        """Up to this minute, the page was this."""
        found = numbers(text)
        for key in {*self._series, *found}:
            if not key[0].startswith("jobreporter_"):
                continue
            values = self._series.setdefault(key, ["_"] * self._minutes)
            number = found.get(key)
            if number is not None and key[0].endswith("timestamp_seconds"):
                number -= self._begun  # promtool's time begins at zero
            values += ["_" if number is None else f"{number:.3f}"] * (minute - self._minutes)
        self.times.wait((minute - self._minutes) * 60)
        self._minutes = minute

    def run(self, options: PrometheusOptions, kind: str, job: str = "backup", source: str = "command") -> None:
        """A command runs now, in a process of its own, and ends so."""
        shop = {"host": "host", "pid": 1, "version": "0.1.0", "service": "shop"}
        ran = make_job(name=job, source=source, queue=None)
        with started(options, make_context(service="shop"), self.times) as reporter:
            for event in ("started", kind, "stopped"):
                tell(reporter, make_event(event, job=ran, at=self.times.clock.now()), origin=Origin(**shop))
                reporter.reporter_flush()

    @property
    def series(self) -> list[Series]:
        """All of it, for promtool."""
        return [Series(name, dict(labels), " ".join(values)) for (name, labels), values in self._series.items()]


@pytest.fixture(params=["push", "push, with a directory", "textfile"])
def outlet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[PrometheusOptions, Callable[[], str]]]:
    """Options for commands that end after each run, and the page that Prometheus scrapes."""
    if request.param == "textfile":
        path = tmp_path / "jobs.prom"
        yield PrometheusOptions(mode="textfile", path=str(path)), path.read_text
        return
    directory = str(tmp_path / "shared") if "directory" in request.param else None
    with pushgateway(tmp_path) as url:
        yield (
            PrometheusOptions(mode="push", gateway=url, directory=directory, push_timeout=20.0),
            lambda: get(f"{url}/metrics"),
        )


def test_every_failure_of_a_command_is_told(
    outlet: tuple[PrometheusOptions, Callable[[], str]], tmp_path: Path
) -> None:
    """By what a command leaves behind in a gateway and in a textfile: the first failure, the second, and the end of both."""
    options, page = outlet
    history = History()
    history.until(5, "")
    history.run(options, "success")
    history.until(10, page())
    for failed_at in (10, 60, 120):
        history.run(options, "failure")
        history.until(failed_at + 30, page())
        history.run(options, "success")
        history.until(failed_at + 50 if failed_at < 60 else failed_at + 60, page())
    labels = {"service": "shop", "source": "command", "job": "backup"}
    host = {} if options.mode == "textfile" else {"instance": "host"}
    assert {"instance"} & {name for series in history.series for name in series.labels} == set(host)
    holds(
        Case(
            history.series,
            [
                *silent("JobFailedForGood", "9m", "26m", "58m", "76m", "136m"),
                *(firing("JobFailedForGood", f"{failed + 1}m", labels) for failed in (10, 60, 120)),
                *(firing("JobFailing", f"{failed + 20}m", labels) for failed in (10, 60, 120)),
                *silent("JobFailing", "50m", "100m", "160m"),
            ],
        ),
        tmp_path,
    )


def test_the_test_failure_of_check_is_told_nobody(
    outlet: tuple[PrometheusOptions, Callable[[], str]], tmp_path: Path
) -> None:
    """What `jobreporter check --send` leaves behind fires no alert."""
    options, page = outlet
    history = History()
    history.until(5, "")
    history.run(options, "failure", "jobreporter.check", "jobreporter")
    history.until(60, page())
    alerts = (
        "JobFailedForGood",
        "JobFailing",
        "JobMissed",
        "JobNeverSucceeded",
        "JobStuck",
        "JobVanished",
        "JobReporterDropping",
    )
    holds(Case(history.series, [check for alert in alerts for check in silent(alert, "6m", "20m", "50m")]), tmp_path)
