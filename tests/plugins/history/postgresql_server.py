"""A PostgreSQL of the tests' own, on a free port of loopback: started for the first test that needs it, stopped after the last."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.missing import lacking
from tests.ports import free_port

#: Seconds that it may take to start.
PATIENCE = 60.0

#: Debian puts the server's programs where no shell looks for them.
_DEBIAN = Path("/usr/lib/postgresql")
#: The server refuses to run as root.
_UNPRIVILEGED = ("postgres", "nobody")


class PostgresqlServer:
    """One cluster; every test gets a database of its own."""

    def __init__(self) -> None:
        postgres = program("postgres")
        self._as = unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="jobreporter-postgresql-"))
        if self._as:
            shutil.chown(self.folder, self._as["user"])
        self._data = self.folder / "data"
        self._log = self.folder / "log"
        self._databases = itertools.count()
        self._make(self._data)
        self.port = free_port()
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 60,
        }
        self._command = [postgres, "-D", str(self._data), *(f"--{name}={value}" for name, value in settings.items())]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **self._as
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)  # between two tries, not in place of one

    def stop(self) -> None:
        """Have it end at once, with every connection."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE)

    def close(self) -> None:
        """Stop it, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """In the block it takes connections, and answers nobody."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def ask_for_password(self, role: str, password: str) -> None:
        """Have a new role, which has to give this password."""
        import psycopg

        rules = self._data / "pg_hba.conf"
        rules.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'".encode())
        self.stop()  # so that it has read the rules for certain
        self.start()

    def url(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://tests@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of a database that nobody has used."""
        import psycopg

        name = f"history_{next(self._databases)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def _make(self, data: Path) -> None:
        words = ["-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        make = [program("initdb"), "-D", str(data), *words]
        subprocess.run(make, check=True, capture_output=True, cwd=self.folder, **self._as)

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def program(name: str) -> str:
    """Where one of the server's programs is, the newest if there are several."""
    found = shutil.which(name)
    if found is None:
        found = next((str(path) for path in sorted(_DEBIAN.glob(f"*/bin/{name}"), reverse=True)), None)
    if found is None:
        lacking(f"these tests start a PostgreSQL, and there is no {name} (Debian: apt install postgresql)")
    return found


def unprivileged() -> dict[str, Any]:
    """How to start a process as somebody who isn't root; as oneself, if one isn't."""
    if os.geteuid() != 0:
        return {}
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.fail("these tests run as root, and PostgreSQL can't; there is no user postgres or nobody to run it as")
