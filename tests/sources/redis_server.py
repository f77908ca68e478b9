"""A Redis of the tests' own, on a free port of loopback: started for the first test that needs it, stopped after the last."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

#: Seconds that it may take to start.
PATIENCE = 30.0


class RedisServer:
    """One process; every test gets a database of its own."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            missing = "these tests start a redis-server, and there is none (Debian: apt install redis-server)"
            if "CI" in os.environ:
                pytest.fail(missing)
            pytest.skip(missing)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._databases = itertools.count()
        self._log = folder / "redis.log"
        options = {"port": self.port, "bind": "127.0.0.1", "dir": folder, "save": "", "databases": 10_000}
        command = [program, *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._wait()

    def new_database(self) -> str:
        """The URL of a database that nobody has used."""
        return f"redis://127.0.0.1:{self.port}/{next(self._databases)}"

    def close(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, f"no answer from Redis\n{self._log.read_text()}"
            time.sleep(0.01)  # between two tries, not in place of one

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
