"""Several processes at one address."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobreporter import BrokenReporter, Dispatcher, hookimpl
from jobreporter_prometheus import PrometheusOptions, PrometheusReporter
from tests.ports import free_port

from .helping import answers, make_context, number, numbers, page, port_of, started, until

FINISHED = "jobreporter_jobs_finished_total"

#: A process that works: it runs a job for each line, and says when that is in its file.
WORKER = """
import sys
from jobreporter import Dispatcher
from jobreporter_prometheus import PrometheusReporter

def make(directory, port):
    config = {"mode": "multiprocess", "directory": directory, "port": int(port)}
    return Dispatcher(reporters={"prometheus": PrometheusReporter}, config={"reporters": {"prometheus": config}})

def main():
    dispatcher = make(*sys.argv[1:3])
    dispatcher.start()
    assert dispatcher.flush(10.0)
    print("ready", flush=True)
    for line in sys.stdin:
        execution = dispatcher.begin("reports.nightly", queue="cron")
        if line.strip() == "run":
            execution.succeed()
            execution.stop()
        assert dispatcher.flush(10.0)
        print("done", flush=True)
    dispatcher.close()

if __name__ == "__main__":
    main()
"""

#: A pool: children come, work, and go, in every way that there is.
POOL = (
    WORKER.partition("def main")[0]
    + """
import os, signal
directory, port, children = sys.argv[1], sys.argv[2], int(sys.argv[3])
dispatcher = make(directory, port)
dispatcher.start()
assert dispatcher.flush(10.0)

def work(number):
    for _ in range(3):
        with dispatcher.begin("reports.nightly", queue="cron"):
            pass
    left_open = dispatcher.begin("reports.nightly", queue="cron")
    assert dispatcher.flush(10.0)
    if number % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    left_open.abort("shutdown")
    left_open.stop()
    dispatcher.close(10.0)

running, most = [], 0
for number in range(children):
    child = os.fork()
    if child == 0:
        try:
            work(number)
        finally:
            os._exit(0)
    running.append(child)
    if len(running) == 4:
        os.waitpid(running.pop(0), 0)
    most = max(most, len(os.listdir(directory)))
for child in running:
    os.waitpid(child, 0)
print(most, flush=True)
sys.stdin.readline()
dispatcher.close()
"""
)


class Worker:
    """A process that works."""

    def __init__(self, directory: Path, port: int, program: str = WORKER, *words: str) -> None:
        command = [sys.executable, "-c", program, str(directory), str(port), *words]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.said = self.hear()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def work(self, how: str = "run") -> None:
        """Run a job; or `hang` in one."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{how}\n")
        self.process.stdin.flush()
        assert self.hear() == "done"

    def end(self, *, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate()


@contextmanager
def working(*workers: Worker) -> Iterator[tuple[Worker, ...]]:
    """Workers that are gone with the test."""
    try:
        yield workers
    finally:
        for worker in workers:
            if worker.process.poll() is None:
                worker.end(kill=True)


def test_two_hundred_recycled_children(tmp_path: Path) -> None:
    """Children that come and go, half of them killed, leave right totals, nothing running, and few files."""
    port = free_port()
    pool = Worker(tmp_path, port, POOL, "200")
    with working(pool):
        text = page(port)
        assert number(text, "jobreporter_jobs_started_total") == 200 * 4
        assert number(text, FINISHED, outcome="success") == 200 * 3
        assert number(text, FINISHED, outcome="aborted") == 100
        assert number(text, "jobreporter_job_duration_seconds_count") == 200 * 3 + 100
        assert number(text, "jobreporter_jobs_running") == 0
        assert number(text, "jobreporter_reporter_events_accepted_total") == 200 * 10 + 100 * 2
        # What a killed process had handled by its last flush is known only after that.
        assert 100 * 12 <= (number(text, "jobreporter_reporter_events_handled_total") or 0) <= 200 * 10 + 100 * 2
        # Each of the parent, four children and one that has just come has at most three files; then the total, its successor,
        # and two locks.
        assert int(pool.said) <= 6 * 3 + 4
        assert len(list(tmp_path.iterdir())) <= 5
        assert "jobreporter_jobs_started" in page(port)


def test_all_processes_are_on_one_page(tmp_path: Path) -> None:
    """One process serves what all have counted, in whichever it happened."""
    port = free_port()
    with working(Worker(tmp_path, port), Worker(tmp_path, port), Worker(tmp_path, port)) as workers:
        for worker in workers:
            worker.work()
        workers[2].work("hang")
        text = page(port)
        assert number(text, FINISHED, job="reports.nightly", outcome="success") == 3
        assert number(text, "jobreporter_jobs_running") == 1
        assert number(text, "jobreporter_reporter_status", reporter="prometheus", status="running") == 3


def test_another_takes_over(tmp_path: Path) -> None:
    """Where the process that serves is killed, one that has nothing to do serves in its place, and no counter falls."""
    port = free_port()
    with working(Worker(tmp_path, port), Worker(tmp_path, port)) as (first, second):
        first.work()
        second.work()
        before = numbers(page(port))
        first.end(kill=True)
        until(lambda: answers(f"http://127.0.0.1:{port}"), "the takeover")
        after = numbers(page(port))
        fallen = {key for key, value in before.items() if "_total" in key[0] and after.get(key, 0) < value}
        assert fallen == set()
        ledger = {key: value for key, value in after.items() if "jobreporter_reporter_" in key[0]}
        assert after == before | ledger
        second.work()
        assert number(page(port), FINISHED, outcome="success") == 3


def test_totals_go_on_after_a_restart_of_everything(tmp_path: Path) -> None:
    """What was counted is there when the application comes back."""
    port = free_port()
    for turn in (1, 2):
        with working(Worker(tmp_path, port)) as (worker,):
            worker.work()
            assert number(page(port), FINISHED, outcome="success") == turn
            worker.end()


def test_a_port_of_another_program_is_named(tmp_path: Path) -> None:
    """A port that none of the application's processes has is in use by somebody else, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        options = PrometheusOptions(mode="multiprocess", directory=str(tmp_path), port=port)
        with pytest.raises(
            BrokenReporter, match=f"^port {port} of 127.0.0.1 is in use by another program: set another"
        ):
            PrometheusReporter().reporter_start(options, make_context())
    with started(options) as reporter:
        assert port_of(reporter) == port
        assert len(list(tmp_path.glob("*.live"))) == 1


def test_a_crash_loses_no_figures_and_doubles_none(tmp_path: Path) -> None:
    """A reporter that crashes and starts again in its process has its totals, and the ledger is what it is."""

    class Crashing(PrometheusReporter):
        @hookimpl
        def handle_aborted(self) -> None:
            raise RuntimeError("boom")

    port = free_port()
    config = {"reporters": {"prometheus": {"mode": "multiprocess", "directory": str(tmp_path), "port": port}}}
    with Dispatcher(reporters={"prometheus": Crashing}, config=config) as dispatcher:
        for _ in range(3):
            with dispatcher.begin("reports.nightly"):
                pass
            dispatcher.abort("expired", "reports.nightly")
            assert dispatcher.flush(10.0)
        text, ledger = page(port), dispatcher.stats()["prometheus"]
    assert (ledger.restarts, ledger.failed, ledger.accepted) == (3, 3, 15)
    assert number(text, FINISHED, outcome="success") == 3
    for field in ("accepted", "handled", "failed"):
        shown = number(text, f"jobreporter_reporter_events_{field}_total", reporter="prometheus")
        assert shown == getattr(ledger, field), field
    assert number(text, "jobreporter_reporter_restarts_total", reporter="prometheus") == 3


def test_dispatchers_of_one_process_add_up(tmp_path: Path) -> None:
    """A second dispatcher in the process counts on from the first, and its ledger too."""
    port = free_port()
    config = {"reporters": {"prometheus": {"mode": "multiprocess", "directory": str(tmp_path), "port": port}}}
    for turn in (1, 2):
        with Dispatcher(reporters={"prometheus": PrometheusReporter}, config=config) as dispatcher:
            with dispatcher.begin("reports.nightly"):
                pass
            assert dispatcher.flush(10.0)
            text = page(port)
        assert number(text, FINISHED, outcome="success") == turn
        assert number(text, "jobreporter_reporter_events_handled_total", reporter="prometheus") == 3 * turn
