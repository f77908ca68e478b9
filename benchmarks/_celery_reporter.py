"""The reporter of the Celery benchmark. A module of its own: the app's is imported anew where it runs as a program."""

from __future__ import annotations

import os

from _ours import Counting
from redis import Redis

from jobreporter import hookimpl

COUNT = "bench-count"


class Telling(Counting):
    """Counts its events, and tells Redis at its end how many there were."""

    @hookimpl
    def reporter_stop(self) -> None:
        if "BENCH_REDIS" in os.environ:
            Redis.from_url(os.environ["BENCH_REDIS"]).incrby(COUNT, self.seen)
