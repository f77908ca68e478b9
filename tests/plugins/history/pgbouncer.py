"""A PgBouncer before the tests' PostgreSQL, on a free port of loopback."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.missing import lacking
from tests.ports import free_port

from .postgresql_server import PATIENCE, PostgresqlServer, unprivileged


@contextmanager
def pgbouncer(server: PostgresqlServer, **settings: object) -> Iterator[int]:
    """Gives its port. settings: of its own, such as ``pool_mode``."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        lacking("these tests start a PgBouncer, and there is none (Debian: apt install pgbouncer)")
    port, whom = int(str(settings.get("listen_port", free_port()))), unprivileged()
    with tempfile.TemporaryDirectory(prefix="jobreporter-pgbouncer-") as name:
        folder = Path(name)
        if whom:
            shutil.chown(folder, whom["user"])
        given = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "default_pool_size": 4,
            "max_client_conn": 200,
            **settings,
        }
        lines = "\n".join(f"{name} = {value}" for name, value in given.items())
        databases = f"* = host=127.0.0.1 port={server.port} user=tests"
        (folder / "pgbouncer.ini").write_text(f"[databases]\n{databases}\n[pgbouncer]\n{lines}\n")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, "pgbouncer.ini"], cwd=folder, stdout=log, stderr=log, **whom)
        try:
            deadline = time.monotonic() + PATIENCE
            while not _answers(port):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.02)  # between two tries, not in place of one
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _answers(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://tests@127.0.0.1:{port}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
