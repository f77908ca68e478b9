"""Waiting for a PostgreSQL that may not answer any more: it hangs, or what is between has gone without a word."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen

from jobreporter_history._engines.database import Row

# Seconds without a word that are still no reason to give up where the time is over: a server that is slow answers in them.
_SILENCE = 4.0
# Seconds without a word after which there will be none: the server itself gives up a statement before.
_LONGEST = 65.0


class Silent(psycopg.OperationalError):
    """The server has not answered."""


class PatientConnection(psycopg.Connection[Row]):
    """A connection on which nobody waits for ever."""

    #: The monotonic time after which a silent server is given up.
    deadline = math.inf
    #: Whether its session may be another after each transaction, as behind a pooler.
    pooled = False

    def wait(self, gen: PQGen[RV], *arguments: Any, **more: Any) -> RV:
        try:
            return super().wait(_bounded(gen, self.deadline), *arguments, **more)
        except Silent:
            self.close()  # whatever it says later is the answer to another question
            raise


def _bounded(steps: PQGen[RV], deadline: float) -> Generator[Any, Any, RV]:
    """The same steps, unless nothing has come for long when the time is over."""
    heard_at = time.monotonic()
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                heard_at = now
            elif now > min(max(deadline, heard_at + _SILENCE), heard_at + _LONGEST):
                raise Silent("the server does not answer")
            wanted = steps.send(ready)
    except StopIteration as done:
        result: RV = done.value
        return result
