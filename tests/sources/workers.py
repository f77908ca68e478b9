"""Real workers of real job queues, in processes of their own, and what their reporters recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

from in_jobs import RECORDS
from scenarios import SCENARIOS, Execution, summary

from jobreporter.events import Event, Started, Stopped
from jobreporter.sources.command._process_tree import ProcessTree
from jobreporter.testing import Call, read_calls

HERE = Path(__file__).parent
#: Seconds that anything may take before a test gives up on it.
PATIENCE = 30.0

CONFIG = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"
"""

#: A config that no worker may start with.
UNUSABLE = "[reporters.recorder]\nuse = 7\n"

#: Enqueues jobs, and tells what that left behind in its process.
SEND = """
import importlib, sys, threading
app = importlib.import_module(sys.argv[1])
for name in sys.argv[2:]:
    app.send(name)
print("threads:", threading.active_count())
"""


#: Asks for a running job to be given up.
REVOKE = """
import importlib, sys
importlib.import_module(sys.argv[1]).revoke(sys.argv[2])
"""


class Source(Protocol):
    """A job queue as the tests see it."""

    #: The module that holds it. ``send(name)`` there enqueues a job whose id is the scenario's name; one that begins
    #: with ``random-`` ends as its name says, and has one retry. ``revoke(id)`` asks for a running job to be given up,
    #: where the job queue can do that.
    name: str
    #: Kinds of workers.
    kinds: tuple[str, ...]
    #: Whether the queue is in a file or in Redis: the environment's QUEUE is the file's path or the database's URL.
    broker: Literal["file", "redis"]
    #: Whether jobs run in processes that are the worker's children, by kind.
    has_children: Collection[str]
    #: What a kind of worker reports instead of what the scenario expects, because it can't do better.
    instead: Mapping[tuple[str, str], tuple[Execution, ...]]
    #: Scenarios that can't happen here, of all kinds of workers or of one, each with the reason, for people.
    cannot: Mapping[str | tuple[str, str], str]

    def command(self, kind: str, *, workers: int, max_jobs: int | None) -> list[str]:
        """How a worker is started that runs so many jobs at once.

        max_jobs: after how many jobs it is replaced by a fresh one.
        """

    def end(self, bench: Bench, *, abruptly: bool) -> None:
        """Ask the bench's worker to end: abruptly, or once it has finished its jobs."""


def reason_why_not(source: Source, kind: str, scenario: str) -> str | None:
    """Why the scenario can't happen in this kind of worker; ``None`` if it can."""
    return source.cannot.get(scenario) or source.cannot.get((kind, scenario))


def expected(source: Source, kind: str, scenario: str) -> list[Execution]:
    """What this kind of worker must report of the scenario."""
    return list(source.instead.get((kind, scenario), SCENARIOS[scenario].executions))


def wait_for(condition: Callable[[], bool], what: str, explain: Callable[[], str] = str) -> None:
    """Wait until it holds; fail, with an explanation, after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:g} s\n{explain()}"
        time.sleep(0.01)  # between two looks at a file, not in place of one


class Bench:
    """A folder with a config and the records of one test, its queue, and the worker that works there."""

    def __init__(self, source: Source, kind: str, folder: Path, queue: str, config: str = CONFIG) -> None:
        self.source = source
        self.kind = kind
        self.folder = folder
        self.log = folder / "worker.log"
        #: Where the queue is: a file's path, or the database's URL.
        self.queue = queue
        #: How many jobs the worker may run at once.
        self.workers = 1
        self._records = folder / RECORDS
        self._worker: subprocess.Popen[bytes] | None = None
        (folder / "jobreporter.toml").write_text(config.format(path=self._records))

    def send(self, *names: str) -> str:
        """Enqueue jobs by scenario, in a process that does nothing else. Returns all that it says."""
        return self._run(SEND, *names)

    def revoke(self, name: str) -> None:
        """Ask from another process that a running job be given up."""
        self._run(REVOKE, name)

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, self.source.name, *words],
            env=self._environment(),
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def start(self, *, workers: int = 1, max_jobs: int | None = None) -> None:
        self.workers = workers
        command = self.source.command(self.kind, workers=workers, max_jobs=max_jobs)
        with self.log.open("ab") as log:
            self._worker = subprocess.Popen(
                command, env=self._environment(), cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._worker is not None
        self._worker.send_signal(number)

    def end(self, *, abruptly: bool) -> None:
        """Ask the worker to end."""
        self.source.end(self, abruptly=abruptly)

    def wait(self) -> int:
        """The worker's exit status, once it has ended."""
        assert self._worker is not None
        try:
            return self._worker.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            alive = ProcessTree(self._worker.pid).alive()
            raise AssertionError(f"still there: {alive}\n{self.what_the_worker_said()}") from None

    def stop(self) -> None:
        """End the worker gracefully."""
        self.end(abruptly=False)
        assert self.wait() == 0, self.what_the_worker_said()

    def kill(self) -> None:
        """Kill the worker and every process that it has started."""
        if self._worker is not None and self._worker.poll() is None:
            started = ProcessTree(self._worker.pid).alive()
            os.killpg(self._worker.pid, signal.SIGKILL)  # it leads a group of its own
            for pid in started:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)  # and some of these theirs
            self._worker.wait(PATIENCE)

    def calls(self) -> list[Call]:
        return read_calls(self._records)

    def events(self, job: str) -> list[Event]:
        """What was reported of one job, in order."""
        return [call.meta for call in self.calls() if call.meta is not None and call.meta.job.id == job]

    def executions(self, job: str) -> list[Execution]:
        """What was reported of one job, execution by execution, in the scenarios' words."""
        executions: dict[str, list[str]] = {}
        for event in self.events(job):
            executions.setdefault(event.job.execution_id, []).append(summary(event))
        return [tuple(events) for events in executions.values()]

    def running(self) -> int:
        """How many executions have started and not stopped, as far as was reported."""
        events = [call.meta for call in self.calls() if call.meta is not None]
        return sum(isinstance(event, Started) - isinstance(event, Stopped) for event in events)

    def wait_for_stops(self, counts: Mapping[str, int]) -> None:
        """Wait until jobs have stopped so many times."""

        def stops() -> dict[str, int]:
            return {job: sum(isinstance(event, Stopped) for event in self.events(job)) for job in counts}

        wait_for(
            lambda: all(stops()[job] >= count for job, count in counts.items()),
            f"all of {dict(counts)} stopped",
            lambda: f"stopped: {stops()}\n{self.what_the_worker_said()}",
        )

    def wait_for_start(self, job: str) -> None:
        """Wait until the job's start was reported, and the job is in its own code."""
        wait_for(
            lambda: any(isinstance(event, Started) for event in self.events(job)) and self.has(f"{job}.entered"),
            f"{job} started",
            self.what_the_worker_said,
        )

    def pid_of(self, job: str) -> int:
        """The process that the job has entered."""
        return int((self.folder / f"{job}.entered").read_text())

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def put(self, name: str) -> None:
        (self.folder / name).touch()

    def what_the_worker_said(self) -> str:
        return self.log.read_text() if self.log.exists() else "it was not started"

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "JOBREPORTER_CONFIG": str(self.folder / "jobreporter.toml"),
            "PYTHONPATH": str(HERE),
            "QUEUE": self.queue,
        }
