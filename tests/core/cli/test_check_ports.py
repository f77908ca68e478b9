"""``jobreporter check`` beside a worker that runs already."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobreporter.testing import CommandLine
from tests.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a port")

SERVES = """
import socket
from jobreporter import Options, hookimpl

class O(Options):
    port: int

class Serves:
    @hookimpl
    def reporter_start(self, options: O):
        self.server = socket.create_server(("127.0.0.1", options.port))

    @hookimpl
    def reporter_stop(self):
        self.server.close()
"""

WORKER = """
import sys
from jobreporter import Dispatcher

with Dispatcher.from_config() as dispatcher:
    dispatcher.start()
    assert dispatcher.flush(20)
    print("ready", flush=True)
    sys.stdin.read()
"""

STRANGER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project whose reporter serves a port."""
    project = CommandLine(tmp_path)
    project.module("serves", SERVES)
    return project


@contextmanager
def running(project: CommandLine, program: str, *words: str, folder: Path | None = None) -> Iterator[int]:
    """A process that has said that it is ready, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        cwd=folder or project.folder,
        env=project.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        process.communicate(timeout=60)


def configure(project: CommandLine) -> int:
    port = free_port()
    project.config(f"[reporters.serves]\nuse = 'serves:Serves'\nport = {port}\nlane.timeout = '1s'\n")
    return port


def test_a_port_of_the_configs_own_worker_is_not_wrong(project: CommandLine) -> None:
    """It is said which process has it; the rest is tried as ever."""
    port = configure(project)
    assert project.run("check").returncode == 0
    with running(project, WORKER) as pid:
        done = project.run("check", "--json")
    report = json.loads(done.stdout)
    (row,) = report["reporters"]
    assert (done.returncode, row["status"], row["problems"]) == (0, "running", [])
    assert row["detail"].startswith(f"process {pid} (")
    assert row["detail"].endswith(f", which has this config, serves port {port}: not tried here")
    assert report["summary"].startswith("ok: the reporter 'serves'")


def test_a_worker_of_another_config_is_a_stranger(project: CommandLine, tmp_path: Path) -> None:
    """It would be in the way of this config's worker too."""
    configure(project)
    other = tmp_path / "other"
    other.mkdir()
    (other / "jobreporter.toml").write_text((project.folder / "jobreporter.toml").read_text())
    with running(project, WORKER, folder=other):
        done = project.run("check")
    assert done.returncode == 1
    assert "Address already in use" in done.stdout


def test_a_port_of_a_stranger_is_wrong(project: CommandLine) -> None:
    """Also of one that runs in the same folder, where it would find the same config."""
    port = configure(project)
    with running(project, STRANGER, str(port)):
        done = project.run("check")
    assert done.returncode == 1
    assert "Address already in use" in done.stdout
