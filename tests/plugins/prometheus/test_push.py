"""Pushing to a Pushgateway: a real one, and stand-ins for one that is in trouble."""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jobreporter import BrokenReporter, Dispatcher, Secret
from jobreporter.testing import make_event, make_job
from jobreporter_prometheus import PrometheusOptions, PrometheusReporter

from .helping import answers, free_port, get, make_context, number, running, server, started, tell

FINISHED = "jobreporter_jobs_finished_total"
LAST_SUCCESS = "jobreporter_job_last_success_timestamp_seconds"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """The address of a Pushgateway."""
    program = server("prometheus-pushgateway", "prometheus-pushgateway")
    url = f"http://127.0.0.1:{free_port()}"
    listen = f"--web.listen-address={url.removeprefix('http://')}"
    # Debian's keeps what was pushed in a folder of its own, for every one that is started.
    keep = f"--persistence.file={tmp_path / 'pushgateway.data'}"
    with running(program, listen, keep, log=tmp_path / "pushgateway.log", ready=lambda: answers(f"{url}/-/ready")):
        yield url


def pushing(gateway: str, **options: Any) -> PrometheusOptions:
    """Options for a gateway."""
    return PrometheusOptions(mode="push", gateway=gateway, **options)


def test_each_job_is_a_group_of_its_own(gateway: str) -> None:
    """What is pushed has the labels that a scraped page would have, `job` included; the ledger goes under `group`."""
    config = {"reporters": {"prometheus": {"mode": "push", "gateway": gateway, "grouping": {"instance": "cron 1/2"}}}}
    with Dispatcher(reporters={"prometheus": PrometheusReporter}, config=config) as dispatcher:
        for job in ("backup", "mail/send now", ""):
            with dispatcher.begin(job, source="command", queue="night"):
                pass
        assert dispatcher.flush(10.0)
    text = get(f"{gateway}/metrics")
    for job in ("backup", "mail/send now", "jobreporter"):
        has = {"job": job, "source": "command", "queue": "night", "instance": "cron 1/2"}
        assert number(text, FINISHED, outcome="success", **has) == 1
    handled = "jobreporter_reporter_events_handled_total"
    assert number(text, handled, job="jobreporter", reporter="prometheus") == 9


def test_a_failure_leaves_the_last_success(gateway: str) -> None:
    """A process that fails does not take away when an earlier one succeeded."""
    for kind in ("success", "failure"):
        with started(pushing(gateway)) as reporter:
            tell(reporter, make_event("started"), make_event(kind, at=1_000.0))
            reporter.reporter_flush()
    text = get(f"{gateway}/metrics")
    assert number(text, LAST_SUCCESS, job="reports.nightly") == 1_000.0
    assert number(text, FINISHED, job="reports.nightly", outcome="failure") == 1
    assert number(text, FINISHED, job="reports.nightly", outcome="success") == 0


def test_with_a_directory_commands_count_on(gateway: str, tmp_path: Path) -> None:
    """Commands that run one after the other, and share a directory, push what all of them have counted."""
    config = f"""
[reporters.prometheus]
mode = "push"
gateway = "{gateway}"
directory = "{tmp_path / "shared"}"
"""
    (tmp_path / "jobreporter.toml").write_text(config)
    command = [sys.executable, "-m", "jobreporter", "exec", "--name", "backup", "--", "true"]
    for _ in range(3):
        subprocess.run(command, cwd=tmp_path, check=True, env={"PATH": "/usr/bin:/bin"})
    text = get(f"{gateway}/metrics")
    assert number(text, FINISHED, job="backup", source="command", outcome="success") == 3
    assert number(text, "jobreporter_reporter_events_handled_total") == 9
    assert number(text, "jobreporter_jobs_running", job="backup") == 0


def test_a_gateway_that_is_not_there_breaks_the_reporter() -> None:
    """A wrong address shows at the start, and not with the first job."""
    port = free_port()
    with pytest.raises(BrokenReporter) as broken:
        PrometheusReporter().reporter_start(pushing(f"http://127.0.0.1:{port}"), make_context())
    assert str(broken.value).startswith(f"the Pushgateway at http://127.0.0.1:{port} can't be reached: [Errno 111]")


class Gateway(BaseHTTPRequestHandler):
    """A gateway that answers as it was told, and with 200 after that."""

    server: Any

    def do_GET(self) -> None:
        self.send_error(404)

    def do_POST(self) -> None:
        self.server.requests.append(
            (self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"])), time.monotonic())
        )
        code, headers = self.server.script.pop(0) if self.server.script else (200, {})
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"pushed metrics are\ninvalid" if code == 400 else b"")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def stand_in(*script: tuple[int, dict[str, str]]) -> Iterator[Any]:
    """A gateway in this process; its `url`, and the `requests` that it got."""
    gateway: Any = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    gateway.script, gateway.requests = list(script), []
    gateway.url = f"http://127.0.0.1:{gateway.server_port}"
    thread = threading.Thread(target=gateway.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield gateway
    finally:
        gateway.shutdown()
        thread.join()
        gateway.server_close()


def test_trouble_that_passes_is_tried_again() -> None:
    """500 and 429 are tried again within the time that a push may take, with growing pauses, and Retry-After is kept to."""
    with stand_in((500, {}), (503, {}), (429, {"Retry-After": "1"})) as gateway:
        with started(pushing(gateway.url, push_timeout=10.0)) as reporter:
            tell(reporter, make_event("started"))
            reporter.reporter_flush()
        times = [at for *_, at in gateway.requests[:4]]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert [pause >= least for pause, least in zip(pauses, (0.1, 0.2, 1.0), strict=True)] == [True] * 3
    assert b"jobreporter_jobs_started_total" in gateway.requests[3][2]


def test_a_refusal_is_not_tried_again() -> None:
    """400 is told with the gateway's own words. Nothing has ever been pushed, so it is a crash that can be seen."""
    with stand_in((400, {})) as gateway, started(pushing(gateway.url)) as reporter:
        tell(reporter, make_event("started"))
        with pytest.raises(OSError, match=r"400: Bad Request: pushed metrics are\\ninvalid"):
            reporter.reporter_flush()
        assert len(gateway.requests) == 1


def test_after_the_first_push_trouble_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A gateway that goes away is told of once, the figures go on counting, and all are pushed when it is back."""
    with stand_in() as gateway, started(pushing(gateway.url, push_timeout=0.1)) as reporter:
        tell(reporter, make_event("started"))
        reporter.reporter_flush()
        gateway.script += [(500, {})] * 2
        for _ in range(2):
            tell(reporter, make_event("success"))
            reporter.reporter_flush()
        assert caplog.text.count("the figures can't leave now, and go on counting") == 1
        tell(reporter, make_event("success"))
        reporter.reporter_flush()
        assert "the figures leave again" in caplog.text
    assert b'outcome="success",queue="default",source="python"} 3.0' in gateway.requests[-1][2]


def test_a_gateway_that_asks_to_be_left_alone_is(caplog: pytest.LogCaptureFixture) -> None:
    """A Retry-After that is longer than a push may take holds back the next ones too."""
    with stand_in() as gateway, started(pushing(gateway.url, push_timeout=0.5)) as reporter:
        tell(reporter, make_event("started"))
        reporter.reporter_flush()
        gateway.script.append((429, {"Retry-After": "60"}))
        sent = len(gateway.requests)
        for _ in range(3):
            tell(reporter, make_event("success"))
            reporter.reporter_flush()
        assert len(gateway.requests) == sent + 1
        assert "429" in caplog.text


def test_what_has_not_changed_is_not_pushed_again() -> None:
    """Of many jobs only those are pushed of which there is something new."""
    with stand_in() as gateway, started(pushing(gateway.url)) as reporter:
        for job in ("one", "two"):
            tell(reporter, make_event("started", job=make_job(name=job)), make_event("stopped", job=make_job(name=job)))
        reporter.reporter_flush()
        tell(reporter, make_event("success", job=make_job(name="two")))
        reporter.reporter_flush()
    assert [path for path, *_ in gateway.requests] == [
        "/metrics/job/one",
        "/metrics/job/two",
        "/metrics/job/jobreporter",
        "/metrics/job/two",
    ]


def test_a_gateway_that_hangs_costs_the_time_that_it_may() -> None:
    """A black hole takes no longer than push_timeout, and no secret is told."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as hole:
        options = pushing(f"http://127.0.0.1:{hole.getsockname()[1]}", push_timeout=0.3)
        before = time.monotonic()
        with pytest.raises(BrokenReporter, match="can't be reached: timed out"):
            PrometheusReporter().reporter_start(options, make_context())
    assert time.monotonic() - before < 2.0


def test_a_gateway_may_ask_who_is_there() -> None:
    """User and password are sent as the gateway expects them."""
    with stand_in() as gateway:
        options = pushing(gateway.url, username="me", password=Secret("c4nary"))
        with started(options) as reporter:
            tell(reporter, make_event("started"))
            reporter.reporter_flush()
    for _, headers, body, _ in gateway.requests:
        assert headers["Authorization"] == f"Basic {base64.b64encode(b'me:c4nary').decode()}"
        assert b"c4nary" not in body
