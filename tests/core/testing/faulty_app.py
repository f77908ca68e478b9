"""A job queue that is a file with a name on each line, and its source, which does wrong what ``FAULT`` says."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from jobreporter import ConfigError, Dispatcher
from jobreporter.testing import perform_case

FAULT = os.environ.get("FAULT", "")
QUEUE = Path("queue")


def send(name: str) -> None:
    """Enqueue the job of a case."""
    with QUEUE.open("a") as queue:
        queue.write(f"{name}\n")
    if FAULT == "starts reporters wherever jobs are enqueued":
        Dispatcher.from_config().start()


def run(dispatcher: Dispatcher, name: str) -> None:
    """Run one job and report it."""
    argument = "customer" if FAULT == "shows secrets" else "api_key"
    fields: dict[str, Any] = {"id": name, "source": "file", "kwargs": {argument: "k-canary"}}
    if FAULT == "gives all executions one id":
        fields["execution_id"] = "1"
    execution = dispatcher.begin("faulty.perform", **fields)
    if FAULT != "enters no execution":
        execution.enter()
    try:
        perform_case(name)
    except Exception as error:
        execution.note(error)
        if FAULT == "takes aborts for failures":
            execution.fail(error)
    else:
        execution.succeed()
    execution.stop()


def work() -> None:
    """Work until asked to end."""
    asked_to_end: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked_to_end.append(number))
    try:
        dispatcher = Dispatcher.from_config()
    except ConfigError:
        if FAULT != "works without a config":
            raise
        dispatcher = Dispatcher()
    done = 0
    while not asked_to_end:
        for name in QUEUE.read_text().splitlines()[done:]:
            run(dispatcher, name)
            done += 1
            if FAULT == "starts anew for each job":
                dispatcher.close()
                dispatcher = Dispatcher.from_config()
            if FAULT == "works without a config":
                return
        time.sleep(0.01)
    if FAULT == "ends without its reporters":
        os._exit(0)
    dispatcher.close()


if __name__ == "__main__":
    work()
