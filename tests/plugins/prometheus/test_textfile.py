"""A file for the node exporter, and what a real node exporter makes of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter import BrokenReporter, TryAgain
from jobreporter.testing import make_event
from jobreporter_prometheus import KnownJob, PrometheusOptions, PrometheusReporter
from tests.ports import free_port

from .helping import Time, answers, get, make_context, number, running, server, started, tell, until

FINISHED = "jobreporter_jobs_finished_total"
RUNNING = "jobreporter_jobs_running"


def writing(path: Path, **options: object) -> PrometheusOptions:
    """Options for a file."""
    return PrometheusOptions(mode="textfile", path=str(path), **options)


@pytest.fixture
def textfiles(tmp_path: Path) -> Path:
    """The folder that the node exporter reads."""
    path = tmp_path / "textfiles"
    path.mkdir()
    return path


@pytest.fixture
def exporter(textfiles: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a node exporter's page."""
    program = server("prometheus-node-exporter", "prometheus-node-exporter")
    listen = f"127.0.0.1:{free_port()}"
    options = (
        f"--web.listen-address={listen}",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={textfiles}",
    )
    url = f"http://{listen}/metrics"
    with running(program, *options, log=tmp_path / "exporter.log", ready=lambda: answers(url)):
        yield url


def test_the_file_is_there_from_the_start(textfiles: Path) -> None:
    """It has the known jobs before any has run, and what was counted after each flush."""
    path = textfiles / "jobs.prom"
    known = (KnownJob(job="nightly", source="command"),)
    with started(writing(path, known=known)) as reporter:
        assert number(path.read_text(), FINISHED, job="nightly") == 0
        tell(reporter, make_event("success"))
        reporter.reporter_flush()
    assert number(path.read_text(), FINISHED, job="reports.nightly", outcome="success") == 1
    # Beside it is what the next process counts on from. The node exporter reads nothing but what ends in .prom.
    assert {each.name for each in textfiles.iterdir()} == {"jobs.prom", "jobs.prom.state"}


def test_a_disk_that_is_full_for_a_while_loses_nothing(textfiles: Path) -> None:
    """A file that can't be written is tried again, and has everything when it can."""
    path = textfiles / "jobs.prom"
    with started(writing(path)) as reporter:
        reporter.reporter_flush()
        textfiles.rename(textfiles.parent / "away")
        for _ in range(2):
            tell(reporter, make_event("success"))
            with pytest.raises(TryAgain):
                reporter.reporter_flush()
        assert not textfiles.exists()  # a new folder would be one that nobody reads
        (textfiles.parent / "away").rename(textfiles)
        reporter.reporter_flush()
    assert number(path.read_text(), FINISHED, outcome="success") == 2


def test_a_folder_that_is_not_there_is_no_mistake_of_ours_to_mend(textfiles: Path) -> None:
    """A misspelt path breaks the reporter and makes no folder."""
    path = textfiles / "nowhere" / "jobs.prom"
    with pytest.raises(BrokenReporter, match=f"mode 'textfile' can't be had now: .*{textfiles}/nowhere"):
        PrometheusReporter().reporter_start(writing(path), make_context())
    assert list(textfiles.iterdir()) == []


CONFIG = """
[context]
service = "{service}"

[reporters.log]

[reporters.prometheus]
mode = "textfile"
path = "{path}"

[[reporters.prometheus.known]]
job = "backup"
source = "command"
every = 86400

[[reporters.prometheus.known]]
job = "cleanup"
source = "command"
"""


def run(folder: Path, path: Path, *words: str, service: str = "shop", umask: int = -1) -> subprocess.Popen[bytes]:
    """Start a command as cron would, with a config of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "jobreporter.toml").write_text(CONFIG.format(service=service, path=path))
    command = [sys.executable, "-m", "jobreporter", "exec", "--name", *words]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        umask=umask,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes]) -> int:
    """How it ended."""
    process.communicate()
    return process.returncode


def test_commands_of_one_config_share_one_file(textfiles: Path, exporter: str, tmp_path: Path) -> None:
    """Commands that cron runs at the same time and one after the other take nothing from each other."""
    path = textfiles / "jobs.prom"
    for _ in range(2):
        both = [run(tmp_path, path, "backup", "--", "true"), run(tmp_path, path, "cleanup", "--", "false")]
        assert [ended(process) for process in both] == [0, 1]
    text = get(exporter)
    assert number(text, FINISHED, job="backup", outcome="success") == 2
    assert number(text, FINISHED, job="cleanup", outcome="failure") == 2
    assert number(text, RUNNING) == 0
    for kind in ("accepted", "handled"):
        assert number(text, f"jobreporter_reporter_events_{kind}_total", reporter="prometheus") == 12
    assert number(text, "jobreporter_reporter_events_pending", reporter="prometheus") == 0


@pytest.mark.parametrize("services", [("shop", "shop"), ("shop", "crm"), ("", "")])
def test_two_files_are_told_apart(services: tuple[str, str], textfiles: Path, exporter: str, tmp_path: Path) -> None:
    """Two files with the same jobs are on the node exporter's page both, whatever their services are called."""
    for name, word, service in zip(("backup", "cleanup"), ("true", "false"), services, strict=True):
        process = run(tmp_path / name, textfiles / f"{name}.prom", name, "--", word, service=service)
        assert ended(process) == (word == "false")
    text = get(exporter)
    assert number(text, "node_textfile_scrape_error") == 0
    assert number(text, FINISHED, job="backup", outcome="success") == 1
    assert number(text, FINISHED, job="cleanup", outcome="failure") == 1
    assert number(text, FINISHED, job="cleanup", outcome="failure", textfile=str(textfiles / "cleanup.prom")) == 1
    assert number(text, "jobreporter_job_expected_interval_seconds") == 2 * 86_400


@pytest.mark.parametrize("umask", [0o077, 0o777, 0o000])
def test_the_node_exporter_may_read_it(umask: int, textfiles: Path, tmp_path: Path) -> None:
    """Whatever the umask of the command is, every user may read the file, and only its own may change it."""
    path = textfiles / "jobs.prom"
    assert ended(run(tmp_path, path, "backup", "--", "true", umask=umask)) == 0
    assert path.stat().st_mode & 0o777 == 0o644
    assert (textfiles / "jobs.prom.state").stat().st_mode & 0o077 == 0


def test_a_link_in_its_place_is_replaced(textfiles: Path) -> None:
    """What a link points to is nobody's to overwrite."""
    precious = textfiles.parent / "precious"
    precious.write_text("precious")
    (textfiles / "jobs.prom").symlink_to(precious)
    (textfiles / "jobs.new").symlink_to(precious)
    with started(writing(textfiles / "jobs.prom")):
        assert not (textfiles / "jobs.prom").is_symlink()
    assert precious.read_text() == "precious"


def test_what_runs_grows_older_at_every_tick(textfiles: Path) -> None:
    """Without any event, the file has the age of what runs, and when that was."""
    times, path = Time(), textfiles / "jobs.prom"
    with started(writing(path), times=times) as reporter:
        begun = times.clock.now()
        tell(reporter, make_event("started", at=begun))
        reporter.reporter_flush()
        times.wait(4_000.0)
        reporter.reporter_tick()
        assert number(path.read_text(), "jobreporter_oldest_running_job_seconds") == pytest.approx(4_000, abs=60)
        measured = number(path.read_text(), "jobreporter_jobs_running_timestamp_seconds")
        assert measured == pytest.approx(begun + 4_000, abs=60)


def test_a_killed_command_is_not_running_for_ever(textfiles: Path, tmp_path: Path) -> None:
    """The next command of the config corrects it, whichever that is."""
    path = textfiles / "jobs.prom"
    with run(tmp_path, path, "backup", "--", "sh", "-c", "echo $$; exec sleep 600") as backup:
        assert backup.stdout is not None
        child = int(backup.stdout.readline())
        try:
            until(lambda: path.exists() and number(path.read_text(), RUNNING, job="backup") == 1, "the start")
            backup.kill()
            backup.wait()
        finally:
            os.kill(child, signal.SIGKILL)
    assert number(path.read_text(), RUNNING, job="backup") == 1
    assert ended(run(tmp_path, path, "cleanup", "--", "true")) == 0
    assert number(path.read_text(), RUNNING, job="backup") == 0


def test_a_state_that_was_removed_is_begun_anew(textfiles: Path) -> None:
    """A running worker has all that it has counted in the file at its next tick."""
    path = textfiles / "jobs.prom"
    with started(writing(path)) as reporter:
        tell(reporter, make_event("success"))
        reporter.reporter_flush()
        shutil.rmtree(textfiles / "jobs.prom.state")
        path.unlink()
        reporter.reporter_tick()
        assert number(path.read_text(), FINISHED, outcome="success") == 1
