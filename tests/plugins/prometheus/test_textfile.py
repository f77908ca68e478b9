"""A file for the node exporter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobreporter.testing import make_event
from jobreporter_prometheus import KnownJob, PrometheusOptions

from .helping import number, started, tell

FINISHED = "jobreporter_jobs_finished_total"


def test_the_file_is_there_from_the_start(tmp_path: Path) -> None:
    """It has the known jobs before any has run, and what was counted after each flush."""
    path = tmp_path / "jobs.prom"
    known = (KnownJob(job="nightly", source="command"),)
    with started(PrometheusOptions(mode="textfile", path=str(path), known=known)) as reporter:
        assert number(path.read_text(), FINISHED, job="nightly") == 0
        tell(reporter, make_event("success"))
        reporter.reporter_flush()
    assert number(path.read_text(), FINISHED, job="reports.nightly", outcome="success") == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that can't be written is told of once, and has everything when it can."""
    folder = tmp_path / "textfiles"
    folder.mkdir()
    path = folder / "jobs.prom"
    with started(PrometheusOptions(mode="textfile", path=str(path))) as reporter:
        reporter.reporter_flush()
        folder.rename(tmp_path / "away")
        for _ in range(2):
            tell(reporter, make_event("success"))
            reporter.reporter_flush()
        (tmp_path / "away").rename(folder)
        reporter.reporter_flush()
    assert caplog.text.count("the figures can't leave now") == 1
    assert number(path.read_text(), FINISHED, outcome="success") == 2


def test_with_a_directory_commands_count_on(tmp_path: Path) -> None:
    """Commands that cron runs at the same time and one after the other write one file with what all have counted."""
    config = f"""
[reporters.prometheus]
mode = "textfile"
path = "{tmp_path / "jobs.prom"}"
directory = "{tmp_path / "shared"}"
"""
    (tmp_path / "jobreporter.toml").write_text(config)
    command = [sys.executable, "-m", "jobreporter", "exec", "--name"]
    for _ in range(2):
        both = [
            subprocess.Popen([*command, name, "--", program], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"})
            for name, program in (("backup", "true"), ("cleanup", "false"))
        ]
        assert [process.wait() for process in both] == [0, 1]
    text = (tmp_path / "jobs.prom").read_text()
    assert number(text, FINISHED, job="backup", outcome="success") == 2
    assert number(text, FINISHED, job="cleanup", outcome="failure") == 2
    assert number(text, "jobreporter_jobs_running") == 0
