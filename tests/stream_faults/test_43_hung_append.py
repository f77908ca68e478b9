"""Faults 43 and 44: Redis hangs in the middle of an append, in a plain worker and in one whose jobs are greenlets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter import Dispatcher
from jobreporter._stream.outlets import DirectOutlet, SpoolOutlet
from jobreporter.testing import make_event, make_job
from tests.redis_servers import Server

pytest.importorskip("jobreporter_redis")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server("redis", tmp_path / "server")
    yield server
    assert server.process is not None
    server.process.send_signal(signal.SIGCONT)
    server.close()


@pytest.fixture
def config(server: Server, tmp_path: Path) -> Path:
    path = tmp_path / "jobreporter.toml"
    path.write_text(f'[stream]\nurl = "{server.url}"\nnamespace = "shop"\n')
    return path


def hang(server: Server) -> None:
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)


def test_43_closing_keeps_its_deadline(server: Server, config: Path) -> None:
    """And says what was lost, while a call to a server that doesn't answer is under way."""
    dispatcher = Dispatcher.from_config(config)
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(20)
    hang(server)
    for number in range(10):
        dispatcher.publish(make_event("started", job=make_job(id=str(number))))
    began = time.monotonic()
    assert not dispatcher.flush(0.3)
    assert not dispatcher.close(0.5)
    assert time.monotonic() - began < 0.8 + 1.5, "with a second and a half for a busy machine"
    stats = dispatcher.stats()["stream"]
    assert stats.handled == 1
    assert stats.accepted == 11 == stats.handled + stats.failed + sum(stats.dropped.values())


@pytest.mark.parametrize("engine", ["sqlite", "redis"])
def test_43_an_append_that_never_comes_back(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """As on a disk that hangs: no timeout of an engine's own ends it. What it has is `failed`, and what waits is `dropped`."""
    if engine == "redis":
        path, outlet = request.getfixturevalue("config"), DirectOutlet
    else:
        path, outlet = tmp_path / "spooled.toml", SpoolOutlet
        path.write_text(f'[stream]\nurl = "sqlite://{tmp_path}/stream.db"\n')
    dispatcher = Dispatcher.from_config(path)
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(20)
    hangs, goes_on = threading.Event(), threading.Event()

    def never(_outlet: object) -> None:
        hangs.set()
        goes_on.wait(30)

    with pytest.MonkeyPatch.context() as context:
        context.setattr(outlet, "flush", never)
        dispatcher.publish(make_event("success"))
        assert hangs.wait(20)
        for number in range(9):
            dispatcher.publish(make_event("started", job=make_job(id=str(number))))
        began = time.monotonic()
        assert not dispatcher.close(0.5)
        assert time.monotonic() - began < 10, "it hangs for thirty"
        goes_on.set()
    stats = dispatcher.stats()["stream"]
    assert (stats.accepted, stats.handled, stats.failed) == (11, 1, 1)
    assert stats.dropped == {"closed": 9}


PROGRAM = """
import {library}
{patch}
import sys, time, os, signal
from jobreporter import Dispatcher
from jobreporter.testing import make_event
dispatcher = Dispatcher.from_config()
dispatcher.publish(make_event("started"))
assert dispatcher.flush(20)
os.kill(int(sys.argv[1]), signal.SIGSTOP)
dispatcher.publish(make_event("success"))
longest, before, end = 0.0, time.monotonic(), time.monotonic() + 3
while time.monotonic() < end:
    {library}.sleep(0.01)
    now = time.monotonic()
    longest, before = max(longest, now - before), now
print(longest, dispatcher.stats()["stream"].pending)
os._exit(0)
"""


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_44_greenlets_go_on(server: Server, config: Path, library: str) -> None:
    """A job that is a greenlet is not held up by an append that hangs: the event waits."""
    patch = "from gevent import monkey; monkey.patch_all()" if library == "gevent" else "eventlet.monkey_patch()"
    assert server.process is not None
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(library=library, patch=patch), str(server.process.pid)],
        env={**os.environ, "JOBREPORTER_CONFIG": str(config)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    longest, pending = done.stdout.split()[-2:]
    assert float(longest) < 1.0, "an append may take two seconds"
    assert pending == "1"
