"""The page over HTTP."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from jobreporter import BrokenReporter, Dispatcher, hookimpl
from jobreporter.testing import make_event
from jobreporter_prometheus import PrometheusOptions, PrometheusReporter
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._serving.endpoint import Endpoint
from jobreporter_prometheus._serving.request import Access
from tests.ports import free_port

from .helping import Time, get, make_context, number, page, page_of, port_of, started, tell, until


def test_a_port_in_use_is_named() -> None:
    """A second process at the same port is broken, and is told what to do about it."""
    with started() as reporter:
        port = port_of(reporter)
        with pytest.raises(BrokenReporter) as refused:
            PrometheusReporter().reporter_start(PrometheusOptions(port=port), make_context())
    assert str(refused.value) == (
        f"port {port} of 127.0.0.1 is in use: set another port, or "
        "mode = 'multiprocess' where several processes of one application are to be seen at one address"
    )


def test_an_address_of_another_machine_is_named() -> None:
    """A host that isn't this machine's breaks the reporter with the system's reason."""
    with pytest.raises(BrokenReporter, match=r"^mode 'http' can't be had now: \[Errno 99\]"):
        PrometheusReporter().reporter_start(PrometheusOptions(host="192.0.2.1"), make_context())


def test_only_this_machine_is_served() -> None:
    """Without a host in the config, the page can't be reached from elsewhere."""
    with started() as reporter:
        outlet: Any = reporter.outlet
        assert outlet.endpoint._server._listener.getsockname()[0] == "127.0.0.1"


def test_a_crash_frees_the_port() -> None:
    """A reporter that crashes starts again at the same port, at once."""
    port = free_port()

    class Crashing(PrometheusReporter):
        @hookimpl
        def handle_aborted(self) -> None:
            raise RuntimeError("boom")

    with Dispatcher(
        reporters={"prometheus": Crashing}, config={"reporters": {"prometheus": {"port": port}}}
    ) as dispatcher:
        dispatcher.abort("expired", "reports.nightly")
        with dispatcher.begin("reports.nightly"):
            pass
        assert dispatcher.flush(10.0)
        assert dispatcher.stats()["prometheus"].restarts == 1
        assert number(page(port), "jobreporter_jobs_finished_total", outcome="success") == 1
    with socket.create_server(("127.0.0.1", port)):
        pass  # closed, the dispatcher has freed it


def test_a_child_lets_go_of_the_port() -> None:
    """A child that outlives the process which served does not keep its port."""
    port = free_port()
    program = f"""
import os, sys
from jobreporter import Dispatcher
from jobreporter_prometheus import PrometheusReporter
dispatcher = Dispatcher(reporters={{"prometheus": PrometheusReporter}}, config={{"reporters": {{"prometheus": {{"port": {port}}}}}}})
dispatcher.start()
dispatcher.flush(10.0)
is_there, says_so = os.pipe()
child = os.fork()
if child == 0:
    os.write(says_so, b".")
    os.read(0, 1)
    os._exit(0)
os.read(is_there, 1)
print(child, flush=True)
os.read(0, 1)
os.kill(os.getpid(), 9)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            assert "jobreporter_jobs_started" in page(port)
            os.kill(parent.pid, signal.SIGKILL)
            parent.wait()
            with socket.create_server(("127.0.0.1", port)):
                os.kill(child, 0)  # it is still there
        finally:
            os.kill(child, signal.SIGKILL)


def test_ipv6_is_served() -> None:
    """The host may be an address of IPv6."""
    with started(PrometheusOptions(host="::1", port=0)) as reporter:
        assert "jobreporter_jobs_started" in get(f"http://[::1]:{port_of(reporter)}/")


def test_a_scrape_that_fails_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    """Where the figures can't be read, the scraper gets 503, the log the reason, and the next scrape works."""
    with started() as reporter:
        tell(reporter, make_event("started"))
        whole = reporter.tally.read
        broken = True

        def read() -> Any:
            if broken:
                raise TimeoutError("the lock is held")
            return whole()

        times = Time()
        endpoint = Endpoint(Access("127.0.0.1"), 0, Page(read), clock=times.clock)
        endpoint.open()
        try:
            with pytest.raises(urllib.error.HTTPError, match="503"):
                page(endpoint.port or 0)
            assert "a scrape failed: the lock is held" in caplog.text
            broken = False
            times.wait(1.0)
            assert "jobreporter_jobs_started" in page(endpoint.port or 0)
        finally:
            endpoint.close()


def test_a_scraper_that_hangs_up_is_no_noise(capfd: pytest.CaptureFixture[str]) -> None:
    """A connection that breaks writes nothing to stderr, and leaves the page as it is."""
    with started() as reporter:
        with socket.create_connection(("127.0.0.1", port_of(reporter))) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert "jobreporter_jobs_started" in page_of(reporter)
    assert capfd.readouterr().err == ""


def test_an_endpoint_closes_once() -> None:
    """To close what isn't open does nothing."""
    with started() as reporter:
        outlet: Any = reporter.outlet
        for _ in range(2):
            outlet.endpoint.close()
        assert outlet.endpoint.port is None


def test_nothing_remains_of_a_reporter_that_stopped() -> None:
    """Its threads end with it."""
    before = set(threading.enumerate())
    with started() as reporter:
        page_of(reporter)
        assert set(threading.enumerate()) > before
    until(lambda: set(threading.enumerate()) <= before, "the threads' end")


def test_importing_it_is_harmless(tmp_path: Path) -> None:
    """The import changes no signal handler, hook, logging tree or warning filter, and opens no connection."""
    program = """
import logging, signal, socket, sys, warnings
import jobreporter, jobreporter.reporters.log
def around():
    handlers = [signal.getsignal(each) for each in signal.valid_signals()]
    root = logging.getLogger()
    return handlers, sys.excepthook, sys.unraisablehook, list(root.handlers), root.level, list(warnings.filters)
before = around()
def refuse(*_args, **_kwargs):
    raise AssertionError("network at import")
socket.socket.connect = socket.getaddrinfo = refuse
import jobreporter_prometheus
assert around() == before
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
