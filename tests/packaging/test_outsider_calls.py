"""Every call that an outsider's reporter gets in a clean environment, compared with the contract to the letter."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .clean_environment import CleanEnvironment

TILL = Path(__file__).with_name("till.py")

CONFIG = """
[context]
service = "shop"
environment = "test"
release = { env = "RELEASE" }

[dispatcher]
exit_timeout = 20.0

[reporters.journal]
path = "journal.jsonl"
token = { env = "JOURNAL_TOKEN" }
poison = "till.close"
lane.flush_interval = 3600.0

[reporters.brief]
path = "brief.txt"
"""

ENVIRON = {"RELEASE": "7", "JOURNAL_TOKEN": "c4nary"}

#: What is measured, and differs from run to run.
MEASURED = ("at", "duration", "queue_wait", "pid")
AT, SECONDS, PID = "<float at>", "<float duration>", "<int pid>"


class Run:
    """What is left of one run of the program with both reporters."""

    def __init__(self, folder: Path, done: subprocess.CompletedProcess[str]) -> None:
        self.done = done
        lines = (folder / "journal.jsonl").read_text().replace(f"{folder}/", "").splitlines()
        self.calls = [json.loads(line, object_hook=settled) for line in lines]
        self.heard = (folder / "brief.txt").read_text().splitlines()


def settled(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the kind of each measured number in its place."""
    numbers = {name for name in MEASURED if isinstance(record.get(name), int | float)}
    return record | {name: f"<{type(record[name]).__name__} {name}>" for name in numbers}


@pytest.fixture(scope="module")
def run(clean: CleanEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run of the program in the clean environment."""
    folder = tmp_path_factory.mktemp("till")
    # Beside the config and away from the tests: Python looks for modules where the program lies.
    shutil.copy(TILL, folder)
    (folder / "jobreporter.toml").write_text(CONFIG)
    return Run(folder, clean.run(folder, "python", "till.py", **ENVIRON))


def job(**fields: Any) -> dict[str, Any]:
    """A job as the program describes it."""
    known = {
        "source": "python",
        "queue": "till",
        "args": [],
        "kwargs": {},
        "attempt": 1,
        "max_attempts": None,
        "enqueued_at": None,
        "scheduled_at": None,
        "priority": None,
        "worker": "shop:7",
        "correlation_id": None,
        "root_id": None,
        "parent_id": None,
        "extra": {},
    }
    return {**known, **fields}


def error(kind: str, message: str, *mro: str, **fields: Any) -> dict[str, Any]:
    """An error of the type ``kind`` with these bases."""
    known = {
        "type": kind,
        "message": message,
        "mro": [kind, *mro, "builtins.Exception", "builtins.BaseException", "builtins.object"],
        "frames": [],
        "frames_omitted": 0,
        "cause": None,
        "context": None,
        "suppress_context": False,
        "notes": [],
        "exceptions": [],
    }
    return {**known, **fields}


def frame(function: str, line: str) -> dict[str, Any]:
    """A call on the stack of the program, where this line of it was running."""
    lines = [each.strip() for each in TILL.read_text().splitlines()]
    place = {"filename": "till.py", "lineno": lines.index(line) + 1}
    return {**place, "function": function, "module": "__main__", "line": line, "locals": None, "in_app": True}


OPEN = job(
    id="1", execution_id="1:1", name="till.open", args=["monday"], kwargs={"api_key": "[redacted]", "drawer": "left"}
)
COUNT = job(id="2", execution_id="2:1", name="till.count")
REMIND = job(id="3", execution_id="3:1", name="till.remind", enqueued_at=1000.0)
CHARGE = job(id="4", execution_id="4:2", name="till.charge", attempt=2, max_attempts=3, enqueued_at=1000.0)
PRINT = job(id="5", execution_id="5:1", name="till.print")
CLOSE = job(id="6", execution_id="6:1", name="till.close")

DECLINED_FRAMES = [
    frame("main", "charge()"),
    frame("charge", 'raise DeclinedError("no card") from ConnectionError("bank is closed")'),
]
DECLINED = error(
    "__main__.DeclinedError",
    "no card",
    frames=DECLINED_FRAMES,
    cause=error("builtins.ConnectionError", "bank is closed", "builtins.OSError"),
    context=error("builtins.KeyError", "'card'", "builtins.LookupError", frames=[frame("charge", 'wallet["card"]')]),
    suppress_context=True,
)
PRINTING_FRAMES = [frame("main", 'raise ExceptionGroup("printing", [OSError("no paper"), ValueError("no ink")])')]
PRINTING = error(
    "builtins.ExceptionGroup",
    "printing (2 sub-exceptions)",
    "builtins.BaseExceptionGroup",
    frames=PRINTING_FRAMES,
    exceptions=[error("builtins.OSError", "no paper"), error("builtins.ValueError", "no ink")],
)

STARTED = {"event": "started", "at": AT}
SUCCESS: dict[str, Any] = {"event": "success", "at": AT, "duration": SECONDS, "queue_wait": None, "tags": {}}
ABORTED = {"event": "aborted", "at": AT, "duration": SECONDS, "tags": {}}
FAILURE = {"event": "failure", "at": AT, "kind": "exception", "exit_status": None, "duration": SECONDS, "tags": {}}
STOPPED = {"event": "stopped", "at": AT, "duration": SECONDS}

START = {
    "options": "JournalOptions(path='journal.jsonl', token=Secret(...), poison='till.close')",
    "context": {
        "service": "shop",
        "environment": "test",
        "release": "7",
        "host": socket.gethostname(),
        "pid": PID,
        "version": "0.1.0",
        "schedules": [],
        "page": None,
        "reporter": "journal",
        "config": "jobreporter.toml",
        "stats": ["brief", "journal"],
    },
    "state": 0,
}

#: Hook and arguments of every call, in order. The journal's state counts the outcomes since its start.
CALLS = [
    ["reporter_start", START],
    # A success.
    ["handle_started", {"job": OPEN, "meta": {**STARTED, "job": OPEN}, "state": 0}],
    ["handle_success", {"job": OPEN, "meta": {**SUCCESS, "job": OPEN, "tags": {"day": "1"}}, "state": 0}],
    ["handle_stopped", {"job": OPEN, "meta": {**STOPPED, "job": OPEN, "outcome": "success"}, "state": 1}],
    # The job gives up by itself.
    ["handle_started", {"job": COUNT, "meta": {**STARTED, "job": COUNT}, "state": 1}],
    [
        "handle_aborted",
        {"job": COUNT, "meta": {**ABORTED, "job": COUNT, "reason": "skipped", "will_retry": False}, "state": 1},
    ],
    ["handle_stopped", {"job": COUNT, "meta": {**STOPPED, "job": COUNT, "outcome": "aborted"}, "state": 2}],
    # It is given up before it starts.
    [
        "handle_aborted",
        {
            "job": REMIND,
            "meta": {**ABORTED, "job": REMIND, "reason": "expired", "will_retry": None, "duration": None},
            "state": 2,
        },
    ],
    [
        "handle_stopped",
        {"job": REMIND, "meta": {**STOPPED, "job": REMIND, "outcome": "aborted", "duration": None}, "state": 3},
    ],
    # A failure with a cause and a context, which will be retried.
    ["handle_started", {"job": CHARGE, "meta": {**STARTED, "job": CHARGE}, "state": 3}],
    [
        "handle_failure",
        {
            "job": CHARGE,
            "error": DECLINED,
            "stacktrace": DECLINED_FRAMES,
            "meta": {
                **FAILURE,
                "job": CHARGE,
                "error": DECLINED,
                "will_retry": True,
                "retry_delay": 30.0,
                "queue_wait": "<float queue_wait>",
            },
            "state": 3,
        },
    ],
    ["handle_stopped", {"job": CHARGE, "meta": {**STOPPED, "job": CHARGE, "outcome": "failure"}, "state": 4}],
    # An exception group.
    ["handle_started", {"job": PRINT, "meta": {**STARTED, "job": PRINT}, "state": 4}],
    [
        "handle_failure",
        {
            "job": PRINT,
            "error": PRINTING,
            "stacktrace": PRINTING_FRAMES,
            "meta": {
                **FAILURE,
                "job": PRINT,
                "error": PRINTING,
                "will_retry": None,
                "retry_delay": None,
                "queue_wait": None,
            },
            "state": 4,
        },
    ],
    ["handle_stopped", {"job": PRINT, "meta": {**STOPPED, "job": PRINT, "outcome": "failure"}, "state": 5}],
    # The program flushes.
    ["reporter_flush", {"state": 5}],
    # The journal crashes on a success, is flushed once more, and is started again for what follows.
    ["handle_started", {"job": CLOSE, "meta": {**STARTED, "job": CLOSE}, "state": 5}],
    ["handle_success", {"job": CLOSE, "meta": {**SUCCESS, "job": CLOSE}, "state": 5}],
    ["reporter_flush", {"state": 5}],
    ["reporter_stop", {"state": 5}],
    ["reporter_start", START],
    ["handle_stopped", {"job": CLOSE, "meta": {**STOPPED, "job": CLOSE, "outcome": "success"}, "state": 0}],
    # The program ends.
    ["reporter_flush", {"state": 0}],
    ["reporter_stop", {"state": 0}],
]


def test_every_call_is_as_the_contract_says(run: Run) -> None:
    """Which hooks are called, in which order, with which arguments and state: all as the contract says."""
    assert [hook for hook, _ in run.calls] == [hook for hook, _ in CALLS]
    for found, expected in zip(run.calls, CALLS, strict=True):
        assert found == expected


def test_few_arguments_will_do(run: Run) -> None:
    """A class whose hooks are async and ask for little gets just that; what it returns without `state` is ignored."""
    assert run.heard == [
        "stopped after success: the first state",
        "stopped after aborted: the first state",
        "stopped after aborted: the first state",
        "failure __main__.DeclinedError",
        "stopped after failure: the first state",
        "failure builtins.ExceptionGroup",
        "stopped after failure: the first state",
        "stopped after success: the first state",
    ]


def test_a_crash_is_the_reporters_own(run: Run) -> None:
    """The program ends well, the ledger counts one failed event and one restart, and the log names both."""
    assert run.done.returncode == 0
    assert run.done.stdout.splitlines() == [
        "journal: 17 accepted, 16 handled, 1 failed, 0 filtered, 1 restarts, closed",
        "brief: 17 accepted, 8 handled, 0 failed, 9 filtered, 0 restarts, closed",
    ]
    crash, loss = run.done.stderr.splitlines()
    assert crash.startswith("reporter 'journal' crashed in handle_success: RuntimeError: poisoned (")
    assert loss == "reporter 'journal' lost 1 of 17 events: 1 failed (it crashed or hung on them)"
