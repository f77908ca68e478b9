"""Flower and the page as processes of their own, which can be asked, stopped, killed and started again."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
PATIENCE = 600.0
#: How often a page is asked for, unless that takes so many seconds.
ROUNDS = 50
LONG_ENOUGH = 30.0


class NotYetError(OSError):
    """It answers, but has nothing to show."""


class Side(ABC):
    """One of the two. title: what the table calls it."""

    title: str
    #: What is asked for, by what a person wants to see.
    searches: dict[str, str]

    def __init__(self, folder: Path, redis: str) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "BENCH_REDIS": redis,
            "JOBREPORTER_CONFIG": str(folder / "jobreporter.toml"),
            "PYTHONPATH": str(HERE),
        }
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.start()

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    @abstractmethod
    def list_page(self, search: str = "") -> list[str]:
        """The paths that a browser asks for to show the newest fifty."""

    @abstractmethod
    def total(self, search: str = "") -> int:
        """How many tasks it has."""

    @abstractmethod
    def state(self, name: str) -> str:
        """What it says of the newest task of this name."""

    @abstractmethod
    def on_disk(self) -> int:
        """Bytes of its files."""

    def start(self) -> None:
        log: IO[bytes]
        with (self.folder / f"{type(self).__name__}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.get("/")
                break
            except OSError:
                assert time.monotonic() < deadline, f"{self.title} does not start"
                time.sleep(0.05)

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def get(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise NotYetError(path, answer.status, body)
        return body

    def takes(self, search: str) -> float:
        """Seconds of processor time until a browser has the list; what else the machine does matters less to them."""
        paths = self.list_page(search)
        before, end = self._processor_time(), time.monotonic() + LONG_ENOUGH
        rounds = 0
        while rounds < ROUNDS and time.monotonic() < end:
            for path in paths:
                self.get(path)
            rounds += 1
        return (self._processor_time() - before) / rounds

    def _processor_time(self) -> float:
        """Seconds, of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes that its process has in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", status)
        return int(kilobytes) * 1024


class Flower(Side):
    """Flower, which keeps its state when it is told to stop."""

    title = "Flower, `--persistent`"
    searches = {"": "", "failures": "state:FAILURE", "word": "zeppelin"}  # noqa: RUF012 - never changed
    persistent = True
    most = 100_000

    def command(self) -> list[str]:
        where = ["--address=127.0.0.1", f"--port={self.port}"]
        keeps = ["--persistent=True", f"--db={self.folder / 'flower'}"] if self.persistent else []
        # By itself it has the last 100,000.
        return [str(BIN / "celery"), "--app=_beside_app", "flower", *where, *keeps, f"--max-tasks={self.most}"]

    def list_page(self, search: str = "") -> list[str]:
        return ["/tasks", self._rows(search, 50)]

    def total(self, search: str = "") -> int:
        return int(json.loads(self.get(self._rows(search, 1)))["recordsFiltered"])

    def state(self, name: str) -> str:
        return str(json.loads(self.get(self._rows(f"name:{name}", 1)))["data"][0]["state"])

    def on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.folder.glob("flower*"))

    def _rows(self, search: str, count: int) -> str:
        """As its page asks for them."""
        asked = {"draw": 1, "start": 0, "length": count, "search[value]": search}
        order = {"order[0][column]": 0, "order[0][dir]": "desc", "columns[0][data]": "received"}
        return f"/tasks/datatable?{urlencode(asked | order)}"


class Page(Side):
    """``jobreporter web`` over what the worker's reporter has written."""

    title = "`jobreporter web`"
    searches = {"": "", "failures": "outcome:failure", "word": "zeppelin"}  # noqa: RUF012 - never changed

    def command(self) -> list[str]:
        return [str(BIN / "jobreporter"), "web", f"--port={self.port}"]

    def list_page(self, search: str = "") -> list[str]:
        return [f"/executions?q={quote(search)}"]

    def total(self, search: str = "") -> int:
        found = re.search(r'id="count">(?:At least )?([\d,]+)', self.get(self.list_page(search)[0]))
        return int(found[1].replace(",", "")) if found else 0

    def state(self, name: str) -> str:
        """Of what runs: the first page says it."""
        row = next(each for each in self.get("/").split("<tr>") if name in each)
        return "lost" if "lost" in row else "running"

    def on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.folder.glob("history.db*"))
