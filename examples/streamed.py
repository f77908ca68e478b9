"""The demo with a stream: an agent and a worker are killed on purpose, and what arrived is compared with what was said."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from queues import Queue
from stage import EXAMPLES, paint, say

from jobreporter import kind_of
from jobreporter.testing import read_calls

#: Executions that end before the first agent is killed.
FIRST = 3
#: Seconds after which something is wrong. A worker is taken for dead after 45 seconds of silence.
PATIENCE = 110.0
COLUMNS = ("accepted", "handled", "filtered", "dead", "expired", "pending")
PROGRAM = Path(sys.executable).with_name("jobreporter")


def play(home: Path, queue: Queue) -> int:
    """Show it. Returns the exit status."""
    environment = settings(home)
    say(
        f"A real {queue.title} worker takes the jobs and writes down what happens; `jobreporter agent` runs the reporters.\n"
        "The worker's own reporter `log` says:\n"
    )
    with ExitStack() as stack:
        first = stack.enter_context(agent(home, environment))
        worker = stack.enter_context(killed_at_the_end(queue.start_worker(home, environment, apart=True)))
        assert worker.stderr is not None
        stopped = 0
        for line in worker.stderr:
            say("  " + paint(line.rstrip()))
            stopped += line.startswith("stopped ")
            if line.startswith("stopped ") and stopped == FIRST:
                first.kill()
                last = stack.enter_context(agent(home, environment))
                say("! The agent is killed. Another one takes over, once the first one's leases have run out.")
            if line.startswith("stopped ") and stopped == queue.executions:
                importlib.import_module(queue.module).enqueue_long()
            if line.startswith("started intake.jobs.proofread"):
                wait_for("the job is in the stream", lambda: status(environment)["open_executions"] == 1)
                os.killpg(worker.pid, signal.SIGKILL)
                say(
                    "! The worker is killed in the middle of that job. After 45 seconds without a sign of life, an agent says so."
                )
        if stopped != queue.executions:
            say(f"\nThe worker ended after {stopped} of {queue.executions} executions. It says:\n")
            say((home / "worker.log").read_text(encoding="utf-8"))
            return 1
        wait_for("the job is told as lost", lambda: any(event.is_last for event in events_in(home / "arrived.jsonl")))
        last.send_signal(signal.SIGTERM)
        last.wait(PATIENCE)
    return show_what_arrived(home, environment)


def settings(home: Path) -> dict[str, str]:
    """The environment of workers, agents and commands alike: they read the same config."""
    places = [str(EXAMPLES), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(places),
        "JOBREPORTER_CONFIG": str(EXAMPLES / "stream.toml"),
        "JOBREPORTER_DISABLE": "",
        "INTAKE_STREAM": f"sqlite://{home}/stream.db",
    }


@contextmanager
def agent(home: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """An agent for the length of a block, unless it ends before."""
    with (home / "agent.log").open("ab") as log:
        process = subprocess.Popen([PROGRAM, "agent"], cwd=home, env=os.environ | environment, stdout=log, stderr=log)  # noqa: S603 - a command of our own
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def killed_at_the_end(worker: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A worker for the length of a block, or until something must be wrong."""

    def kill() -> None:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)

    impatience = threading.Timer(PATIENCE, kill)
    impatience.start()
    with worker:
        try:
            yield worker
        finally:
            impatience.cancel()
            kill()


class Told(NamedTuple):
    """An event, as a reporter has written it down."""

    kind: str
    job: str
    execution: str

    @property
    def is_last(self) -> bool:
        """Whether it is the end of the job that lasts the longest."""
        return self.kind == "stopped" and self.job.endswith("proofread")


def events_in(path: Path) -> list[Told]:
    """What a reporter has written down, in order."""
    events = [call.meta for call in read_calls(path) if call.meta is not None]
    return [Told(kind_of(event), event.job.name, event.job.execution_id) for event in events]


def status(environment: dict[str, str]) -> dict[str, Any]:
    """What ``jobreporter stream status`` says."""
    command = [PROGRAM, "stream", "status", "--json"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)  # noqa: S603 - likewise
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    """Wait until it is so. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it takes too long until {what}")
        time.sleep(0.1)


def show_what_arrived(home: Path, environment: dict[str, str]) -> int:
    """Beside what the worker said. Returns the exit status: 1 if something is missing."""
    said, arrived = Counter(events_in(home / "said.jsonl")), Counter(events_in(home / "arrived.jsonl"))
    missing, lost = said - arrived, Counter(arrived.keys()) - said
    say(
        f"\nThe worker said {said.total()} events, and of these {(said & arrived).total()} arrived; {missing.total()} are missing."
    )
    say(f"  came twice, since the agent was killed before it could settle them: {arrived.total() - len(arrived)}")
    say("  told for the worker that was killed: " + ", ".join(f"{event.kind} {event.job}" for event in lost))
    say("\nWhat became of the events in each reporter of the agents, as `jobreporter stream status` has it:")
    say("  " + "reporter".ljust(12) + "".join(column.rjust(10) for column in COLUMNS))
    for row in status(environment)["reporters"]:
        say("  " + row["name"].ljust(12) + "".join(str(row[column]).rjust(10) for column in COLUMNS))
    say("\nWhat the reporter `desk` left, with its agent killed in between:")
    say("\n".join(f"  {line}" for line in (home / "desk.txt").read_text(encoding="utf-8").splitlines()))
    return 1 if missing else 0
