"""A real Prometheus scrapes a real worker: two processes of Huey's consumer behind one address."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter_prometheus.__main__ import shipped
from tests.ports import free_port

from .helping import answers, get, number, page, running, server, until

APPLICATION = """
import os
from huey import SqliteHuey
from jobreporter.sources.huey import attach

huey = SqliteHuey("shop", filename="queue.db")
attach(huey)

@huey.task()
def send(to):
    pass

@huey.task(retries=1)
def charge(card):
    raise ValueError("declined")

@huey.task()
def hang(path):
    open(path).close()
"""

REPORTER = """
[context]
service = "shop"

[reporters.log]

[reporters.prometheus]
mode = "multiprocess"
directory = "shared"
port = {port}

[[reporters.prometheus.known]]
job = "shop.charge"
source = "huey"
queue = "shop"
errors = ["ValueError"]
every = 3600
"""

PROMETHEUS = """
global:
  scrape_interval: 200ms
  evaluation_interval: 200ms
rule_files: [rules.yml]
scrape_configs:
  - job_name: workers
    honor_labels: true
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


class Prometheus:
    """A Prometheus, by its HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, what: str, **words: str) -> Any:
        """The data of an answer."""
        answer = json.loads(get(f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(words)}"))
        assert answer["status"] == "success"
        return answer["data"]

    def value(self, query: str) -> float | None:
        """What a query that gives one number gives now."""
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else None

    def becomes(self, query: str, value: float) -> None:
        """Wait until the query gives the value."""
        until(lambda: self.value(query) == value, f"{query} = {value}, not {self.value(query)}")


@pytest.fixture(scope="module")
def port() -> int:
    """Where the worker serves its page."""
    return free_port()


@pytest.fixture(scope="module")
def folder(port: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the worker runs."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(APPLICATION)
    (folder / "jobreporter.toml").write_text(REPORTER.format(port=port))
    return folder


@pytest.fixture(scope="module")
def prometheus(folder: Path, port: int) -> Iterator[Prometheus]:
    """A Prometheus that scrapes a worker of two processes, with the rules that are shipped."""
    program = server("prometheus", "prometheus")
    (folder / "rules.yml").write_text(shipped("rules"))
    (folder / "prometheus.yml").write_text(PROMETHEUS.format(port=port))
    url = f"http://127.0.0.1:{free_port()}"
    options = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--enable-feature=exemplar-storage",
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "huey.bin.huey_consumer", "shop.huey", "-k", "process", "-w", "2"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}"), "the worker's page")
        with running(program, *options, log=folder / "prometheus.log", ready=lambda: answers(f"{url}/-/ready")):
            found = Prometheus(url)
            found.becomes("count(up == 1)", 1)
            yield found
    finally:
        worker.terminate()
        worker.wait()


def enqueue(folder: Path, *calls: str) -> None:
    """Enqueue jobs, in a process that does nothing else."""
    program = f"import shop; {'; '.join(f'shop.{call}' for call in calls)}"
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)


def test_it_scrapes_without_complaint(prometheus: Prometheus) -> None:
    """The target is up, in the format that has exemplars, and there is nothing that Prometheus doesn't like."""
    [target] = prometheus.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")


def test_the_first_failure_is_a_rise(prometheus: Prometheus, folder: Path) -> None:
    """A known job's first failure shows in increase(), and its alert fires."""
    failed = 'jobreporter_jobs_finished_total{job="shop.charge", outcome="failure"}'
    prometheus.becomes(failed, 0)
    enqueue(folder, "charge('4242')")
    prometheus.becomes(failed, 2)
    until(lambda: (prometheus.value(f"increase({failed}[1m])") or 0) > 0, "the rise")
    by_error = 'jobreporter_job_failures_total{job="shop.charge", error_type="ValueError", final="true"}'
    assert prometheus.value(by_error) == 1
    until(lambda: (prometheus.value(f"increase({by_error}[1m])") or 0) > 0, "the rise of the error")
    assert prometheus.value('jobreporter_job_retries_total{job="shop.charge"}') == 1

    def alerts() -> set[tuple[str, str, str]]:
        labelled = [(each["labels"], each["state"]) for each in prometheus.ask("alerts")["alerts"]]
        return {(labels["alertname"], labels.get("job", ""), state) for labels, state in labelled}

    due = {("JobFailedForGood", "shop.charge", "firing"), ("JobFailing", "shop.charge", "pending")}
    until(lambda: alerts() >= due, "the alerts")


def test_totals_are_those_of_all_processes(prometheus: Prometheus, folder: Path) -> None:
    """Jobs that ran in two processes are added up, under the job's own name."""
    enqueue(folder, *["send('you')"] * 30)
    prometheus.becomes('sum(jobreporter_jobs_finished_total{job="shop.send", outcome="success"})', 30)
    prometheus.becomes(
        'jobreporter_job_duration_seconds_count{job="shop.send", queue="shop", service="shop", source="huey"}', 30
    )
    assert prometheus.value('count(jobreporter_reporter_status{reporter="prometheus", status="running"})') == 1
    assert prometheus.value('count({__name__=~"jobreporter_.*", exported_job!=""})') is None
    assert (prometheus.value('time() - jobreporter_job_last_success_timestamp_seconds{job="shop.send"}') or 99) < 30


def test_a_job_that_hangs_is_seen_while_it_does(prometheus: Prometheus, folder: Path) -> None:
    """The gauges show a job that is running, and that it has ended."""
    pipe = folder / "pipe"
    subprocess.run(["mkfifo", pipe], check=True)
    enqueue(folder, "hang('pipe')")
    prometheus.becomes('jobreporter_jobs_running{job="shop.hang"}', 1)
    until(lambda: (prometheus.value('jobreporter_oldest_running_job_seconds{job="shop.hang"}') or 0) > 0, "its age")
    pipe.write_text("")
    prometheus.becomes('jobreporter_jobs_running{job="shop.hang"}', 0)
    prometheus.becomes('jobreporter_oldest_running_job_seconds{job="shop.hang"}', 0)


def test_exemplars_are_kept(prometheus: Prometheus, folder: Path) -> None:
    """Prometheus asks for OpenMetrics, and knows a job of each bucket by its id."""
    enqueue(folder, "send('me')")

    def examples() -> Any:
        names = "jobreporter_job_duration_seconds_bucket"
        return prometheus.ask("query_exemplars", query=names, start="0", end="9999999999")

    [found, *_] = until(examples, "the exemplars")
    assert re.fullmatch(r"[0-9a-f-]{36}", found["exemplars"][0]["labels"]["job_id"])


def test_the_ledger_agrees_with_the_jobs(prometheus: Prometheus, port: int) -> None:
    """Every event is accounted for, and as many were handled as the counters of jobs say."""
    assert prometheus.value("count(up == 1)") == 1

    def agrees() -> bool:
        text = page(port)
        kinds = ("handled_total", "failed_total", "filtered_total", "dropped_total", "pending")
        for reporter in ("log", "prometheus"):
            accepted, *became = [
                number(text, f"jobreporter_reporter_events_{kind}", reporter=reporter) or 0
                for kind in ("accepted_total", *kinds)
            ]
            assert accepted == sum(became)
        started = number(text, "jobreporter_jobs_started_total") or 0
        finished = number(text, "jobreporter_jobs_finished_total") or 0
        handled = number(text, "jobreporter_reporter_events_handled_total", reporter="prometheus")
        return handled == started + 2 * finished

    until(agrees, "the reporter's own line, which is behind by a flush")


def test_the_rules_are_loaded_and_healthy(prometheus: Prometheus) -> None:
    """Prometheus has evaluated each rule, and none failed."""

    def rules() -> list[dict[str, Any]]:
        return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]

    until(lambda: all(rule["health"] == "ok" for rule in rules()), "the rules' first evaluation")
    assert len(rules()) == shipped("rules").count("alert:") + shipped("rules").count("record:")


#: What has no figures where no agent runs, and nothing is given up, waits, or goes wrong.
UNSEEN = {"Given up, by reason", "Wait in the queue", "Events lost", "Processes not running a reporter", "Lag"}
UNSEEN |= {"Dead letters, expired and unknown events", "Producers"}


def queries() -> dict[str, list[str]]:
    """What each panel of the dashboard asks, with all jobs chosen at its top."""
    chosen = r"\$(service|environment|source|queue|name)"
    found: dict[str, list[str]] = {}
    for panel in json.loads(shipped("dashboard"))["panels"]:
        for target in panel.get("targets", ()):
            query = re.sub(r"\$__(rate_interval|range)", "1m", target["expr"])
            found.setdefault(panel["title"], []).append(re.sub(chosen, ".*", query))
    return found


@pytest.mark.parametrize(("panel", "asked"), queries().items(), ids=queries())
def test_every_panel_of_the_dashboard_has_an_answer(
    panel: str, asked: list[str], prometheus: Prometheus, folder: Path
) -> None:
    """Prometheus understands each query, and has figures for it after some jobs ran."""
    enqueue(folder, "send('you')", "charge('4242')")
    for query in asked:
        prometheus.ask("query", query=query)
    if panel not in UNSEEN:
        until(lambda: prometheus.ask("query", query=asked[0])["result"], panel)


def test_what_can_be_chosen_on_the_dashboard_is_there(prometheus: Prometheus, folder: Path) -> None:
    """Each list at its top has the values that the jobs have, given what is chosen in those before it."""
    enqueue(folder, "send('you')")
    prometheus.becomes('count(jobreporter_jobs_started_total{job="shop.send"})', 1)
    choices = {"service": {"shop"}, "environment": set(), "source": {"huey"}, "queue": {"shop"}}
    for variable in json.loads(shipped("dashboard"))["templating"]["list"][1:]:
        [(series, label)] = re.findall(r"^label_values\((.*), (\w+)\)$", variable["query"]["query"])
        series = re.sub(r"\$\w+", ".*", series)
        values = {each.get(label) for each in prometheus.ask("series", **{"match[]": series})} - {None}
        assert values >= choices.get(variable["name"], {"shop.send"}), variable["name"]
