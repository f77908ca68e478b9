"""Pushing to a real Pushgateway: whose figures are where, and that they stay there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Dispatcher, Origin
from jobreporter.testing import make_event, make_job
from jobreporter_prometheus import KnownJob, PrometheusOptions, PrometheusReporter

from .helping import Time, get, make_context, number, pushgateway, started, tell, until

FINISHED = "jobreporter_jobs_finished_total"
LAST_SUCCESS = "jobreporter_job_last_success_timestamp_seconds"
LAST_FAILURE = "jobreporter_job_last_failure_timestamp_seconds"
RUNNING = "jobreporter_jobs_running"
OLDEST = "jobreporter_oldest_running_job_seconds"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """The address of a Pushgateway."""
    with pushgateway(tmp_path) as url:
        yield url


def pushing(gateway: str, **options: Any) -> PrometheusOptions:
    """Options for a gateway, which may be slow on a busy machine."""
    return PrometheusOptions(mode="push", gateway=gateway, push_timeout=20.0, **options)


def test_each_job_is_a_group_of_its_own(gateway: str) -> None:
    """What is pushed has the labels that a scraped page would have, `job` included; the ledger goes under `group`."""
    config = {"reporters": {"prometheus": {"mode": "push", "gateway": gateway, "grouping": {"instance": "cron 1/2"}}}}
    with Dispatcher(reporters={"prometheus": PrometheusReporter}, config=config) as dispatcher:
        for job in ("backup", "mail/send now", ""):
            with dispatcher.begin(job, source="command", queue="night"):
                pass
        assert dispatcher.flush(10.0)
    text = get(f"{gateway}/metrics")
    for job in ("backup", "mail/send now", "jobreporter"):
        has = {"job": job, "source": "command", "queue": "night", "instance": "cron 1/2"}
        assert number(text, FINISHED, outcome="success", **has) == 1
    handled = "jobreporter_reporter_events_handled_total"
    assert number(text, handled, job="jobreporter", reporter="prometheus") == 9


def test_names_that_look_alike_are_groups_of_their_own(gateway: str) -> None:
    """A blank, a plus, a slash and what they are escaped as are different names to the gateway too."""
    names = ("a b", "a+b", "a%20b", "a%2Bb", "a/b", "a%2Fb", "a_b", "YSBi")
    with started(pushing(gateway)) as reporter:
        for name in names:
            tell(reporter, make_event("success", job=make_job(name=name)))
        reporter.reporter_flush()
    text = get(f"{gateway}/metrics")
    assert [number(text, FINISHED, job=name, outcome="success") for name in names] == [1] * len(names)


def test_a_name_that_is_a_step_in_a_path_is_a_group_too(gateway: str) -> None:
    """The gateway would answer that it has moved, and the groups after it would wait for ever."""
    with started(pushing(gateway)) as reporter:
        for name, queue in ((".", "q"), ("..", "q"), ("a", ".."), ("z", "q")):
            tell(reporter, make_event("success", job=make_job(name=name, queue=queue)))
        reporter.reporter_flush()
    text = get(f"{gateway}/metrics")
    for name, queue in ((".", "q"), ("..", "q"), ("a", ".."), ("z", "q")):
        assert number(text, FINISHED, job=name, queue=queue, outcome="success") == 1


def test_a_failure_leaves_the_last_success(gateway: str) -> None:
    """A process that fails does not take away when an earlier one succeeded."""
    for kind in ("success", "failure"):
        with started(pushing(gateway)) as reporter:
            tell(reporter, make_event("started"), make_event(kind, at=1_000.0))
            reporter.reporter_flush()
    text = get(f"{gateway}/metrics")
    assert number(text, LAST_SUCCESS, job="reports.nightly") == 1_000.0
    assert number(text, FINISHED, job="reports.nightly", outcome="failure") == 1
    assert number(text, FINISHED, job="reports.nightly", outcome="success") == 0


def test_with_a_directory_commands_count_on(gateway: str, tmp_path: Path) -> None:
    """Commands that run one after the other, and share a directory, push what all of them have counted."""
    config = f"""
[reporters.prometheus]
mode = "push"
gateway = "{gateway}"
directory = "{tmp_path / "shared"}"
"""
    (tmp_path / "jobreporter.toml").write_text(config)
    command = [sys.executable, "-m", "jobreporter", "exec", "--name", "backup", "--", "true"]
    for _ in range(3):
        subprocess.run(command, cwd=tmp_path, check=True, env={"PATH": "/usr/bin:/bin"})
    text = get(f"{gateway}/metrics")
    assert number(text, FINISHED, job="backup", source="command", outcome="success") == 3
    assert number(text, "jobreporter_reporter_events_handled_total") == 9
    assert number(text, "jobreporter_jobs_running", job="backup") == 0


KNOWN = (KnownJob(job="backup", source="command", every=86_400.0), KnownJob(job="cleanup", source="command"))


def command(job: str, kind: str = "success", **fields: Any) -> Any:
    """The end of a command."""
    return make_event(kind, job=make_job(name=job, source="command", queue=None), **fields)


def test_another_commands_known_jobs_take_nothing_away(gateway: str) -> None:
    """A command that knows of a job, but didn't run it, pushes what the config says of it, and no zeros over its figures."""
    for job, kind in (("backup", "failure"), ("cleanup", "success")):
        with started(pushing(gateway, known=KNOWN)) as reporter:
            tell(reporter, command(job, kind))
            reporter.reporter_flush()
    text = get(f"{gateway}/metrics")
    assert number(text, FINISHED, job="backup", outcome="failure") == 1
    assert number(text, FINISHED, job="cleanup", outcome="success") == 1
    assert number(text, "jobreporter_job_expected_interval_seconds", job="backup") == 86_400.0


OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "source": ({"source": "command"}, {}, {}),
    "queue": ({"queue": "bulk"}, {}, {}),
    "no queue": ({"queue": None}, {}, {}),
    "service": ({}, {"service": "shop"}, {}),
    "environment": ({}, {"environment": "staging"}, {}),
    "host": ({}, {"host": "other"}, {}),
    "grouping": ({}, {}, {"grouping": {"rack": "7"}}),
}


@pytest.mark.parametrize(("job", "where", "options"), OTHERS.values(), ids=OTHERS)
def test_jobs_of_one_name_are_told_apart(
    job: dict[str, Any], where: dict[str, Any], options: dict[str, Any], gateway: str
) -> None:
    """Where source, queue, service, environment or host differ, or the config tells them apart, each has figures of its own."""
    origin = {"host": "host", "pid": 1, "version": "0.1.0"}
    with started(pushing(gateway)) as reporter:
        tell(reporter, make_event("failure"))
        reporter.reporter_flush()
    with started(pushing(gateway, **options), make_context(**where)) as reporter:
        tell(reporter, make_event("success", job=make_job(**job)), origin=Origin(**{**origin, **where}))
        reporter.reporter_flush()
    text = get(f"{gateway}/metrics")
    assert number(text, FINISHED, outcome="failure") == 1
    assert number(text, FINISHED, outcome="success") == 1


def test_the_host_may_be_left_out(gateway: str) -> None:
    """Where hosts come and go with every run, their names would pile up: an empty instance is none."""
    for host in ("pod-1", "pod-2"):
        with started(pushing(gateway, grouping={"instance": ""}), make_context(host=host)) as reporter:
            tell(reporter, make_event("success"))
            reporter.reporter_flush()
    text = get(f"{gateway}/metrics")
    assert number(text, FINISHED, outcome="success", instance="") == 1
    assert "pod-" not in text


def test_a_job_that_is_called_like_the_group_of_the_ledger(gateway: str) -> None:
    """Has a group of its own."""
    for kind in ("success", "failure"):
        with started(pushing(gateway)) as reporter:
            tell(reporter, make_event(kind, job=make_job(name="jobreporter")))
            reporter.reporter_flush()
    with started(pushing(gateway)) as reporter:
        reporter.reporter_flush()
    text = get(f"{gateway}/metrics")
    assert number(text, FINISHED, job="jobreporter", outcome="failure") == 1
    assert number(text, "jobreporter_build_info", job="jobreporter") == 1


def test_every_failure_of_a_command_shows(gateway: str) -> None:
    """A command that fails again pushes a time that is later, though its counter is at one again."""
    found = []
    for at in (1_000.0, 2_000.0):
        with started(pushing(gateway)) as reporter:
            tell(reporter, command("backup", "failure", at=at))
            reporter.reporter_flush()
        text = get(f"{gateway}/metrics")
        found.append(
            (number(text, FINISHED, outcome="failure"), number(text, LAST_FAILURE, job="backup", final="true"))
        )
    assert found == [(1.0, 1_000.0), (1.0, 2_000.0)]


def test_what_runs_grows_older_at_every_tick(gateway: str) -> None:
    """Without any event, the age of what runs is pushed anew, with the time when that was."""
    times = Time()
    with started(pushing(gateway), times=times) as reporter:
        begun = times.clock.now()
        tell(reporter, make_event("started", at=begun))
        reporter.reporter_flush()
        for seconds in (600.0, 4_000.0):
            times.wait(begun + seconds - times.clock.now())
            reporter.reporter_tick()
            text = get(f"{gateway}/metrics")
            assert number(text, OLDEST, job="reports.nightly") == pytest.approx(seconds, abs=60)
            assert number(text, "jobreporter_jobs_running_timestamp_seconds") == pytest.approx(
                times.clock.now(), abs=60
            )
        tell(reporter, make_event("success", at=begun + 5_000))
        reporter.reporter_tick()
        assert number(get(f"{gateway}/metrics"), OLDEST, job="reports.nightly") == 0


def test_a_gateway_that_has_forgotten_gets_all_of_it_again(gateway: str) -> None:
    """A gateway that was started anew has lost its figures: within minutes it has those of a worker where nothing happens."""
    times = Time()
    with started(pushing(gateway), times=times) as reporter:
        tell(reporter, make_event("success"))
        reporter.reporter_flush()
        group = "job/reports.nightly/instance/host/queue/default/source/python"
        urllib.request.urlopen(urllib.request.Request(f"{gateway}/metrics/{group}", method="DELETE")).close()
        assert number(get(f"{gateway}/metrics"), FINISHED) is None
        times.wait(300.0)
        reporter.reporter_tick()
        assert number(get(f"{gateway}/metrics"), FINISHED, outcome="success") == 1


KILLED = """
[reporters.prometheus]
mode = "push"
gateway = "{gateway}"
{directory}
[reporters.prometheus.lane]
flush_interval = 0.05
"""


@pytest.mark.parametrize("shared", [True, False], ids=["with a directory", "without"])
def test_a_killed_command_is_not_running_for_ever(shared: bool, gateway: str, tmp_path: Path) -> None:
    """With a directory any other command corrects it; without one the next run of the same command does."""
    directory = f'directory = "{tmp_path / "shared"}"' if shared else ""
    (tmp_path / "jobreporter.toml").write_text(KILLED.format(gateway=gateway, directory=directory))

    def run(name: str, *words: str) -> subprocess.Popen[bytes]:
        exec_ = [sys.executable, "-m", "jobreporter", "exec", "--name", name, "--", *words]
        return subprocess.Popen(exec_, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE)

    with run("backup", "sh", "-c", "echo $$; exec sleep 600") as backup:
        assert backup.stdout is not None
        child = int(backup.stdout.readline())
        try:
            until(lambda: number(get(f"{gateway}/metrics"), RUNNING, job="backup") == 1, "the start")
            backup.kill()
            backup.wait()
        finally:
            os.kill(child, signal.SIGKILL)
    assert number(get(f"{gateway}/metrics"), RUNNING, job="backup") == 1
    with run("cleanup" if shared else "backup", "true") as other:
        assert other.wait() == 0
    assert number(get(f"{gateway}/metrics"), RUNNING, job="backup") == 0
    assert number(get(f"{gateway}/metrics"), OLDEST, job="backup") == 0
