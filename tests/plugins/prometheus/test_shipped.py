"""The alert rules and the dashboard that come with the package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter_prometheus.__main__ import SHIPPED, main, shipped
from jobreporter_prometheus._figures.families import FAMILIES

from .helping import server

SHIPPED_FOLDER = Path(__file__).parents[3] / "plugins/prometheus/src/jobreporter_prometheus/shipped"
RULES = SHIPPED_FOLDER / SHIPPED["rules"]

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
NAMES = {f"{family.name}{suffix}": family for family in FAMILIES.values() for suffix in SUFFIXES[family.kind]}


@pytest.mark.parametrize("name", SHIPPED)
def test_only_metrics_that_exist_are_used(name: str) -> None:
    """Rules and dashboard name no metric that is not on the page, and no recorded one that isn't recorded."""
    text = shipped(name)
    recorded = set(re.findall(r"record: (\S+)", text))
    used = set(re.findall(r"[\w:]*\bjobreporter_\w+(?::\w+)?", text)) - recorded - {"jobreporter_prometheus"}
    assert used
    assert used - set(NAMES) == set()


def test_recorded_metrics_say_what_they_are() -> None:
    """Their names are level, metric and operation, as Prometheus' own guide has them, and each is used."""
    for name in re.findall(r"record: (\S+)", shipped("rules")):
        level, metric, operation = name.split(":")
        assert {level, *level.split("_")} & {"job", "service_environment"}
        assert {metric, f"{metric}_total"} & set(NAMES) or metric == "jobreporter_job_expected_since_timestamp_seconds"
        assert re.fullmatch(r"max|min|increase1h", operation)
        assert shipped("rules").count(name) > 1


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


def test_promtool_accepts_the_rules() -> None:
    """The rules are right to Prometheus' own tool."""
    promtool = server("promtool", "prometheus")
    checked = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_grafana_knows_every_field_of_the_dashboard() -> None:
    """By Grafana's own types: what these don't have would be lost on the way through them."""
    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()
    dashboard = json.loads(shipped("dashboard"))

    def through(given: dict[str, Any]) -> Any:
        return json.loads(JSONEncoder().encode(Dashboard.from_json(given)))

    assert dict(lost(dashboard, through(dashboard))) == {}
    dashboard["panels"][0]["options"]["colourMode"] = "value"  # the types of each kind of panel count too
    assert dict(lost(dashboard, through(dashboard))) == {".panels.0.options.colourMode": "value"}


def lost(given: Any, kept: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is not kept, or kept as something else, by its path."""
    if isinstance(given, list):
        given, kept = dict(enumerate(given)), dict(enumerate(kept if isinstance(kept, list) else []))
    if isinstance(given, dict):
        for name, value in given.items():
            yield from lost(value, kept.get(name) if isinstance(kept, dict) else None, f"{path}.{name}")
    elif given != kept:
        yield path, given


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
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "{rules,dashboard,serve}" in capsys.readouterr().err


def test_what_is_shipped_is_found_by_name() -> None:
    """The names by which it is printed are those of the README."""
    readme = (Path(__file__).parents[3] / "plugins/prometheus/README.md").read_text()
    assert all(f"python -m jobreporter_prometheus {name}" in readme for name in SHIPPED)
