"""A real worker of a real job queue, in a process of its own, and what its reporters recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from jobreporter import Event, Job, Started, Stopped
from jobreporter.testing._calls import Call
from jobreporter.testing._file_recorder import read_calls
from jobreporter.testing._source._meanings import PARENT, Execution, summary
from jobreporter.testing._waiting import PATIENCE, wait_for

#: Where the reporter of a bench writes, in the bench's folder.
RECORDS = "calls.jsonl"

#: A config whose one reporter writes down what it is told.
CONFIG = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"
"""

#: A time zone in which a local time that is taken for UTC is hours away, all year.
_ELSEWHERE = "Asia/Kathmandu"

# Enqueues jobs, and tells what that left behind in its process.
_SEND = """
import importlib, sys, threading
app = importlib.import_module(sys.argv[1])
for name in sys.argv[2:]:
    app.send(name)
print("threads:", threading.active_count())
"""

# Does so within a job.
_SEND_FROM_A_JOB = """
import importlib, json, sys
from jobreporter import Dispatcher
app = importlib.import_module(sys.argv[1])
with Dispatcher({}).begin("conformance.parent", **json.loads(sys.argv[2])):
    for name in sys.argv[3:]:
        app.send(name)
"""

# Asks for a running job to be given up.
_REVOKE = """
import importlib, sys
importlib.import_module(sys.argv[1]).revoke(sys.argv[2])
"""


class WorkerBench:
    """A folder with a config and what was recorded there, and the worker that works there: derive a class that says how
    it is started, with `command`, and if need be how it is asked to end, with `end`.

    folder: the worker's working directory, which exists and is the bench's own. app: the module that the worker loads,
    importable in the environment. It has ``send(name)``, which enqueues the job of a case under the case's name as its
    id, and ``revoke(name)``, if the job queue can give up a running job. config: the text of ``jobreporter.toml``;
    ``{path}`` in it is where the recorder writes. environment: variables that the worker and whoever enqueues get
    beside those of this process.
    """

    def __init__(
        self, folder: Path, app: str, config: str = CONFIG, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.app = app
        self.log = folder / "worker.log"
        #: How many jobs the worker may run at once.
        self.workers = 1
        self._records = folder / RECORDS
        self._worker: subprocess.Popen[bytes] | None = None
        self._environ = dict(environment or {})
        (folder / "jobreporter.toml").write_text(config.format(path=self._records), encoding="utf-8")

    # What a class of one's own says

    def command(self, *, workers: int, max_jobs: int | None) -> Sequence[str]:
        """The program and arguments that start a worker which runs so many jobs at once.

        max_jobs: after how many jobs the worker, or its child, is replaced by a fresh one; ``None`` for never. What the
        job queue doesn't know is ignored.
        """
        raise NotImplementedError(f"{type(self).__name__} has to say how its worker is started")

    def end(self, *, abruptly: bool) -> None:
        """Ask the worker to end, once it has finished its jobs or abruptly: by default with SIGINT or SIGTERM."""
        self.signal(signal.SIGTERM if abruptly else signal.SIGINT)

    def case_of(self, job: Job) -> str:
        """Which case a job stands for: its id, unless the job queue makes up ids of its own."""
        return job.id

    # What is done with it

    def send(self, *names: str) -> str:
        """Enqueue jobs by case, in a process that does nothing else. Returns all that it says."""
        return self._run(_SEND, *names)

    def send_from_a_job(self, *names: str) -> None:
        """Enqueue jobs by case, as another job does that runs somewhere else: `PARENT`."""
        self._run(_SEND_FROM_A_JOB, json.dumps(PARENT), *names)

    def revoke(self, name: str) -> None:
        """Ask from another process that a running job be given up."""
        self._run(_REVOKE, name)

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run(  # noqa: S603 - the programs above
            [sys.executable, "-c", program, self.app, *words],
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
        """Start the worker; its output goes to ``worker.log``."""
        self.workers = workers
        command = self.command(workers=workers, max_jobs=max_jobs)
        with self.log.open("ab") as log:
            self._worker = subprocess.Popen(  # noqa: S603 - what the author of the source says
                command, env=self._environment(), cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def signal(self, number: signal.Signals) -> None:
        """Send the worker a signal."""
        assert self._worker is not None
        self._worker.send_signal(number)

    def wait(self) -> int:
        """The worker's exit status, once it has ended."""
        assert self._worker is not None
        try:
            return self._worker.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            alive = _in_session(self._worker.pid)
            raise AssertionError(f"still there: {alive}\n{self.what_the_worker_said()}") from None

    def stop(self) -> None:
        """End the worker gracefully."""
        self.end(abruptly=False)
        assert self.wait() == 0, self.what_the_worker_said()

    def kill(self) -> None:
        """Kill the worker and every process that it has started."""
        if self._worker is not None and self._worker.poll() is None:
            os.killpg(self._worker.pid, signal.SIGKILL)  # it leads a group of its own
            for pid in _in_session(self._worker.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)  # and some of these theirs
            self._worker.wait(PATIENCE)

    # What was told

    def calls(self) -> list[Call]:
        """Every call of a hook, of all processes."""
        return read_calls(self._records)

    def events(self, job: str) -> list[Event]:
        """What was reported of one job, in order."""
        return [call.meta for call in self.calls() if call.meta is not None and self.case_of(call.meta.job) == job]

    def executions(self, job: str) -> list[Execution]:
        """What was reported of one job, execution by execution, in the cases' words."""
        return executions(self.events(job))

    def running(self) -> int:
        """How many executions have started and not stopped, as far as was reported."""
        events = [call.meta for call in self.calls() if call.meta is not None]
        return sum(isinstance(event, Started) - isinstance(event, Stopped) for event in events)

    def wait_for_stops(self, counts: Mapping[str, int]) -> None:
        """Wait until jobs have stopped so many times."""

        def enough() -> bool:
            # One look at the records for all: whoever waits must not keep the worker from its work.
            told = (call.meta for call in self.calls())
            stops = Counter(self.case_of(event.job) for event in told if isinstance(event, Stopped))
            return all(stops[job] >= count for job, count in counts.items())

        def told() -> str:
            reported = {job: self.executions(job) for job in counts}
            return f"reported: {reported}\n{self.what_the_worker_said()}"

        self._wait_for(enough, f"all of {dict(counts)} stopped", told)

    def wait_for_start(self, job: str) -> None:
        """Wait until the job's start was reported, and the job is in its own code."""
        self._wait_for(
            lambda: any(isinstance(event, Started) for event in self.events(job)) and self.has(f"{job}.entered"),
            f"{job} started",
            self.what_the_worker_said,
        )

    def _wait_for(self, condition: Callable[[], object], what: str, explain: Callable[[], str]) -> None:
        """Wait for what the worker does; no longer than it lives, with all that it has started."""

        def ended_before() -> bool:
            worker = self._worker
            # What it did last is looked for once more after it was seen to be gone.
            gone = worker is not None and worker.poll() is not None and not _in_session(worker.pid)
            return gone and not condition()

        wait_for(lambda: condition() or ended_before(), what, explain)
        if self._worker is not None and not condition():
            raise AssertionError(f"{what}: the worker ended before, with {self._worker.poll()}\n{explain()}")

    def pid_of(self, job: str) -> int:
        """The process that the job has entered."""
        return int((self.folder / f"{job}.entered").read_text(encoding="utf-8"))

    def has(self, name: str) -> bool:
        """Whether a file is in the folder."""
        return (self.folder / name).exists()

    def put(self, name: str) -> None:
        """Make an empty file in the folder: ``hold.release`` lets the job ``hold`` go on."""
        (self.folder / name).touch()

    def what_the_worker_said(self) -> str:
        """All of its output, so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else "it was not started"

    def _environment(self) -> dict[str, str]:
        here = {"TZ": _ELSEWHERE, "JOBREPORTER_CONFIG": str(self.folder / "jobreporter.toml")}
        return {**os.environ, **here, **self._environ}


def executions(events: Sequence[Event]) -> list[Execution]:
    """The events of one job, execution by execution, in the cases' words.

    Each process tells of its own in order; which of two processes comes to tell first says nothing.
    """
    found: dict[str, list[str]] = {}
    begun: dict[str, float] = {}
    for event in events:
        begun.setdefault(event.job.execution_id, event.at)
        found.setdefault(event.job.execution_id, []).append(summary(event))
    return [tuple(found[execution]) for execution in sorted(found, key=begun.__getitem__)]


def _in_session(leader: int) -> list[int]:
    """The processes of the session that this one leads, in whatever group they are."""
    if Path("/proc/self").exists():
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    else:
        told = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True)  # noqa: S607 - by the path, as a shell finds it
        pids = [int(word) for word in told.stdout.split()]
    return [pid for pid in pids if _session_of(pid) == leader]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # it is gone, or not ours to ask about
        return None
