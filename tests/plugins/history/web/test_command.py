"""``jobreporter web``, as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from jobreporter_history._web.command import web


class Server:
    """The command on a free port."""

    def __init__(self, url: str, *arguments: str) -> None:
        command = [sys.executable, "-m", "jobreporter", "web", "--store", url, "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.port = urlsplit(self.said.split()[-1]).port

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port or 0, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found

    def close(self) -> str:
        """End it, if it hasn't ended. Returns what it said."""
        self.process.terminate()
        return self.process.communicate(timeout=20)[0]


@pytest.fixture
def server(full: str) -> Iterator[Server]:
    """The page of the full store, served under a path."""
    started = Server(full, "--root-path", "/ops/jobs")
    yield started
    started.close()


def test_it_serves_until_it_is_told_to_end(server: Server) -> None:
    """It says where it is, and SIGTERM ends it within three seconds and in peace, while thirty listen for changes."""
    assert server.said.startswith("jobreporter web: http://127.0.0.1:")
    assert server.get("/ops/jobs/")[0] == 200
    with ExitStack() as stack:
        for _ in range(30):
            listener = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            listener.sendall(b"GET /ops/jobs/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b""
            while b"retry: 3000" not in received:
                received += listener.recv(4096)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(timeout=20)
        assert time.monotonic() - began < 3
    assert code in {0, -signal.SIGTERM}
    assert server.close() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "reached by others"),  # noqa: S104 - it is refused
        (["--host", "192.0.2.1"], "reached by others"),
        (["--auth-header", "X-User"], "belong together"),
        (["--trusted-proxy", "10.0.0.0/8"], "belong together"),
        (["--auth-header", "X-User", "--trusted-proxy", "everywhere"], "is no network"),
        (["--token-file", "{short}"], "needs 16"),
        (["--store", "mysql://x"], "expected sqlite://"),
        (["--host", "192.0.2.1", "--token-file", "{token}"], "192.0.2.1:9791:"),
    ],
)
def test_it_refuses_to_start(tmp_path: Path, arguments: list[str], said: str) -> None:
    """What isn't safe, or can't be, is one sentence and an exit code, before anything is served."""
    files: dict[str, Any] = {"short": tmp_path / "short", "token": tmp_path / "token"}
    files["short"].write_text("secret\n")
    files["token"].write_text("0123456789abcdef\n")
    given = ["--store", f"sqlite://{tmp_path}/h.db", *(each.format(**files) for each in arguments)]
    result = CliRunner().invoke(web, given)
    assert result.exit_code in {1, 2}
    assert said in result.output
    assert "Traceback" not in result.output
