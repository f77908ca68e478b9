"""Row 15: a process that gevent or eventlet has patched, before jobreporter was imported or after."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jobreporter
from jobreporter.testing import read_calls
from tests.faults import greenlet_programs, greenlet_reports

ROOT = Path(__file__).parents[2]
PATCH = {
    "gevent": "import gevent.monkey; gevent.monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}
#: Nothing that both libraries say about themselves concerns these tests.
QUIETLY = "import warnings; warnings.simplefilter('ignore')"
IMPORT = "import jobreporter, jobreporter.testing, jobreporter._lane.event_loop"

EITHER = pytest.mark.parametrize("library", list(PATCH))
BEFORE_AND_AFTER = pytest.mark.parametrize(
    "preamble",
    [
        pytest.param("\n".join([QUIETLY, *order]), id=f"{library}-{name}-import")
        for library, patch in PATCH.items()
        for name, order in {"before": (patch, IMPORT), "after": (IMPORT, patch)}.items()
    ],
)


def run(preamble: str, program: Callable[..., None], *words: str) -> str:
    """Run one of the programs after the preamble. Returns what it says on stderr."""
    return execute(f"{preamble}\nimport sys\n{imported(program)}\nprogram(*sys.argv[1:])\n", *words).stderr


def imported(program: Callable[..., None]) -> str:
    return f"from {program.__module__} import {program.__name__} as program"


def execute(program: str, *words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=cwd, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def patched(library: str) -> str:
    return "\n".join([QUIETLY, PATCH[library], IMPORT])


@BEFORE_AND_AFTER
def test_nothing_freezes(preamble: str) -> None:
    """Greenlets run while the pump sleeps and lanes rest, and while one of them waits in flush or close."""
    run(preamble, greenlet_programs.nothing_freezes)


@BEFORE_AND_AFTER
def test_the_ledger_closes(preamble: str, tmp_path: Path) -> None:
    """Of what 50 greenlets publish nothing is lost untold, beside reporters that raise and hang; each event came once."""
    path = tmp_path / "calls"
    run(preamble, greenlet_reports.the_ledger_closes, str(path))

    events = [(call.hook, call.job.id) for call in read_calls(path) if call.job is not None]
    assert len(events) == len(set(events)) == 3_002


@EITHER
def test_publish_gives_way_to_nobody(library: str) -> None:
    """No greenlet is switched away from inside ``publish``, not even by the first event."""
    run(patched(library), greenlet_programs.publish_gives_way_to_nobody)


@EITHER
def test_a_burst_lets_others_run(library: str) -> None:
    """A lane with many events to hand out gives way between them."""
    run(patched(library), greenlet_programs.a_burst_lets_others_run)


@EITHER
def test_executions_keep_apart(library: str) -> None:
    """``Execution.current()`` is each greenlet's own."""
    run(patched(library), greenlet_reports.executions_keep_apart)


@EITHER
def test_a_killed_greenlet_is_cancelled(library: str) -> None:
    """``GreenletExit`` is no failure of the job."""
    run(patched(library), greenlet_reports.a_killed_greenlet_is_cancelled)


@EITHER
def test_a_hang_is_named(library: str) -> None:
    """A hook that waits for ever is found and left behind like a thread, and the log says where it waits."""
    said = run(patched(library), greenlet_programs.a_hang_is_named)

    assert said.count("hung for more than 0.1 s") == 1
    assert "< wait_for_ever (" in said


@EITHER
def test_async_hooks_are_refused(library: str) -> None:
    """One thread has room for one running event loop, which may be the jobs' own."""
    said = run(patched(library), greenlet_programs.async_hooks_are_refused)

    assert said.count(f"whose event loop needs a thread of its own; in this process {library} has patched threads") == 1


@EITHER
def test_a_reporters_own_thread_runs(library: str) -> None:
    """A server that a reporter starts answers at any time."""
    run(patched(library), greenlet_programs.a_reporters_own_thread_runs)


@EITHER
def test_a_dispatcher_from_before_the_patch(library: str) -> None:
    """Made before the patch and started after it, a dispatcher freezes nothing and loses nothing."""
    module, _, patch = PATCH[library].partition("; ")
    execute(f"{QUIETLY}\n{module}\n{imported(greenlet_reports.made_before_the_patch)}\nprogram(lambda: {patch})")


@EITHER
def test_a_child_owns_nothing(library: str, tmp_path: Path) -> None:
    """Nothing is delivered twice after a fork, and the child's reporters are its own."""
    path = tmp_path / "calls"
    said = run(patched(library), greenlet_reports.a_child_owns_nothing, str(path))

    assert "Traceback" not in said
    by_process: dict[int | None, list[str]] = {}
    for call in read_calls(path):
        if call.job is not None:
            by_process.setdefault(call.pid, []).append(call.job.id)
    assert sorted(by_process.values()) == [["child"], ["first", "second", "parent"]]


@EITHER
def test_the_exit_delivers(library: str, tmp_path: Path) -> None:
    """At exit, what a short program has published is handed out."""
    path = tmp_path / "calls"
    assert run(patched(library), greenlet_reports.the_exit_delivers, str(path)) == ""

    assert [call.job.id for call in read_calls(path) if call.job is not None] == [str(number) for number in range(10)]
    assert read_calls(path)[-1].hook == "reporter_stop"


@pytest.mark.parametrize(
    "patch",
    [
        "import gevent.monkey; gevent.monkey.patch_all(thread=False)",
        "import eventlet; eventlet.monkey_patch(socket=True)",
    ],
    ids=["gevent", "eventlet"],
)
def test_unpatched_threads_stay_threads(patch: str) -> None:
    """Sockets may be patched without threads: then reporters have threads, as everywhere."""
    run(f"{QUIETLY}\n{patch}", greenlet_programs.unpatched_threads_stay_threads)


class Server(http.server.ThreadingHTTPServer):
    """Answers a request for ``/NAME`` once one for ``/release/NAME`` has come."""

    daemon_threads = True

    def __init__(self) -> None:
        self.released = {"http.client": threading.Event(), "urllib3": threading.Event()}
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        *release, name = self.path.strip("/").split("/")
        if release:
            self.server.released[name].set()
        in_time = self.server.released[name].wait(20)
        self.send_response(200 if in_time else 504)
        self.end_headers()
        self.wfile.write(b"released" if in_time else b"frozen")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Where a `Server` listens."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@EITHER
def test_requests_do_not_freeze(library: str, port: int) -> None:
    """While a reporter waits for a server, through ``http.client`` and urllib3, the jobs' greenlets run."""
    run(patched(library), greenlet_programs.requests_do_not_freeze, str(port))


CHECK = """
from jobreporter._cli import main
main(["check"])
"""


@EITHER
def test_check_names_the_patch(library: str, tmp_path: Path) -> None:
    """``jobreporter check`` in a patched process says whose greenlets the reporters run in, and that they work."""
    (tmp_path / "jobreporter.toml").write_text("[reporters.log]\n")
    said = execute(f"{patched(library)}{CHECK}", cwd=tmp_path).stdout

    assert f"{library} has patched threads, so reporters run in greenlets" in " ".join(said.split())
    assert "started, flushed and stopped" in said


def test_check_says_nothing_of_threads_otherwise(tmp_path: Path) -> None:
    """Threads that are threads are not worth a line, even where gevent is imported."""
    (tmp_path / "jobreporter.toml").write_text("[reporters.log]\n")
    said = execute(f"import gevent{CHECK}", cwd=tmp_path).stdout

    assert "threads:" not in said


def test_locks_are_looked_up_when_they_are_made() -> None:
    """No module of core binds one of ``_thread``'s functions at import, where it may be from before the patch."""
    modules = list(Path(jobreporter.__file__).parent.glob("_*/**/*.py"))
    bound = {line for module in modules for line in module.read_text().splitlines() if "from _thread import" in line}

    assert bound == {"from _thread import LockType"}
