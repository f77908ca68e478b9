"""What the reporter can be configured with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite
from typing import Literal
from urllib.parse import urlsplit

from jobreporter import Options, Secret

#: 5 ms to 1 h.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


class KnownJob(Options):
    """``[[reporters.prometheus.known]]``: a job that is on the page from the start."""

    #: What the queue calls the job.
    job: str
    #: Which source reports it: `celery`, `rq`, `huey`, `command`, `python`, ...
    source: str
    #: The queue that it is taken from; empty where there is none.
    queue: str = ""
    #: The types of errors whose counters start at zero, as they show in the label: `ValueError`, `shop.errors.Declined`.
    errors: tuple[str, ...] = ()
    #: Seconds within which it is meant to succeed again, for the alert that it missed to.
    every: float | None = None

    def __post_init__(self) -> None:
        if self.every is not None and self.every <= 0:
            raise ValueError(f"every is {self.every:g}, but must be more than 0 seconds")


class PrometheusOptions(Options):
    """``[reporters.prometheus]``."""

    #: `http`: each process serves its own page. `multiprocess`: the processes that share `directory` serve one page
    #: together. `push`: to a Pushgateway. `textfile`: for the node exporter.
    mode: Literal["http", "multiprocess", "push", "textfile"] = "http"
    #: Where the page is served. The default is this machine alone.
    host: str = "127.0.0.1"
    #: The port that the page is served on; 0 takes any that is free.
    port: int = 9790
    #: A folder of this application on a local disk, where its processes add up what they count. `multiprocess` needs
    #: it; with it, `push` and `textfile` count on from one process to the next.
    directory: str | None = None
    #: The Pushgateway's URL, for `push`.
    gateway: str | None = None
    #: Labels of the groups that are pushed, besides `job`.
    grouping: dict[str, str] = {}  # noqa: RUF012 - each record gets a dict of its own
    #: The `job` of the group that takes what belongs to no job.
    group: str = "jobreporter"
    #: For a Pushgateway that asks who is there.
    username: str | None = None
    #: The password to `username`.
    password: Secret | None = None
    #: Seconds that one push may take, with all that it tries again.
    push_timeout: float = 2.0
    #: The file to write, for `textfile`; its name ends in `.prom`.
    path: str | None = None
    #: Upper bounds of the buckets of `jobreporter_job_duration_seconds`.
    duration_buckets: tuple[float, ...] = BUCKETS
    #: Upper bounds of the buckets of `jobreporter_job_queue_wait_seconds`.
    queue_wait_buckets: tuple[float, ...] = BUCKETS
    #: Jobs that are on the page from the start, with their counters at zero.
    known: tuple[KnownJob, ...] = ()
    #: The most jobs, and the most kinds of errors and reasons of all jobs together, that are told apart. The rest counts
    #: as `other`.
    max_label_sets: int = 500
    #: Seconds after which a job of which no end was seen no longer counts as running.
    running_limit: float = 86_400.0

    def __post_init__(self) -> None:
        """Everything that no single type can say. Raises ValueError, in a sentence."""
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port is {self.port}, but ports are numbers from 0 to 65535")
        for name in ("max_label_sets", "running_limit", "push_timeout"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be more than 0")
        for name in ("duration_buckets", "queue_wait_buckets"):
            check_buckets(name, getattr(self, name))
        self._check_mode()

    def _check_mode(self) -> None:
        needed = {"multiprocess": "directory", "push": "gateway", "textfile": "path"}.get(self.mode)
        if needed and not getattr(self, needed):
            raise ValueError(f"mode is {self.mode!r}, which needs {needed}")
        if self.mode == "http" and self.directory:
            raise ValueError("mode is 'http', which has no use for directory: did you mean 'multiprocess'?")
        if self.path is not None and not self.path.endswith(".prom"):
            raise ValueError(f"path is {self.path!r}, but the node exporter reads only names that end in '.prom'")
        if self.gateway is not None:
            check_gateway(self.gateway)
        check_grouping(self.grouping)
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password are needed both or not at all")


def check_buckets(name: str, bounds: tuple[float, ...]) -> None:
    """Raises ValueError if they are no bounds of buckets."""
    if not bounds or list(bounds) != sorted(set(bounds)) or bounds[0] <= 0 or not all(map(isfinite, bounds)):
        raise ValueError(f"{name} must be numbers of seconds above 0 that rise, at least one")


def check_grouping(labels: Iterable[str]) -> None:
    """Raises ValueError if they are no labels for a group that is pushed."""
    for label in labels:
        if label == "job":
            raise ValueError("grouping has a label 'job', which is each job's own name")
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label) or label.startswith("__"):
            raise ValueError(f"grouping has a label {label!r}, but labels are made of letters, digits and underscores")


def check_gateway(url: str) -> None:
    """Raises ValueError if it is no address of a Pushgateway. The message never has the whole, which may hold a password."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("gateway must be a URL such as 'http://pushgateway:9091'")
    if "@" in parts.netloc:
        raise ValueError("gateway has a user or password in it: give them as username and password")
