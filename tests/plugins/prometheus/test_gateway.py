"""A Pushgateway in trouble, or something else in its place: stand-ins that answer as they are told."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from jobreporter import BrokenReporter, Dispatcher, Secret, TryAgain
from jobreporter.testing import Answer, Request, StandIn, make_event, make_job
from jobreporter_prometheus import PrometheusOptions, PrometheusReporter
from jobreporter_prometheus._reporter import GRACE
from tests.ports import free_port

from .helping import Time, make_context, server, started, tell, until

CANARY = "c4nary"
SUCCEEDED = b'outcome="success",queue="default",source="python"} '


def pushing(gateway: str, **options: Any) -> PrometheusOptions:
    """Options for a gateway."""
    return PrometheusOptions(mode="push", gateway=gateway, **options)


Script = Callable[[str], Answer]


def takes_all(_path: str) -> Answer:
    """The script of a gateway that works."""
    return Answer(200, b"")


def refuses(code: int, answer: bytes = b"", *, groups: str = "/", **headers: str) -> Script:
    """The script of one that refuses the groups whose path has this in it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda path: Answer(code, answer, named) if groups in path else takes_all(path)


class Gateway(StandIn):
    """A gateway that answers pushes as its script says for each path."""

    def __init__(self, says: Script = takes_all, certificate: ssl.SSLContext | None = None) -> None:
        super().__init__(certificate)
        self.says = says

    @property
    def pushes(self) -> list[Request]:
        """The requests that pushed a group."""
        return [request for request in self.requests if request.method == "POST"]

    @property
    def groups(self) -> list[str]:
        """The jobs whose groups were pushed, in order."""
        return [request.path.split("/")[3] for request in self.pushes]

    @property
    def successes(self) -> list[float]:
        """How many successes the pushes had in them, one after the other."""
        bodies = [request.body for request in self.pushes]
        return [float(body.partition(SUCCEEDED)[2].split()[0]) for body in bodies if SUCCEEDED in body]

    def answer(self, request: Request) -> Answer:
        """As the script says."""
        return self.says(request.path) if request.method == "POST" else Answer(404)


@contextmanager
def raw(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that does what it is told with each connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.recv(65_536)
                    try:
                        answer(client)
                    except OSError:
                        continue  # the client has had enough

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_gateway_that_is_not_there_breaks_the_reporter() -> None:
    """A wrong address shows at the start, and not with the first job."""
    port = free_port()
    with pytest.raises(BrokenReporter) as broken:
        PrometheusReporter().reporter_start(pushing(f"http://127.0.0.1:{port}"), make_context())
    assert str(broken.value).startswith(f"the Pushgateway at http://127.0.0.1:{port} can't be reached: [Errno 111]")


def test_with_a_directory_a_gateway_that_is_away_keeps_nobody_from_counting(tmp_path: Any) -> None:
    """What a command counts is on the disk, and the next one that finds the gateway pushes it."""
    port = free_port()
    options = pushing(f"http://127.0.0.1:{port}", directory=str(tmp_path))
    with started(options) as reporter:
        tell(reporter, make_event("success"))
        with pytest.raises(TryAgain):
            reporter.reporter_flush()
    with Gateway() as gateway, started(pushing(gateway.url, directory=str(tmp_path))) as reporter:
        reporter.reporter_flush()
        assert gateway.successes == [1]


def test_one_group_that_is_refused_holds_up_no_other() -> None:
    """The groups before and after it arrive, at this push and at later ones, and it is told with the gateway's own words."""
    refusing = refuses(400, b"pushed metrics are\ninvalid", groups="/job/bad/")
    with Gateway(refusing) as gateway, started(pushing(gateway.url)) as reporter:
        for turn in (1, 2):
            gateway.requests.clear()
            for name in ("a", "bad", "z"):
                tell(reporter, make_event("success", job=make_job(name=name)))
            with pytest.raises(TryAgain) as again:
                reporter.reporter_flush()
            assert r"400 Bad Request: pushed metrics are\ninvalid" in str(again.value.__cause__)
            assert {*gateway.groups} >= {"a", "bad", "z"}
            assert gateway.successes == [turn] * 3


@pytest.mark.parametrize("code", [401, 403, 404, 413, 500, 503])
def test_so_it_is_with_every_other_answer(code: int) -> None:
    """Whatever a gateway says of one group, the others are pushed."""
    with Gateway(refuses(code, groups="/job/a/")) as gateway, started(pushing(gateway.url)) as reporter:
        for name in ("a", "b", "c"):
            tell(reporter, make_event("success", job=make_job(name=name)))
        for _ in range(2):
            with pytest.raises(TryAgain):
                reporter.reporter_flush()
        assert {*gateway.groups} == {"a", "b", "c", "jobreporter"}
        gateway.requests.clear()
        gateway.says = takes_all
        reporter.reporter_flush()
    assert gateway.groups == ["a"]


def test_more_groups_than_there_is_time_for_get_their_turn() -> None:
    """Where a gateway is slow, the groups that were not tried come first the next time."""
    times = Time()
    with Gateway() as gateway, started(pushing(gateway.url, push_timeout=1.0), times=times) as reporter:
        outlet: Any = reporter.outlet
        post = outlet._gateway.post

        def slow(*what: Any) -> None:
            post(*what)
            times.wait(0.6)

        outlet._gateway.post = slow
        for name in "abcde":
            tell(reporter, make_event("started", job=make_job(name=name, id=name), at=times.clock.now()))
        for _ in range(3):
            with pytest.raises(TryAgain) as again:
                reporter.reporter_flush()
            times.wait(0.1)
            assert "not all groups could be pushed within push_timeout (1 s)" in str(again.value.__cause__)
    assert {*gateway.groups} == {*"abcde", "jobreporter"}


ASKED = ["60", formatdate(time.time() + 86_400, usegmt=True), "9" * 400]


@pytest.mark.parametrize("asked", ASKED, ids=["seconds", "date", "a very long number"])
def test_a_gateway_that_asks_to_be_left_alone_is(asked: str) -> None:
    """A Retry-After holds back all pushes, for five minutes at most; no event waits for that long."""
    times = Time()
    with Gateway() as gateway, started(pushing(gateway.url), times=times) as reporter:
        tell(reporter, make_event("success"))
        reporter.reporter_flush()
        gateway.says = refuses(429, Retry_After=asked)
        sent = len(gateway.pushes)
        tell(reporter, make_event("success"))
        with pytest.raises(TryAgain) as again:
            reporter.reporter_flush()
        assert again.value.after == GRACE
        times.wait(GRACE)
        reporter.reporter_flush()  # lets events through
        reporter.reporter_tick()
        assert len(gateway.pushes) == sent + 1
        gateway.says = takes_all
        times.wait(300.0)
        reporter.reporter_tick()
        assert gateway.successes[-1] == 2


def test_odd_pauses_are_none() -> None:
    """What can't be read as a pause is not kept to."""
    for asked in ("soon", "-5", "", "1e9", "Thu, 99 Foo 2020"):
        with Gateway(refuses(503, Retry_After=asked)) as gateway, started(pushing(gateway.url)) as reporter:
            tell(reporter, make_event("success"))
            for _ in range(2):
                with pytest.raises(TryAgain):
                    reporter.reporter_flush()
        assert len(gateway.pushes) >= 2


def test_a_redirect_is_not_followed() -> None:
    """No password goes to another host, and nothing counts as pushed: the operator is told where the gateway is."""
    with Gateway() as elsewhere:
        location = f"{elsewhere.url}/metrics?token={CANARY}"
        for code in (301, 302, 303, 307, 308):
            with Gateway(refuses(code, Location=location)) as gateway:
                options = pushing(gateway.url, username="me", password=Secret(CANARY))
                with started(options) as reporter:
                    tell(reporter, make_event("success"))
                    with pytest.raises(TryAgain) as again:
                        reporter.reporter_flush()
                told = str(again.value.__cause__)
                assert "answers that it has moved to http://127.0.0.1: set gateway to where it is" in told
                assert CANARY not in told
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "location", ["http://[bad/", "//[::1", "https://a]b/", "http://\u2100.example/", "", ":", "x" * 5_000]
)
def test_a_redirect_to_no_address(location: str) -> None:
    """It is one all the same; where it leads, nobody can say."""
    with (
        Gateway(refuses(302, Location=location.encode().decode("latin-1"))) as gateway,
        started(pushing(gateway.url)) as reporter,
    ):
        tell(reporter, make_event("success"))
        with pytest.raises(TryAgain) as again:
            reporter.reporter_flush()
    assert "answers that it has moved" in str(again.value.__cause__)


def test_a_redirect_at_the_start_breaks_the_reporter() -> None:
    """An http that should be https shows at once."""

    def moved(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 301 Moved\r\nLocation: https://gateway.example/-/ready\r\nContent-Length: 0\r\n\r\n")

    with (
        raw(moved) as url,
        pytest.raises(BrokenReporter, match=r"it has moved to https://gateway\.example: set gateway"),
    ):
        PrometheusReporter().reporter_start(pushing(url), make_context())


def drip(client: socket.socket) -> None:
    """Answer with a byte at a time, without an end."""
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        client.sendall(b"X")
        time.sleep(0.05)  # this is the gateway's own slowness


ANSWERS: dict[str, Callable[[socket.socket], None]] = {
    "nothing": lambda client: None,
    "no HTTP": lambda client: client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "bytes": lambda client: client.sendall(bytes(range(256)) * 100),
    "a bad status": lambda client: client.sendall(b"HTTP/1.1 abc\r\n\r\n"),
    "another status": lambda client: client.sendall(b"HTTP/1.1 999 What\r\n\r\n"),
    "half a body": lambda client: client.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\nhalf"),
    "broken chunks": lambda client: client.sendall(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "many headers": lambda client: client.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000 + b"\r\n"),
    "a long header": lambda client: client.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
    "an odd length": lambda client: client.sendall(b"HTTP/1.1 500 No\r\nContent-Length: many\r\n\r\n"),
    "drips": drip,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_answer_is_a_crash(answer: Callable[[socket.socket], None], tmp_path: Any) -> None:
    """Whatever speaks there, the figures go on counting, within the time that a push may take."""
    with raw(answer) as url:
        options = pushing(url, directory=str(tmp_path), push_timeout=0.5)
        with started(options) as reporter:
            tell(reporter, make_event("success"))
            before = time.monotonic()
            with pytest.raises(TryAgain):
                reporter.reporter_flush()
            assert time.monotonic() - before < 5.0


def test_a_gateway_that_hangs_costs_the_time_that_it_may() -> None:
    """A black hole takes no longer than push_timeout."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as hole:
        options = pushing(f"http://127.0.0.1:{hole.getsockname()[1]}", push_timeout=0.3)
        before = time.monotonic()
        with pytest.raises(BrokenReporter, match="can't be reached: timed out"):
            PrometheusReporter().reporter_start(options, make_context())
    assert time.monotonic() - before < 2.0


def test_a_gateway_may_ask_who_is_there() -> None:
    """User and password are sent as the gateway expects them."""
    with Gateway() as gateway:
        options = pushing(gateway.url, username="me", password=Secret(CANARY))
        with started(options) as reporter:
            tell(reporter, make_event("started"))
            reporter.reporter_flush()
    for push in gateway.pushes:
        assert push.headers["Authorization"] == f"Basic {base64.b64encode(f'me:{CANARY}'.encode()).decode()}"
        assert CANARY.encode() not in push.body


@pytest.mark.parametrize(
    ("status", "told"), [(401, "does not accept the key or password"), (403, "does not let"), (404, "nothing at that")]
)
def test_a_gateway_that_refuses_is_explained(status: int, told: str) -> None:
    """The operator reads what the status means, and not only its number."""
    with Gateway(refuses(status, b"no")) as gateway:
        table = {"mode": "push", "gateway": gateway.url}
        config = {"reporters": {"prometheus": table}}
        with Dispatcher(reporters={"prometheus": PrometheusReporter}, config=config) as dispatcher:
            dispatcher.publish(make_event("started"))
            until(lambda: dispatcher.stats()["prometheus"].retries)
            assert told in str(dispatcher.stats()["prometheus"].reason)
            dispatcher.close(0.1)


def test_what_the_gateway_says_is_told_without_the_password() -> None:
    """A gateway that repeats what it was sent, in whichever form, puts no secret into the log."""
    pair = base64.b64encode(f"me:{CANARY}".encode())
    with Gateway(refuses(403, b"who is me:" + CANARY.encode() + b"?\nBasic " + pair)) as gateway:
        options = pushing(gateway.url, username="me", password=Secret(CANARY))
        with started(options) as reporter:
            tell(reporter, make_event("started"))
            with pytest.raises(TryAgain) as again:
                reporter.reporter_flush()
    told = str(again.value.__cause__)
    assert r"403 Forbidden: who is me:[redacted]?\nBasic [redacted]" in told
    assert CANARY not in told
    assert pair.decode() not in told


def test_what_has_not_changed_is_not_pushed_again() -> None:
    """Of many jobs only those are pushed of which there is something new."""
    with Gateway() as gateway, started(pushing(gateway.url)) as reporter:
        for job in ("one", "two"):
            tell(reporter, make_event("started", job=make_job(name=job)), make_event("stopped", job=make_job(name=job)))
        reporter.reporter_flush()
        tell(reporter, make_event("success", job=make_job(name="two")))
        reporter.reporter_flush()
    assert gateway.groups == ["one", "two", "jobreporter", "two"]


def test_figures_leave_by_themselves_when_the_gateway_is_back() -> None:
    """With no further event; meanwhile nothing crashed, and nothing is lost."""
    with Gateway(refuses(503)) as gateway:
        config = {"reporters": {"prometheus": {"mode": "push", "gateway": gateway.url}}}
        with Dispatcher({"prometheus": PrometheusReporter}, config=config) as dispatcher:
            for _ in range(3):
                with dispatcher.begin("reports.nightly", queue="default"):
                    pass
            until(lambda: dispatcher.stats()["prometheus"].retries >= 2, "some tries")
            stats = dispatcher.stats()["prometheus"]
            assert (stats.status, stats.restarts, stats.failed, stats.dropped.get("capacity", 0)) == (
                "backing_off",
                0,
                0,
                0,
            )
            gateway.says = takes_all
            until(lambda: gateway.successes[-1:] == [3], "the push")
            until(lambda: dispatcher.stats()["prometheus"].handled == 9, "the ledger")
            assert dispatcher.stats()["prometheus"].status == "running"


def test_a_long_outage_costs_no_event(caplog: pytest.LogCaptureFixture) -> None:
    """Events take no room once they are counted: after some tries they are let through, and all are in the next push."""
    times = Time()
    with Gateway(refuses(503)) as gateway, started(pushing(gateway.url), times=times) as reporter:
        for _ in range(3):
            tell(reporter, make_event("success"))
            with pytest.raises(TryAgain):
                reporter.reporter_flush()
            times.wait(GRACE)
            reporter.reporter_flush()
        gateway.says = takes_all
        reporter.reporter_tick()
        assert gateway.successes[-1] == 3
    assert caplog.text.count("the figures can't leave now, and go on counting") == 1
    assert caplog.text.count("the figures leave again") == 1


def test_check_finds_a_gateway_that_is_not_there(tmp_path: Path) -> None:
    """Also where a directory keeps what is counted: an operator who asks is told."""
    config = f'mode = "push"\ngateway = "http://127.0.0.1:{free_port()}"\ndirectory = "shared"\n'
    (tmp_path / "jobreporter.toml").write_text(f"[reporters.prometheus]\n{config}")
    command = [sys.executable, "-m", "jobreporter", "check"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "can't be reached: [Errno 111] Connection refused" in ran.stdout


def test_a_process_that_ends_waits_no_longer_than_that(tmp_path: Path) -> None:
    """Where the gateway stays away, a worker that closes has tried for some seconds, and ends before it has to."""
    with Gateway(refuses(503)) as gateway:
        config = {"mode": "push", "gateway": gateway.url, "directory": str(tmp_path)}
        dispatcher = Dispatcher({"prometheus": PrometheusReporter}, config={"reporters": {"prometheus": config}})
        dispatcher.start()
        with dispatcher.begin("reports.nightly"):
            pass
        before = time.monotonic()
        assert dispatcher.close(60.0)
        assert time.monotonic() - before < 30.0


def test_what_could_never_be_pushed_is_told(tmp_path: Any) -> None:
    """A process that ends while the gateway is away has lost what it counted, unless that is in a directory."""
    for directory, lost in ((None, [("not_pushed", 2)]), (str(tmp_path), [])):
        told: list[tuple[str, int]] = []
        times = Time()
        context = make_context(lost=lambda reason, count, told=told: told.append((reason, count)))
        with Gateway(refuses(503)) as gateway:
            options = pushing(gateway.url, directory=directory)
            with started(options, context, times) as reporter:
                tell(reporter, make_event("started"), make_event("success"))
                with pytest.raises(TryAgain):
                    reporter.reporter_flush()
                times.wait(GRACE)
                reporter.reporter_flush()
        assert told == lost


def test_a_command_that_ends_tries_again_within_the_time_that_it_has() -> None:
    """A gateway that is in trouble for a moment gets the figures of a process that is about to end."""
    answers = iter([503, 503, 503, 503])
    with Gateway() as gateway:
        gateway.says = lambda _path: Answer(next(answers, 200))
        config = {"reporters": {"prometheus": {"mode": "push", "gateway": gateway.url}}}
        dispatcher = Dispatcher({"prometheus": PrometheusReporter}, config=config)
        with dispatcher.begin("reports.nightly", queue="default"):
            pass
        assert dispatcher.close(10.0)
        assert gateway.successes[-1] == 1


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server of this machine shows, and clients here trust."""
    openssl = server("openssl", "openssl")
    files = ("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem"))
    made = ("-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run([openssl, "req", *made, *files], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    return context


def test_a_gateway_behind_tls(certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate has to be one that this machine trusts."""
    with Gateway(certificate=certificate) as gateway:
        with started(pushing(gateway.url, username="me", password=Secret(CANARY))) as reporter:
            tell(reporter, make_event("success"))
            reporter.reporter_flush()
        assert gateway.successes == [1]
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(BrokenReporter, match="certificate verify failed"):
            PrometheusReporter().reporter_start(pushing(gateway.url), make_context())
