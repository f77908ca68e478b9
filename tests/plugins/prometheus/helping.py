"""What the tests of this plugin share: a reporter with its page, and servers that a test starts for itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobreporter import Context, Event, LaneStats, Origin
from jobreporter_prometheus import PrometheusOptions, PrometheusReporter
from jobreporter_prometheus._clock import Clock
from tests.ports import free_port

#: Seconds. Reached only where something is broken.
DEADLINE = 30.0

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

#: Where events come from, unless a test says otherwise.
ORIGIN = Origin(host="host", pid=1, version="0.1.0")

#: The numbers of a page: by the sample's name and its labels.
Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """What ``condition()`` gives, once that is true; fail if it takes longer than the deadline."""
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not come true"
        time.sleep(0.005)
    return found


def get(url: str, **headers: str) -> str:
    """What the server answers."""
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        text: str = answer.read().decode()
    return text


def page(port: int, accept: str = "") -> str:
    """What a scraper gets."""
    return get(f"http://127.0.0.1:{port}/metrics", Accept=accept)


def numbers(text: str) -> Numbers:
    """The numbers of a page in the text format."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def number(text: str, name: str, **labels: str) -> float | None:
    """The sum of the numbers of a page with this name that have these labels; ``None`` if there is none."""
    found = [value for (each, has), value in numbers(text).items() if each == name and set(labels.items()) <= has]
    return sum(found) if found else None


def make_context(stats: Callable[[], dict[str, LaneStats]] = dict, **fields: Any) -> Context:
    """A context whose ledger the test makes up."""
    return Context(**{"host": "host", "pid": os.getpid(), "version": "0.1.0", "stats": stats, **fields})


class Time:
    """A clock that goes on by itself, and that a test can set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.clock = Clock(lambda: time.monotonic() + self.ahead, lambda: time.time() + self.ahead, self.wait)

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass, at once."""
        self.ahead += seconds


@contextmanager
def started(
    options: PrometheusOptions | None = None, context: Context | None = None, times: Time | None = None
) -> Iterator[PrometheusReporter]:
    """A reporter that runs without a dispatcher, on a port of its own."""
    reporter = PrometheusReporter()
    reporter.clock = (times or Time()).clock
    reporter.reporter_start(options or PrometheusOptions(port=0), context or make_context())
    try:
        yield reporter
    finally:
        reporter.reporter_stop()


def tell(reporter: PrometheusReporter, *events: Event, origin: Origin = ORIGIN) -> None:
    """Hand it events as its lane would."""
    for event in events:
        kind = type(event).__name__.lower()
        named = {"meta": event} if kind == "stopped" else {"meta": event, "origin": origin}
        getattr(reporter, f"handle_{kind}")(**named)


def port_of(reporter: PrometheusReporter) -> int:
    """Where it serves its page."""
    outlet: Any = reporter.outlet
    return int(getattr(outlet, "turn", outlet).endpoint.port)


def page_of(reporter: PrometheusReporter, accept: str = "") -> str:
    """Its page as a scraper gets it, a second after the last one: for that long it is the same."""
    reporter.clock.sleep(1.0)
    return page(port_of(reporter), accept)


def server(name: str, package: str) -> str:
    """The path of a server's program. Without it the test is skipped, but fails in CI."""
    found = shutil.which(name)
    if found is None:
        message = f"{name} isn't installed: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def running(*command: str | Path, log: Path, ready: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """A server, once it is ready, until it is ended."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            until(lambda: process.poll() is not None or ready(), f"{command[0]} being ready")
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.terminate()


@contextmanager
def pushgateway(folder: Path) -> Iterator[str]:
    """The address of a Pushgateway."""
    program = server("prometheus-pushgateway", "prometheus-pushgateway")
    url = f"http://127.0.0.1:{free_port()}"
    listen = f"--web.listen-address={url.removeprefix('http://')}"
    # Debian's keeps what was pushed in a folder of its own, for every one that is started.
    keep = f"--persistence.file={folder / 'pushgateway.data'}"
    with running(program, listen, keep, log=folder / "pushgateway.log", ready=lambda: answers(f"{url}/-/ready")):
        yield url


def answers(url: str) -> bool:
    """Whether a server answers there with what it should."""
    try:
        get(url)
    except OSError:
        return False
    return True
