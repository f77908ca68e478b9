"""``jobreporter top``: what it prints, and where it has to be a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobreporter_history._top.command import top
from tests.plugins.history.filled import HOSTILE


def run(*arguments: str, code: int = 0) -> str:
    """What the command says."""
    result = CliRunner().invoke(top, arguments, env={"COLUMNS": "70"})
    assert result.exit_code == code, result.output
    return result.output


def test_once(full: str) -> None:
    """Prints the first screen, as wide as the terminal and without colours, and ends."""
    shown = run("--store", full, "--once")
    assert "NEEDS YOU" in shown
    assert "JOBS  6, most failures" in shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 70


def test_for_programs(full: str) -> None:
    """JSON with the same, in which what jobs wrote is whole and steers no terminal."""
    shown = run("--store", full, "--json", "--range", "7d")
    assert {unicodedata.category(each) for each in shown.replace("\n", "")} & {"Cc", "Cf", "Cs"} == set()
    found = json.loads(shown)
    assert list(found) == ["at", "range", "since", "until", "filter", "figures", "needs", "running", "jobs"]
    assert found["range"] == "7d"
    assert sum(job["runs"] for job in found["jobs"]) == found["figures"]["runs"]
    assert {each["state"] for each in found["needs"]} <= {"open", "lost"}
    assert HOSTILE in {job["name"] for job in found["jobs"]}
    [charge] = [job for job in found["jobs"] if job["name"] == "shop.tasks.charge_card"]
    assert charge["runs"] == charge["failed"] == 14
    assert charge["p95"] == pytest.approx(10, rel=0.1)


def test_a_filter(full: str) -> None:
    """Leaves what it takes, and says so."""
    found = json.loads(run("--store", full, "--json", "--filter", "queue:webhooks"))
    assert [job["name"] for job in found["jobs"]] == ["hooks.deliver"]
    assert found["figures"]["runs"] == 1
    assert found["filter"] == "queue:webhooks"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--filter", "outcome:failure"], 2, "outcome: is about executions"),
        (["--range", "2h"], 2, "is not one of '1h', '6h', '24h', '7d', '30d'"),
        ([], 2, "this is no terminal: give --once, or --json"),
        (["--once", "--store", "mysql://x"], 1, "expected sqlite://"),
        (["--once", "--store", "sqlite:////nowhere/history.db"], 1, "there is no folder /nowhere"),
        (["--json", "--store", "sqlite:////nowhere/history.db"], 1, "there is no folder /nowhere"),
    ],
)
def test_what_is_wrong_is_a_sentence(full: str, arguments: list[str], code: int, said: str) -> None:
    """And an exit code, without a traceback."""
    said_by_it = run("--store", full, *arguments, code=code)
    assert said in said_by_it
    assert "Traceback" not in said_by_it


def test_without_textual(full: str, tmp_path: Path) -> None:
    """JSON needs nothing; for people it says what to install."""
    for name in ("textual", "rich"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('there is none', name='textual')\n")
    command = [sys.executable, "-m", "jobreporter", "top", "--store", full]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    asked = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(asked.stdout)["figures"]["runs"] > 0
    for arguments in ([], ["--once"]):
        done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: this needs textual: pip install 'jobreporter-history[top]'")


def test_it_needs_both_ends_of_a_terminal(full: str) -> None:
    """With its output into a file it refuses, rather than to fill that with escapes."""
    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "jobreporter", "top", "--store", full]
    done = subprocess.run(command, stdin=inner, capture_output=True, text=True, check=False)
    os.close(outer)
    os.close(inner)
    assert done.returncode == 2
    assert "this is no terminal" in done.stderr
    assert done.stdout == ""
