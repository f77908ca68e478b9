"""What the reporter does to the process that it is imported into."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


FILTERS = """
import warnings
{host}
before = list(warnings.filters)
from jobreporter_honeybadger import _connection
print(warnings.filters == before)
"""


@pytest.mark.parametrize(
    "host",
    [
        "",
        "import urllib3",
        "import urllib3; warnings.simplefilter('ignore', urllib3.exceptions.InsecureRequestWarning)",
    ],
    ids=["by itself", "after the host's own import", "after the host's own filter"],
)
def test_warning_filters_are_left_alone(host: str) -> None:
    """What urllib3's import appends to them is taken away, unless the host imports it itself."""
    assert run(FILTERS.format(host=host)) == "True"


def test_it_logs_nothing() -> None:
    """No line per request, at any level: check-in ids and the noise of a worker's log are no good company."""
    code = """
import logging, io, http.server, threading
stream = io.StringIO()
logging.basicConfig(level=0, stream=stream)
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
from jobreporter_honeybadger._connection import Connection, Request
connection = Connection(f"http://127.0.0.1:{server.server_port}", {})
http.server.BaseHTTPRequestHandler.log_message = lambda *_: None
thread = threading.Thread(target=server.handle_request); thread.start()
print(connection.ask(Request("GET", "/v1/check_in/XyZZy1"), connect_timeout=9, timeout=9).status)
thread.join(); connection.close(); server.server_close()
print(repr(stream.getvalue()))
"""
    assert run(code) == "501\n''"
