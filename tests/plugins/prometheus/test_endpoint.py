"""What clients may cost: connections, open files, time, and the jobs' share of the interpreter."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from jobreporter import Secret
from jobreporter.testing import make_event, make_job
from jobreporter_prometheus import PrometheusOptions, PrometheusReporter
from jobreporter_prometheus._serving.answers import FRESH, MOST_MADE, MOST_PAGES
from jobreporter_prometheus._serving.request import MOST_BYTES, Access
from jobreporter_prometheus._serving.server import MOST_CONNECTIONS, PATIENCE
from tests.ports import free_port

from .helping import OPENMETRICS, Time, answers, number, page, port_of, started, tell, until

STARTED = "jobreporter_jobs_started_total"


def connections(port: int, count: int, sent: bytes = b"") -> ExitStack:
    """Clients that connect, and send so much."""
    clients = ExitStack()
    for _ in range(count):
        client = clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5.0))
        client.sendall(sent)
    return clients


def open_files() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def reporter() -> Iterator[PrometheusReporter]:
    """One that has something to show."""
    with started() as made:
        tell(made, make_event("started"))
        yield made


def answered(port: int, raw: bytes) -> bytes:
    """What a client that sends this gets back."""
    with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
        client.sendall(raw)
        got = b""
        while piece := client.recv(65_536):
            got += piece
    return got


@pytest.mark.parametrize("sent", [b"", b"GET /metrics HTTP/1.1\r\nX-Drip: "], ids=["silent", "dripping"])
def test_clients_that_never_finish_take_few_files_and_keep_no_scraper_waiting(
    sent: bytes, reporter: PrometheusReporter
) -> None:
    """Four hundred clients that connect and leave it at that: a scrape among them is answered, and files stay few."""
    port, before = port_of(reporter), open_files()
    for _ in range(4):
        with connections(port, 100, sent):
            assert number(page(port), STARTED) == 1
            # Each client of this test has a file here as well.
            assert open_files() - before <= 100 + 100  # those that the system has accepted for us cost nothing here
            assert len(server_of(reporter)._connections) <= MOST_CONNECTIONS
    until(lambda: open_files() <= before + MOST_CONNECTIONS, "the files' end")


def server_of(reporter: PrometheusReporter) -> Any:
    """What serves its page."""
    outlet: Any = reporter.outlet
    return outlet.endpoint._server


def test_a_connection_has_a_deadline() -> None:
    """However it is spent: silent, or with a byte now and then, or without reading the answer."""
    times = Time()
    with started(times=times) as reporter:
        for made_up in range(2_000):
            tell(reporter, make_event("started", job=make_job(name=f"{made_up}-" + "x" * 150)))
        port = port_of(reporter)
        for sent in (b"", b"GET", b"GET / HTTP/1.1\r\n\r\n"):
            with connections(port, 1, sent) as clients:
                until(lambda: len(server_of(reporter)._connections) == 1, "the connection")
                times.wait(PATIENCE)
                poke(port)
                until(lambda: not server_of(reporter)._connections, "the deadline")
                clients.close()


def poke(port: int) -> None:
    """Have the server look at its clock, which the test has set forward."""
    page(port)


def test_a_request_has_a_size(reporter: PrometheusReporter) -> None:
    """A head that is larger than any scraper's is cut off, and read no further."""
    port = port_of(reporter)
    sent = b"GET / HTTP/1.1\r\nX: " + b"x" * (2 * MOST_BYTES)
    try:
        got = answered(port, sent)
    except ConnectionResetError:
        got = b""
    assert got == b"" or got.startswith(b"HTTP/1.1 ")
    assert number(page(port), STARTED) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\n\n",
        b"\xff" * 99 + b"\n\n",
    ],
)
def test_what_is_no_request_is_told_so(raw: bytes, reporter: PrometheusReporter) -> None:
    """400, and the next scrape works."""
    assert answered(port_of(reporter), raw).startswith(b"HTTP/1.1 400 ")
    assert number(page(port_of(reporter)), STARTED) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PRI"])
def test_the_page_is_only_read(method: str, reporter: PrometheusReporter) -> None:
    """Other methods get 405 and are told which there are."""
    got = answered(port_of(reporter), f"{method} /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: GET, HEAD\r\n" in got


def test_head_has_the_headers_alone(reporter: PrometheusReporter) -> None:
    """As a health check asks."""
    asked = http.client.HTTPConnection("127.0.0.1", port_of(reporter), timeout=5.0)
    asked.request("HEAD", "/metrics")
    answer = asked.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 1_000
    asked.close()


def test_many_scrapes_in_a_second_get_the_same_page(reporter: PrometheusReporter) -> None:
    """A page is made anew a few times in a second; who comes oftener gets the last one, and the newest a second later."""
    made = 0
    outlet: Any = reporter.outlet
    make = outlet.endpoint._answers._make

    def counted(*asked: str) -> Any:
        nonlocal made
        made += 1
        return make(*asked)

    outlet.endpoint._answers._make = counted
    port = port_of(reporter)
    reporter.clock.sleep(FRESH)
    for _ in range(20):
        tell(reporter, make_event("started"))
        last = number(page(port), STARTED)
    assert (made, last) == (MOST_MADE, 1 + MOST_MADE)
    reporter.clock.sleep(FRESH)
    assert number(page(port), STARTED) == 21


def test_pages_that_differ_are_bounded_too(reporter: PrometheusReporter) -> None:
    """A client that makes up what it asks for has few pages made, and the others' formats are served beside it."""
    port = port_of(reporter)
    assert "# EOF" in page(port, OPENMETRICS)
    refused = 0
    for made_up in range(50):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/?name[]={made_up}", timeout=5.0).close()
        except urllib.error.HTTPError as error:
            refused += error.code == 503
            error.close()
    assert refused == 50 - (MOST_PAGES - 1)
    assert "# EOF" in page(port, OPENMETRICS)
    reporter.clock.sleep(FRESH)
    assert number(page(port), STARTED) == 1


@contextmanager
def scraping(port: int, scrapers: int) -> Iterator[list[int]]:
    """Threads that scrape as fast as they can; how often each did."""
    stopped = threading.Event()
    counts = [0] * scrapers

    def scrape(place: int) -> None:
        while not stopped.is_set():
            page(port)
            counts[place] += 1

    threads = [threading.Thread(target=scrape, args=(place,)) for place in range(scrapers)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


WORKER = """
import sys, threading, time
from jobreporter.testing import make_event, make_job
from tests.plugins.prometheus.helping import port_of, started, tell

def job():
    # What the processor has done for this thread: the machine's other load doesn't count, the interpreter's lock does.
    begun, rounds = time.monotonic(), 0
    while time.monotonic() - begun < 2.0:
        sum(range(1_000))
        rounds += 1
    return rounds

with started() as reporter:
    for made_up in range(100):
        tell(reporter, make_event("success", job=make_job(name=f"job-{made_up}")))
    print(port_of(reporter), flush=True)
    for line in sys.stdin:
        begun = time.thread_time()
        spent = time.process_time()
        job()
        print((time.thread_time() - begun) / (time.process_time() - spent), flush=True)
"""


class Child:
    """A process of the test's own, that is told what to do by lines."""

    def __init__(self, program: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def says(self, line: str = "") -> None:
        """Tell it to go on."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def hears(self) -> str:
        """What it has to say."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def test_scrapers_slow_no_job() -> None:
    """Beside sixteen scrapers that never rest, most of the processor's time in the worker is still the job's."""
    with Child(WORKER) as worker:
        port = int(worker.hears())
        worker.says()
        alone = float(worker.hears())
        with scraping(port, 16) as counts:
            worker.says()
            beside = float(worker.hears())
    assert alone > 0.95
    assert beside > 0.5, counts
    assert sum(counts) >= 16


def asked_by(port: int, host: str | None, **headers: str) -> int:
    """The status that a client with this Host header gets."""
    named = {**({} if host is None else {"Host": host}), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return int(answered(port, f"GET /metrics HTTP/1.1\r\n{head}\r\n".encode()).split()[1])


def test_a_web_page_can_not_read_it_through_a_name_of_its_own(reporter: PrometheusReporter) -> None:
    """On the loopback address, the page is asked for by an address or as localhost, and by no other name."""
    port = port_of(reporter)
    for host in (
        None,
        "localhost",
        "LOCALHOST:9790",
        "localhost.",
        "shop.localhost",
        "127.0.0.1:1",
        "[::1]:9790",
        "10.0.0.1",
    ):
        assert asked_by(port, host) == 200, host
    for host in (
        "evil.example",
        "evil.example:9790",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "a b",
        "[evil]",
    ):
        assert asked_by(port, host) == 421, host


def test_names_may_be_allowed() -> None:
    """Behind a proxy that keeps the Host header, and where the page is served to other machines."""
    assert Access("10.0.0.7").is_right_host("anything.example")
    for host in ("127.0.0.1", "10.0.0.7"):
        access = Access(host, ("metrics.shop.example",))
        assert access.is_right_host("Metrics.Shop.example:443")
        assert not access.is_right_host("evil.example")
        assert access.is_right_host("127.0.0.1")


def test_a_token_may_be_asked_for() -> None:
    """Without it, or with another, there is no page and no hint; with it, there is."""
    with started(PrometheusOptions(port=0, token=Secret("c4nary"))) as reporter:
        tell(reporter, make_event("started"))
        port = port_of(reporter)
        for shown in ("", "Bearer", "Bearer c4nar", "Bearer c4naryy", "Basic c4nary", "c4nary", "Bearer \u00e9"):
            got = answered(port, f"GET / HTTP/1.1\r\nAuthorization: {shown}\r\n\r\n".encode())
            assert got.startswith(b"HTTP/1.1 401 ")
            assert b'WWW-Authenticate: Bearer realm="metrics"' in got
            assert b"jobreporter_" not in got
            assert b"c4nary" not in got
        assert asked_by(port, "localhost", authorization="Bearer c4nary") == 200


EXHAUSTED = """
import os, resource, select, sys, time
from tests.plugins.prometheus.helping import port_of, started

with started() as reporter:
    print(port_of(reporter), flush=True)
    sys.stdin.readline()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))
    print("exhausted", flush=True)
    sys.stdin.readline()  # somebody has connected
    begun = time.process_time()
    select.select([], [], [], 0.5)
    print(time.process_time() - begun, flush=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    sys.stdin.readline()
"""


def test_where_the_application_has_no_open_file_left_the_page_waits() -> None:
    """Its thread doesn't spin over a connection that it can't accept, and serves when there are files again."""
    with Child(EXHAUSTED) as child:
        port = int(child.hears())
        child.says()
        assert child.hears() == "exhausted"
        with connections(port, 1):
            child.says()
            assert float(child.hears()) < 0.2
            assert "jobreporter_build_info" in page(port)
        child.says()


GREENLETS = """
import sys
if sys.argv[1] == "gevent":
    from gevent import monkey
    monkey.patch_all()
else:
    import eventlet
    eventlet.monkey_patch()
import os, time
from jobreporter import Dispatcher
from jobreporter_prometheus import PrometheusReporter

config = {"mode": "multiprocess", "directory": sys.argv[3], "port": int(sys.argv[2])}
with Dispatcher({"prometheus": PrometheusReporter}, config={"reporters": {"prometheus": config}}) as dispatcher:
    while os.path.exists(sys.argv[3]):
        with dispatcher.begin("reports.nightly"):
            time.sleep(0.05)
"""


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_greenlets_serve_it_too(library: str, tmp_path: Path) -> None:
    """In a process that a library has patched, the page is served between the jobs."""
    port, directory = free_port(), tmp_path / "shared"
    directory.mkdir()
    command = [sys.executable, "-W", "ignore", "-c", GREENLETS, library, str(port), str(directory)]
    with subprocess.Popen(command) as worker:
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}"), "the page")
            until(
                lambda: (number(page(port), "jobreporter_jobs_finished_total", outcome="success") or 0) > 3, "some jobs"
            )
            with connections(port, 30, b"GET /"):
                assert number(page(port), "jobreporter_build_info") == 1
        finally:
            worker.terminate()
