"""Over TLS, the server has to prove who it is."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter.testing import make_event
from tests.waiting import until

from .conftest import MakeDispatcher
from .fake_honeybadger import FakeHoneybadger


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, and beside it its key."""
    if shutil.which("openssl") is None:
        assert "CI" not in os.environ, "openssl is not installed"
        pytest.skip("openssl is not installed: apt install openssl")
    folder = tmp_path_factory.mktemp("tls")
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run([*make.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture
def secure(certificate: Path) -> Iterator[FakeHoneybadger]:
    """A Honeybadger that shows the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with FakeHoneybadger(context) as fake:
        yield fake
    assert fake.problems == []


def test_a_server_that_is_trusted_gets_the_notices(
    secure: FakeHoneybadger, certificate: Path, dispatcher_of: MakeDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over one connection, as without TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    dispatcher = dispatcher_of(endpoint=secure.url)
    for _ in range(3):
        dispatcher.publish(make_event("failure"))
    assert dispatcher.flush(20)
    assert dispatcher.stats()["honeybadger"].lost == 0
    assert [request.connection for request in secure.requests] == [1, 1, 1]


def test_a_server_that_is_not_trusted_gets_nothing(secure: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """Neither the key nor the notice; the ledger says why."""
    dispatcher = dispatcher_of(endpoint=secure.url)
    dispatcher.publish(make_event("failure"))
    until(lambda: dispatcher.stats()["honeybadger"].status == "backing_off", "the reporter's backing off")
    assert "CERTIFICATE_VERIFY_FAILED" in str(dispatcher.stats()["honeybadger"].reason)
    assert secure.requests == []
