"""A primary behind a sentinel, each a process of the tests' own."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.ports import free_port
from tests.redis_servers import PATIENCE, Server, program


class Sentinels:
    """name: what the sentinel calls the primary. lines: of its configuration."""

    def __init__(self, folder: Path, name: str, *lines: str) -> None:
        self.primary = Server("redis", folder / "primary")
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        config = folder / "sentinel.conf"
        own = [f"port {self._port}", "bind 127.0.0.1", f"sentinel monitor {name} 127.0.0.1 {self.primary.port} 1"]
        config.write_text("\n".join([*own, *lines, ""]))
        self._log = folder / "sentinel.log"
        with self._log.open("wb") as log:
            command = [program("redis"), str(config), "--sentinel"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def __enter__(self) -> Self:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                assert time.monotonic() < end, self._log.read_text()
                time.sleep(0.01)  # between two tries, not in place of one
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self.primary.close()
