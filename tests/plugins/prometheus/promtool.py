"""Asking Prometheus' own tool what the shipped rules say of series that a test makes up."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jobreporter_prometheus.__main__ import shipped

from .helping import server

#: How a job is told apart, where a test says nothing else.
JOB = {"service": "shop", "source": "command", "job": "backup"}


class Series(NamedTuple):
    """A series of numbers, as promtool writes them: `1+2x10`, `_x5`."""

    name: str
    labels: Mapping[str, str]
    values: str

    def __str__(self) -> str:
        return f"{self.name}{{{', '.join(f'{name}={json.dumps(value)}' for name, value in self.labels.items())}}}"


class Check(NamedTuple):
    """What an alert says at a time: the labels of each that fires, besides its severity."""

    alert: str
    at: str
    fires: tuple[Mapping[str, str], ...] = ()


class Case(NamedTuple):
    """One course of things. interval: the time between two numbers of a series, and between two looks at the rules."""

    series: Iterable[Series]
    checks: Iterable[Check]
    interval: str = "1m"


def firing(alert: str, at: str, *labels: Mapping[str, str]) -> Check:
    """The alert fires then, for what has these labels."""
    return Check(alert, at, labels or (JOB,))


def silent(alert: str, *at: str) -> list[Check]:
    """The alert fires for nothing at these times."""
    return [Check(alert, each) for each in at]


def severities() -> dict[str, str]:
    """The severity of each alert."""
    return dict(re.findall(r"alert: (\w+).*?severity: (\w+)", shipped("rules"), re.DOTALL))


def without_texts(rules: str) -> str:
    """The rules without what they say to people."""
    return re.sub(r"^        annotations:\n(          .*\n)+", "", rules, flags=re.MULTILINE)


def holds(case: Case, folder: Path, texts: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Fail unless promtool finds what the case says. texts: what each alert says to people, if that is asked."""
    rules, severity = folder / "rules.yml", severities()
    rules.write_text(shipped("rules") if texts else without_texts(shipped("rules")))
    tests: dict[str, Any] = {
        "rule_files": [str(rules)],
        "evaluation_interval": case.interval,
        "group_eval_order": re.findall(r"^  - name: (\S+)", shipped("rules"), re.MULTILINE),
        "tests": [
            {
                "interval": case.interval,
                "input_series": [{"series": str(each), "values": each.values} for each in case.series],
                "alert_rule_test": [
                    {
                        "eval_time": check.at,
                        "alertname": check.alert,
                        "exp_alerts": [
                            {
                                "exp_labels": {**labels, "severity": severity[check.alert]},
                                "exp_annotations": {} if texts is None else texts[check.alert],
                            }
                            for labels in check.fires
                        ],
                    }
                    for check in case.checks
                ],
            }
        ],
    }
    path = folder / "case.yml"
    path.write_text(json.dumps(tests))  # JSON is YAML
    promtool = server("promtool", "prometheus")
    ran = subprocess.run([promtool, "test", "rules", path], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
