"""One connection, by itself: what the time that it is given means."""

from __future__ import annotations

import io
import socket

import pytest

from jobreporter_honeybadger._connection import Connection, NoAnswer, Request, _Paced

from .fake_honeybadger import KEY, FakeHoneybadger

CHECK_IN = Request("GET", "/v1/check_in/XyZZy1")
HEADERS = {
    "X-API-Key": KEY,
    "Accept": "application/json",
    "User-Agent": "jobreporter-honeybadger 0.1.0; CPython 3.11; Linux x86",
}


def test_no_time_means_no_request(honeybadger: FakeHoneybadger) -> None:
    """If connecting took all the time that there was, nothing is sent; the next attempt starts from the beginning."""
    connection = Connection(honeybadger.url, HEADERS)
    assert connection.ask(CHECK_IN, connect_timeout=9, timeout=9).status == 200
    with pytest.raises(NoAnswer, match=r"^timed out$"):
        connection.ask(CHECK_IN, connect_timeout=9, timeout=0)
    assert connection.ask(CHECK_IN, connect_timeout=9, timeout=9).status == 200
    connection.close()
    assert [request.connection for request in honeybadger.requests] == [1, 2]


def test_no_time_means_no_reading() -> None:
    """However much there is to read."""
    here, there = socket.socketpair()
    with here, there, here.makefile("rb", buffering=0) as raw:
        there.sendall(b"x")
        here.settimeout(0.0)
        paced = io.BufferedReader(_Paced(raw, here))
        with pytest.raises(TimeoutError):
            paced.read(1)
        paced.close()


def test_an_unresolvable_name_is_no_answer() -> None:
    """The reason is the system's."""
    connection = Connection("http://nowhere.invalid", {})
    with pytest.raises(NoAnswer, match=r"nowhere\.invalid"):
        connection.ask(CHECK_IN, connect_timeout=9, timeout=9)
