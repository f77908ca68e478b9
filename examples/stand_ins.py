"""What the demo's reporters talk to in place of the real ones: a Sentry, a Honeybadger, and a Prometheus that scrapes."""

from __future__ import annotations

import json
import random
import re
import socket
import time
import urllib.request
from collections import defaultdict
from typing import Any, NamedTuple

from jobreporter.testing import Answer, Request, StandIn

#: What can have become of an event that no longer waits.
SETTLED = ("handled", "failed", "filtered", "dropped")


class StandIns(StandIn):
    """Sentry and Honeybadger at one address on loopback, for the length of a block. They keep the titles of what came."""

    def __init__(self) -> None:
        super().__init__()
        self.sentry: list[str] = []
        self.honeybadger: list[str] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def answer(self, request: Request) -> Answer:
        """Keep what came, and answer as they would."""
        if request.path == "/api/1/envelope/":
            self.sentry += [title(event["exception"]["values"][-1], "type", "value") for event in events(request.body)]
            return Answer(200)
        if request.path == "/v1/notices":
            self.honeybadger.append(title(request.json["error"], "class", "message"))
            return Answer(201, b'{"id": "notice-%d"}' % len(self.honeybadger))
        return Answer(404)


def events(envelope: bytes) -> list[dict[str, Any]]:
    """The events in a Sentry envelope: a line about the whole, then for each item a line about it and its content."""
    found = []
    _, _, rest = envelope.partition(b"\n")
    while rest.strip():
        head, _, rest = rest.partition(b"\n")
        about = json.loads(head)
        length = about.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        if about["type"] == "event":
            found.append(json.loads(rest[:length]))
        rest = rest[length + 1 :]
    return found


def title(error: dict[str, Any], kind: str, text: str) -> str:
    """An error in one line, as a vendor's list of issues has it."""
    return f"{error[kind]}: {error[text]}"


class Page(NamedTuple):
    """The figures that the demo reads off the metrics page."""

    #: By reporter: accepted, handled, and so on.
    reporters: dict[str, dict[str, int]]
    #: How many executions ended, by outcome.
    finished: dict[str, int]

    @property
    def settled(self) -> bool:
        """Whether every reporter is through with every event."""
        most = max((counts["accepted"] for counts in self.reporters.values()), default=-1)
        return all(
            counts["accepted"] == most == sum(counts[column] for column in SETTLED)
            for counts in self.reporters.values()
        )


def free_port() -> int:
    """A port of loopback that nobody listens on, below those that a connection gets meanwhile."""
    while True:
        port = random.SystemRandom().randrange(10_000, 20_000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


def scrape(port: int, patience: float) -> Page:
    """What the metrics page says once it is settled, or after so many seconds. Raises OSError if there is no page."""
    until = time.monotonic() + patience
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy leads to this loopback
    while True:
        with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=patience) as answer:
            page = read(answer.read().decode())
        if page.settled or time.monotonic() > until:
            return page
        time.sleep(0.05)


def read(text: str) -> Page:
    """Sums over all jobs, out of the text of the page."""
    reporters: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    finished: defaultdict[str, int] = defaultdict(int)
    for name, labels, value in re.findall(r"^jobreporter_(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if column := re.fullmatch(r"reporter_events_(\w+?)(?:_total)?", name):
            reporters[label["reporter"]][column[1]] += int(float(value))
        elif name == "jobs_finished_total":
            finished[label["outcome"]] += int(float(value))
    return Page({name: dict(counts) for name, counts in reporters.items()}, dict(finished))
