"""What every reporter owes its hosts, asked of each that is installed.

A reporter is found by its entry point. How it is configured for this, its distribution's tests say in
``tests/plugins/NAME/under_test.py``: ``options(url, folder)`` returns its options as they would stand in the config,
given the address of a server on loopback and a folder to write to.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobreporter import ABORT_REASONS, EVENTS, Abort, Dispatcher, ErrorInfo, Event, Frame, Job
from jobreporter._discovery import scan
from jobreporter._plugins.plugin import load
from jobreporter.testing import make_event, make_job

from .core.waiting import until
from .loopback import Loopback, loopback

HERE = Path(__file__).parent
CANARY = "canary-7f3a9c"
SOURCES = (
    "celery",
    "rq",
    "dramatiq",
    "huey",
    "arq",
    "taskiq",
    "procrastinate",
    "apscheduler",
    "django",
    "command",
    "python",
)
# The testing kit's own recorder is no reporter for production.
INSTALLED = {name: providers[0] for name, providers in sorted(scan().items())}

Options = Callable[[str, Path], dict[str, Any]]


def options_of(name: str) -> Options:
    """How the reporter is configured here; one that needs nothing has no file that says so."""
    path = HERE / "plugins" / name / "under_test.py"
    if not path.exists():
        return lambda _url, _folder: {}
    specification = importlib.util.spec_from_file_location(f"{name}_under_test", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    options: Options = module.options
    return options


@pytest.fixture(params=INSTALLED)
def name(request: pytest.FixtureRequest) -> str:
    """Each installed reporter."""
    return str(request.param)


@pytest.fixture
def server() -> Iterator[Loopback]:
    """The vendor's stand-in."""
    with loopback() as server:
        yield server


@pytest.fixture
def plugin(name: str) -> object:
    """What the entry point names."""
    return importlib_target(INSTALLED[name].value)


@pytest.fixture
def options(name: str, server: Loopback, tmp_path: Path) -> dict[str, Any]:
    """The reporter's options, as they would stand in the config."""
    return options_of(name)(server.url, tmp_path)


def importlib_target(value: str) -> object:
    module, _, attribute = value.partition(":")
    found: object = importlib.import_module(module)
    for part in filter(None, attribute.split(".")):
        found = getattr(found, part)
    return found


def dispatch(name: str, plugin: object, options: dict[str, Any], **lane: Any) -> Dispatcher:
    return Dispatcher({name: plugin}, config={"reporters": {name: {**options, "lane": lane}}})


def hostile_text() -> str:
    return "two\nlines \x1b[31m \x00 \u202e <script>alert(1)</script> {{7*7}} %s %(x)s '\"; -- \U0001f4a3"


def deep(levels: int) -> Any:
    data: Any = "bottom"
    for _ in range(levels):
        data = {"deeper": [data]}
    return data


def error_chain(levels: int) -> ErrorInfo:
    frames = tuple(Frame(filename="/app/jobs.py", lineno=line, function="run") for line in range(1, 60))
    error = ErrorInfo(type="builtins.ValueError", message=hostile_text(), frames=frames)
    for level in range(levels):
        error = ErrorInfo(
            type=f"shop.errors.Level{level}", message="", cause=error, frames=frames, notes=(hostile_text(),)
        )
    return ErrorInfo(type="builtins.ExceptionGroup", message="group", exceptions=(error, error))


def all_events() -> list[Event]:
    """Every kind of event of every source: with every optional field missing, with all of them, and hostile ones."""
    events: list[Event] = []
    for source in SOURCES:
        bare = Job(id="1", execution_id=f"{source}:1", name="reports.nightly", source=source)
        full = make_job(
            source=source,
            execution_id=f"{source}:2",
            args=(1, None, 2.5, True, "x", [1, {"a": ()}]),
            kwargs={"user": "ann"},
            attempt=3,
            max_attempts=5,
            enqueued_at=1_700_000_000.0,
            scheduled_at=1_700_000_001.0,
            priority=-3,
            correlation_id="c",
            root_id="r",
            parent_id="p",
            extra={"routing_key": "x"},
        )
        hostile = Job(
            id=hostile_text(),
            execution_id=f"{source}:{hostile_text()}",
            name=hostile_text() * 30,
            source=source,
            queue=hostile_text(),
            args=(hostile_text() * 500, deep(20)),
            kwargs={hostile_text(): deep(20)},
            attempt=2**31,
        )
        for job in (bare, full, hostile):
            for kind in EVENTS:
                events += of_kind(kind, job)
    return events


def of_kind(kind: type[Event], job: Job) -> Sequence[Event]:
    match kind.__name__:
        case "Failure":
            bare = make_event(kind, job=job, duration=None, error=ErrorInfo(type="builtins.ValueError"))
            full = make_event(
                kind,
                job=job,
                error=error_chain(10),
                kind="timeout",
                will_retry=True,
                retry_delay=3.0,
                queue_wait=0.5,
                tags={hostile_text(): hostile_text()},
            )
            return bare, full, make_event(kind, job=job, will_retry=False, error=error_chain(0))
        case "Aborted":
            reasons = [make_event(kind, job=job, reason=reason) for reason in (*ABORT_REASONS, hostile_text())]
            return [make_event(kind, job=job, duration=None), *reasons]
        case "Stopped":
            return [make_event(kind, job=job, outcome=outcome) for outcome in ("success", "aborted", "failure")]
        case _:
            return [make_event(kind, job=job)]


def test_it_takes_every_event_and_changes_none(name: str, plugin: object, options: dict[str, Any]) -> None:
    """Nothing that a source may report crashes it, a missing start or stop included; and it changes no event."""
    events = all_events()
    before = msgspec.msgpack.encode(events)
    dispatcher = dispatch(name, plugin, options)
    for event in events:
        dispatcher.publish(event)
    assert dispatcher.flush(30)
    stats = dispatcher.stats()[name]
    assert dispatcher.close(30)
    assert (stats.failed, stats.restarts, stats.dropped, stats.status) == (0, 0, {}, "running"), stats.reason
    assert stats.handled + stats.filtered == len(events)
    assert msgspec.msgpack.encode(events) == before


def test_it_starts_again_after_a_crash(name: str, plugin: object, options: dict[str, Any]) -> None:
    """Ports, files and registries are free again after ``reporter_stop``: two lives after each other work."""
    for _ in range(2):
        with dispatch(name, plugin, options) as dispatcher:
            dispatcher.publish(make_event("failure"))
            until(lambda: dispatcher.flush(30), "its flush")
            stats = dispatcher.stats()[name]
            assert (stats.status, stats.failed) == ("running", 0), stats.reason


def test_it_leaves_no_thread_behind(name: str, plugin: object, options: dict[str, Any]) -> None:
    """After closing, the threads are those from before."""
    before = set(threading.enumerate())
    with dispatch(name, plugin, options) as dispatcher:
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(30)
    end = time.monotonic() + 20
    while left := [thread for thread in threading.enumerate() if thread not in before and is_its(thread)]:
        assert time.monotonic() < end, left
        for thread in left:
            thread.join(1)


def is_its(thread: threading.Thread) -> bool:
    """Whether a thread is the reporter's: not one of the loopback server's, which live as long as a connection."""
    return "process_request_thread" not in thread.name


def test_it_keeps_its_deadlines_while_its_server_hangs(
    name: str, plugin: object, options: dict[str, Any], server: Loopback
) -> None:
    """``flush`` and ``close`` return in time, whatever the vendor does."""
    server.hangs = True
    dispatcher = dispatch(name, plugin, options, timeout=1.0)
    dispatcher.publish(make_event("failure"))
    start = time.monotonic()
    dispatcher.flush(0.5)
    dispatcher.close(0.5)
    assert time.monotonic() - start < 0.5 + 0.5 + 1.0, "a second for a busy machine"


def test_it_shows_no_secret(
    name: str,
    plugin: object,
    options: dict[str, Any],
    server: Loopback,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What was secret in a job's arguments and error is in nothing that it sends, writes, logs or serves."""
    caplog.set_level("DEBUG")
    dispatcher = dispatch(name, plugin, options)
    message = f"can't reach postgres://shop:{CANARY}@db/shop with {CANARY}"
    with (
        pytest.raises(ConnectionError),
        dispatcher.begin("a", kwargs={"password": CANARY, "deep": [{"token": CANARY}]}),
    ):
        raise ConnectionError(message)
    with dispatcher.begin("b", args=(f"https://ann:{CANARY}@host/",)):
        raise Abort("skipped")
    assert dispatcher.flush(30)
    dispatcher.close(30)
    assert CANARY not in caplog.text
    out, err = capfd.readouterr()
    assert CANARY not in out + err
    for request in server.requests:
        assert CANARY.encode() not in request.body, request.path
        assert CANARY not in request.path + str(request.headers)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def test_it_works_after_a_fork(name: str, plugin: object, options: dict[str, Any]) -> None:
    """A forked child starts its own, handles its own events, and closes in time."""
    dispatcher = dispatch(name, plugin, options)
    dispatcher.publish(make_event("failure"))
    assert dispatcher.flush(30)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            dispatcher.publish(make_event("failure"))
            stats = dispatcher.stats()[name]
            flushed = dispatcher.flush(20)
            stats = dispatcher.stats()[name]
            # A port can be taken once only, and then it is the parent's: that is no fault of the child's.
            status = 0 if flushed or stats.status == "broken" else 2
            dispatcher.close(5)
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    dispatcher.publish(make_event("failure"))
    assert dispatcher.flush(30)
    assert dispatcher.close(30)


PROCESS_STATE = """
import json, logging, signal, sys, threading, warnings

def state():
    return {
        "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
        "excepthook": repr(sys.excepthook),
        "unraisablehook": repr(sys.unraisablehook),
        "thread excepthook": repr(threading.excepthook),
        # A vendor's filter for its own warnings is its own affair.
        "filters": [repr(each) for each in warnings.filters if each[2].__module__ == "builtins"],
        "root": [logging.root.level, repr(logging.root.handlers), repr(logging.root.filters), logging.raiseExceptions],
        # And so is a handler of its own logger.
        "handlers": sorted(n for n, l in logging.root.manager.loggerDict.items() if getattr(l, "handlers", ())
                           and not all(isinstance(h, logging.NullHandler) for h in l.handlers)
                           and n.partition(".")[0] in hosts),
        "logger class": repr(logging.getLoggerClass()),
        "factory": repr(logging.getLogRecordFactory()),
    }

def connected(event, arguments):
    if event == "socket.bind" and arguments[1] == ("::1", 0):
        return  # urllib3's import asks whether there is IPv6
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen"):
        calls.append(f"{event} {arguments[1:]}")

calls = []
hosts = {"jobreporter", "asyncio", "concurrent"}
sys.addaudithook(connected)
# What jobreporter itself, and a worker that enables a reporter, has loaded anyhow.
import importlib, jobreporter
from jobreporter.testing import make_event
before = state()
module, _, attribute = sys.argv[1].partition(":")
found = importlib.import_module(module)
at_import = [*calls, *(thread.name for thread in threading.enumerate()[1:])]
loaded = {module.partition(".")[0] for module in sys.modules}
for part in filter(None, attribute.split(".")):
    found = getattr(found, part)
name, options = sys.argv[2], json.loads(sys.argv[3])
dispatcher = jobreporter.Dispatcher({name: found}, config={"reporters": {name: options}})
dispatcher.publish(make_event("failure"))
flushed = dispatcher.flush(20)
after = state()
dispatcher.close(10)
changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
later = {module.partition(".")[0] for module in sys.modules} - loaded - sys.stdlib_module_names
print(json.dumps({"at_import": at_import, "imported later": sorted(later), "flushed": flushed, "changed": changed}))
"""


def test_it_leaves_its_host_as_it_was(name: str, options: dict[str, Any]) -> None:
    """Importing starts nothing, running imports no package, and neither changes what is the process's.

    Which is: signal handlers, hooks, the logging tree, warning filters. A package that is imported on the lane may meet
    another thread's import in a deadlock, as eventlet's does, which sentry-sdk imports where it is installed.
    """
    command = [sys.executable, "-c", PROCESS_STATE, INSTALLED[name].value, name, json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "at_import": [],
        "imported later": [],
        "flushed": True,
        "changed": {},
    }


def test_it_is_what_the_contract_asks_for(name: str, plugin: object) -> None:
    """It loads without a refusal, and reacts to something."""
    loaded = load(name, plugin, distribution=INSTALLED[name].distribution, version=INSTALLED[name].version)
    assert any(hook.startswith("handle_") for hook in loaded.hooks)
