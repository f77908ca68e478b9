"""A job queue that is a file with a job on each line, and its source, which does wrong what ``FAULT`` says."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobreporter import Abort, ConfigError, Dispatcher, Execution, Stopped
from jobreporter.sourcekit import fields_of_stamp, stamped
from jobreporter.testing import perform_case

FAULT = os.environ.get("FAULT", "")
QUEUE = Path("queue")

#: What would be waited for without end, did the worker not end by itself.
ENDLESS = ("never stops what failed", "swallows what the job raises", "ends by itself")


def send(name: str) -> None:
    """Enqueue the job of a case."""
    sent_at = time.time()
    match FAULT:
        case "tells local times":
            sent_at = datetime.fromtimestamp(sent_at).replace(tzinfo=UTC).timestamp()  # noqa: DTZ006 - that is the fault
        case "tells milliseconds":
            sent_at *= 1000
    stamp = {**stamped(), "enqueued_at": sent_at}
    if FAULT == "forgets who enqueued it":
        stamp = {"enqueued_at": sent_at}
    with QUEUE.open("a") as queue:
        queue.write(json.dumps({"name": name, "tries": 2 if name in ("retried", "exhausted") else 1, **stamp}) + "\n")
    if FAULT == "starts reporters wherever jobs are enqueued":
        Dispatcher.from_config().start()


def run(dispatcher: Dispatcher, job: dict[str, Any]) -> None:
    """Run one job and report it, as often as it may be tried."""
    if FAULT == "ends by itself":
        return
    for attempt in range(1, job["tries"] + 1):
        execution = begun(dispatcher, job, attempt)
        if FAULT != "enters no execution":
            execution.enter()
        again = attempt < job["tries"]
        try:
            perform_case(job["name"])
        except Exception as error:
            note(execution, error, again=again)
        else:
            execution.succeed()
            again = False
        if FAULT != "never stops what failed" or job["name"] != "exception":
            execution.stop()
        if FAULT == "waits for its reporters":
            dispatcher.flush(60)
        if FAULT == "tells it in both processes":
            dispatcher.publish(Stopped(job=execution.job, at=time.time(), outcome="success"))
        if not again or FAULT == "swallows what the job raises":
            return


def begun(dispatcher: Dispatcher, job: dict[str, Any], attempt: int) -> Execution:
    """The execution of an attempt."""
    name = job["name"]
    argument = "customer" if FAULT == "shows secrets" else "api_key"
    fields: dict[str, Any] = {"id": name, "source": "file", "kwargs": {argument: "k-canary"}, **fields_of_stamp(job)}
    fields |= {"attempt": attempt, "max_attempts": job["tries"]}
    match FAULT:
        case "gives all executions one id":
            fields["execution_id"] = "1"
        case "counts no attempts":
            fields |= {"attempt": 1, "execution_id": f"{name}:{attempt}"}
        case "counts retries for attempts":
            fields["max_attempts"] = job["tries"] + 1
        case "has no name":
            del fields["source"]
    return dispatcher.begin("faulty.perform", **fields)


def note(execution: Execution, error: Exception, *, again: bool) -> None:
    """What came of an attempt."""
    match FAULT:
        case "takes failures for successes" | "swallows what the job raises":
            execution.succeed()
        case "takes aborts for failures":
            execution.fail(error)
        case "knows of no retries":
            execution.fail(error, will_retry=False)
        case "gives no reason" if isinstance(error, Abort):
            execution.abort("unknown")
        case _ if isinstance(error, Abort):
            execution.abort(error.reason, will_retry=False)
        case _:
            execution.fail(error, will_retry=again)


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
            run(dispatcher, json.loads(name))
            done += 1
            if FAULT == "starts anew for each job":
                dispatcher.close()
                dispatcher = Dispatcher.from_config()
            if FAULT == "works without a config":
                return
        if FAULT in ENDLESS:
            break
        time.sleep(0.01)
    if FAULT == "ends without its reporters":
        os._exit(0)
    dispatcher.close()


if __name__ == "__main__":
    work()
