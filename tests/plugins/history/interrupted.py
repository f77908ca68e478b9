"""Forked children that a signal meets before a certain statement."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

from jobreporter_history._engines.postgresql_connection import PostgresqlConnection
from jobreporter_history._engines.sqlite import SqliteConnection


class Child:
    """Runs some work in a forked child, which sends itself a signal before one of its statements.

    statement: counts from 1; ``None``: never. signal_number: SIGKILL or SIGSTOP.
    """

    def __init__(self, work: Callable[[], object], statement: int | None, signal_number: int = signal.SIGKILL) -> None:
        self._count_read, count_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                begun = 0

                def counted(method: Callable[..., Any]) -> Callable[..., Any]:
                    def call(*arguments: Any) -> Any:
                        nonlocal begun
                        begun += 1
                        os.write(count_write, b".")
                        if begun == statement:
                            os.kill(os.getpid(), signal_number)
                        return method(*arguments)

                    return call

                for connection in (SqliteConnection, PostgresqlConnection):
                    for name in ("rows", "row", "run", "run_many", "run_all"):
                        setattr(connection, name, counted(getattr(connection, name)))
                work()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(count_write)

    def wait_for_stop(self) -> bool:
        """Wait until it has stopped. Returns whether it did, and didn't end before."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return True
        self._ended(status)
        return False

    def go_on(self) -> None:
        """Let it go on after it was stopped."""
        os.kill(self.pid, signal.SIGCONT)

    def wait(self) -> int:
        """Wait for its end. Returns how many statements it began."""
        return self._ended(os.waitpid(self.pid, 0)[1])

    def _ended(self, status: int) -> int:
        count = 0
        while got := os.read(self._count_read, 4096):
            count += len(got)
        os.close(self._count_read)
        assert os.waitstatus_to_exitcode(status) in {0, -signal.SIGKILL}
        self.statements = count
        return count
