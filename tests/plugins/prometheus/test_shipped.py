"""The alert rules and the dashboard that come with the package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobreporter_prometheus.__main__ import SHIPPED, main, shipped
from jobreporter_prometheus._families import FAMILIES

from .helping import server

SHIPPED_FOLDER = Path(__file__).parents[3] / "plugins/prometheus/src/jobreporter_prometheus/shipped"
RULES = SHIPPED_FOLDER / SHIPPED["rules"]

#: What the issue of an alert is called: failing, missed, stuck, queue wait, reporter dropping, nothing reported.
NEEDED = {"JobFailing", "JobMissed", "JobStuck", "JobQueueWait", "JobReporterDropping", "JobReporterNothingReported"}

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
NAMES = {f"{family.name}{suffix}": family for family in FAMILIES.values() for suffix in SUFFIXES[family.kind]}


@pytest.mark.parametrize("name", SHIPPED)
def test_only_metrics_that_exist_are_used(name: str) -> None:
    """Rules and dashboard name no metric that is not on the page."""
    used = set(re.findall(r"\bjobreporter_\w+", shipped(name)))
    assert used
    assert used - set(NAMES) == set()


@pytest.mark.parametrize("name", SHIPPED)
def test_only_labels_that_exist_are_used(name: str) -> None:
    """No selector asks for a label that its metric doesn't have."""
    text = shipped(name).replace('\\"', '"')
    for metric, selectors in re.findall(r"\b(jobreporter_\w+)\{(.*?)\}", text):
        asked = set(re.findall(r"(\w+)\s*(?:=~|!=|=)", selectors))
        assert asked <= set(NAMES[metric].labels), metric


def test_all_metrics_of_jobs_are_on_the_dashboard() -> None:
    """Whatever is counted of a job can be seen."""
    dashboard = shipped("dashboard")
    unseen = {name for name, family in FAMILIES.items() if name not in dashboard and "job" in family.labels}
    assert unseen == {"jobreporter_job_expected_interval_seconds"}


def test_the_rules_have_every_alert() -> None:
    """There is an alert for each thing that may go wrong."""
    assert set(re.findall(r"alert: (\w+)", shipped("rules"))) >= NEEDED


def test_promtool_accepts_the_rules() -> None:
    """The rules are right to Prometheus' own tool."""
    promtool = server("promtool", "prometheus")
    checked = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_fires_when_it_should(tmp_path: Path) -> None:
    """Each alert fires for what it is about, and not before, by Prometheus' own reckoning."""
    promtool = server("promtool", "prometheus")
    cases = Path(__file__).with_name("alerts.yml").read_text()
    assert set(re.findall(r"alertname: (\w+)", cases)) == set(re.findall(r"alert: (\w+)", shipped("rules")))
    (tmp_path / "alerts.yml").write_text(cases.replace("RULES", str(RULES)))
    tested = subprocess.run(
        [promtool, "test", "rules", tmp_path / "alerts.yml"], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_dashboard_is_whole() -> None:
    """Each panel has a place of its own, a query, and the data source that is chosen at the top."""
    dashboard = json.loads(shipped("dashboard"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    for panel in panels:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["targets"]
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", shipped("dashboard"))) - {"__rate_interval", "__range", "__all"}
    assert used == variables


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_can_be_printed(name: str) -> None:
    """`python -m jobreporter_prometheus` prints it, ready to be put into a file."""
    printed = subprocess.run(
        [sys.executable, "-m", "jobreporter_prometheus", name], capture_output=True, text=True, check=True
    )
    assert printed.stdout == shipped(name)


@pytest.mark.parametrize("words", [[], ["alerts"], ["rules", "dashboard"]])
def test_anything_else_is_told_what_there_is(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong word gets the right ones, and the exit code of a usage error."""
    assert main(words) == 2
    assert capsys.readouterr().err == "usage: python -m jobreporter_prometheus {rules,dashboard}\n"


def test_what_is_shipped_is_found_by_name() -> None:
    """The names by which it is printed are those of the README."""
    readme = (Path(__file__).parents[3] / "plugins/prometheus/README.md").read_text()
    assert all(f"python -m jobreporter_prometheus {name}" in readme for name in SHIPPED)
