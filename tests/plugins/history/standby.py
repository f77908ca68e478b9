"""A hot standby of the tests' PostgreSQL: a copy that follows it, and that can only be read until it is promoted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg

from tests.waiting import until

from .postgresql_server import PostgresqlServer, program


class Standby(PostgresqlServer):
    """It follows another server from now on."""

    def __init__(self, followed: PostgresqlServer) -> None:
        self._followed = followed
        super().__init__()

    def catch_up(self) -> None:
        """Wait until it has all that the other server has."""
        with psycopg.connect(self._followed.url("postgres"), autocommit=True) as connection:
            # The server writes out now and then what nobody waited for.
            connection.execute("SELECT txid_current()")
            [(written,)] = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchall()
            connection.execute("CHECKPOINT")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            sql = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            until(lambda: connection.execute(sql, (written,)).fetchone() == (True,))

    def promote(self) -> None:
        """Have it be a server of its own."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            assert connection.execute("SELECT pg_promote()").fetchone() == (True,)

    def url_of(self, url: str) -> str:
        """The same database here."""
        return self.url(url.rpartition("/")[2])

    def _make(self, data: Path) -> None:
        copy = [program("pg_basebackup"), "--pgdata", str(data), "--dbname", self._followed.url("postgres")]
        copy += ["--checkpoint=fast", "--write-recovery-conf", "--no-sync"]
        subprocess.run(copy, check=True, capture_output=True, cwd=self.folder, **self._as)
