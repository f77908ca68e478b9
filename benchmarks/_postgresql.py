"""A PostgreSQL for the length of a benchmark, which must be installed: on a free port of loopback, as another user if this one is root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60.0


@contextmanager
def postgresql(folder: Path) -> Iterator[int]:
    """Gives its port. It has the user ``bench``, who needs no password, and the databases ``ours`` and ``peer``."""
    import psycopg

    whom: dict[str, Any] = {}
    if os.geteuid() == 0:
        entry = pwd.getpwnam("postgres")
        whom = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        shutil.chown(folder, entry.pw_uid)
    data = folder / "data"
    make = [program("initdb"), "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(make, check=True, capture_output=True, cwd=folder, **whom)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # Neither side waits for the disk at each commit.
    settings = [
        "--unix_socket_directories=",
        "--synchronous_commit=off",
        "--listen_addresses=127.0.0.1",
        f"--port={port}",
    ]
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            [program("postgres"), "-D", data, *settings], stdout=log, stderr=log, cwd=folder, **whom
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with psycopg.connect(
                    host="127.0.0.1", port=port, user="bench", dbname="postgres", autocommit=True
                ) as made:
                    for name in ("ours", "peer"):
                        made.execute(f"CREATE DATABASE {name}".encode())
                break
            except psycopg.OperationalError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise
                time.sleep(0.05)
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE)


def program(name: str) -> str:
    """Where one of the server's programs is; Debian puts them where no shell looks."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    return found or sys.exit(f"this needs a PostgreSQL, and there is no {name} (Debian: apt install postgresql)")
