"""What the reporter can be configured with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Literal
from urllib.parse import urlsplit

from jobreporter import Duration, Options, Placement, Secret, refuse
from jobreporter_prometheus._figures.families import RESERVED
from jobreporter_prometheus._serving.request import Access

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
    #: The service that runs it; by default that of the config's `[context]`.
    service: str | None = None
    #: The environment that it runs in; by default that of the config's `[context]`.
    environment: str | None = None
    #: The types of errors whose counters start at zero, as they show in the label: `ValueError`, `shop.errors.Declined`.
    errors: tuple[str, ...] = ()
    #: Seconds within which it is meant to succeed again, for the alerts.
    every: Duration | None = None

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
    #: The names that the page may be asked for by. By default any, but where `host` is this machine alone: localhost.
    hosts: tuple[str, ...] = ()
    #: What a scraper has to show, as a Bearer token.
    token: Secret | None = None
    #: A folder of this application on a local disk, where its processes add up what they count. `multiprocess` needs
    #: it; with it, `push` counts on from one process to the next. `textfile` has one beside its file by default.
    directory: str | None = None
    #: The Pushgateway's URL, for `push`.
    gateway: str | None = None
    #: Labels of the groups that are pushed, besides the job's own and `instance`, which is the host unless it is said here.
    grouping: dict[str, str] = {}  # noqa: RUF012 - each record gets a dict of its own
    #: The `job` of the group that takes what belongs to no job.
    group: str = "jobreporter"
    #: For a Pushgateway that asks who is there.
    username: str | None = None
    #: The password to `username`.
    password: Secret | None = None
    #: Seconds that one push of all groups may take.
    push_timeout: Duration = 2.0
    #: The file to write, for `textfile`; its name ends in `.prom`.
    path: str | None = None
    #: Upper bounds of the buckets of `jobreporter_job_duration_seconds`.
    duration_buckets: tuple[Duration, ...] = BUCKETS
    #: Upper bounds of the buckets of `jobreporter_job_queue_wait_seconds`.
    queue_wait_buckets: tuple[Duration, ...] = BUCKETS
    #: Jobs that are on the page from the start, with their counters at zero.
    known: tuple[KnownJob, ...] = ()
    #: The most jobs, and the most kinds of errors and reasons of all jobs together, that are told apart. The rest counts
    #: as `other`.
    max_label_sets: int = 500
    #: Seconds after which a job of which no end was seen no longer counts as running.
    running_limit: Duration = 86_400.0

    @property
    def shared(self) -> str | None:
        """The directory in which processes add up what they count; ``None`` where each counts alone."""
        return f"{self.path}.state" if self.mode == "textfile" and self.directory is None else self.directory

    @property
    def access(self) -> Access:
        """Who may ask for the page, and where."""
        return Access(self.host, self.hosts, None if self.token is None else self.token.reveal())

    def __post_init__(self) -> None:
        """Everything that no single type can say. Raises ValueError, in a sentence, or an ExceptionGroup of several."""
        refuse(self._problems())

    def check_placement(self, placement: Placement, /) -> Iterator[str]:
        """In an agent, nobody else has the figures, and events that were counted are not handed out again."""
        if placement.place != "agent":
            return
        if placement.agents == "share":
            raise ValueError(
                "lane.agents is 'share', but figures of which each agent has a part add up to none: say 'one'"
            )
        if self.shared is None:
            keeps = "mode = 'multiprocess' with a directory" if self.mode == "http" else "a directory"
            yield f"when its agent ends, counters start anew, and what was not yet collected is lost: {keeps} keeps them"

    def _problems(self) -> Iterator[str]:
        if not 0 <= self.port <= 65_535:
            yield f"port is {self.port}, but ports are numbers from 0 to 65535"
        for name in ("max_label_sets", "running_limit", "push_timeout"):
            if getattr(self, name) <= 0:
                yield f"{name} is {getattr(self, name)}, but must be more than 0"
        for name in ("duration_buckets", "queue_wait_buckets"):
            yield from problems_of_buckets(name, getattr(self, name))
        yield from problems_of_grouping(self.grouping)
        if (self.username is None) != (self.password is None):
            yield "username and password are needed both or not at all"
        yield from self._problems_of_mode()
        if self.path is not None and not self.path.endswith(".prom"):
            yield f"path is {self.path!r}, but the node exporter reads only names that end in '.prom'"
        if self.gateway is not None:
            yield from problems_of_gateway(self.gateway)

    def _problems_of_mode(self) -> Iterator[str]:
        needed = {"multiprocess": "directory", "push": "gateway", "textfile": "path"}.get(self.mode)
        if needed and not getattr(self, needed):
            yield f"mode is {self.mode!r}, which needs {needed}"
        if self.mode == "http" and self.directory:
            yield "mode is 'http', which has no use for directory: did you mean 'multiprocess'?"


def problems_of_buckets(name: str, bounds: tuple[float, ...]) -> Iterator[str]:
    """What is wrong with the bounds of buckets."""
    if not bounds or list(bounds) != sorted(set(bounds)) or bounds[0] <= 0 or not all(map(isfinite, bounds)):
        yield f"{name} must be numbers of seconds above 0 that rise, at least one"


def problems_of_grouping(labels: Iterable[str]) -> Iterator[str]:
    """What is wrong with the labels of a group that is pushed."""
    for label in labels:
        if label in RESERVED:
            yield f"grouping has a label {label!r}, which the metrics have themselves: give it another name"
        elif not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label, re.ASCII) or label.startswith("__"):
            yield f"grouping has a label {label!r}, but labels are made of letters, digits and underscores"


def problems_of_gateway(url: str) -> Iterator[str]:
    """What is wrong with the address of a Pushgateway. No sentence has the whole, which may hold a password."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0  # which may raise, too
    except ValueError:
        whole = False
    if not whole:
        yield "gateway must be a URL such as 'http://pushgateway:9091'"
    elif "@" in parts.netloc:
        yield "gateway has a user or password in it: give them as username and password"
