"""Stand-ins for Sentry, on free loopback ports: kent, and one that answers what a test tells it to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

from jobreporter.testing import Answer, Conversation, StandIn

#: Seconds. Reached only where something is broken.
PATIENCE = 60.0


class Kent:
    """A kent server in a process of its own. It keeps the last 100 items."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("kent_server.py")
        self._process = subprocess.Popen(
            [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    @property
    def dsn(self) -> str:
        """Where events to the project 1 go."""
        return f"http://public@127.0.0.1:{self.port}/1"

    def forget(self) -> None:
        """Start empty."""
        self._ask("flush/", b"")

    def items(self, kind: str = "event") -> list[dict[str, Any]]:
        """The bodies of the items of one kind, in the order in which they came: ``event``, ``check_in``, ..."""
        ids = [each["event_id"] for each in self._ask("eventlist/")["events"]]
        payloads = [self._ask(f"event/{each}")["payload"] for each in ids]
        return [payload["body"] for payload in payloads if payload["header"]["type"] == kind]

    def only(self, kind: str = "event") -> dict[str, Any]:
        """The body of the only item of one kind."""
        [item] = self.items(kind)
        return item

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _ask(self, path: str, data: bytes | None = None) -> Any:
        with urlopen(f"http://127.0.0.1:{self.port}/api/{path}", data) as response:
            return json.load(response)


class FakeSentry(StandIn):
    """A Sentry that answers with 200 what it was told nothing else of. answers: for its first requests."""

    def __init__(self, *answers: Answer | Callable[[Conversation], object]) -> None:
        super().__init__()
        self.next(*answers)

    @property
    def dsn(self) -> str:
        """Where events to the project 1 go."""
        return f"http://public@127.0.0.1:{self.port}/1"

    @property
    def envelopes(self) -> list[list[tuple[dict[str, Any], dict[str, Any]]]]:
        """The items of each request that came, as header and body."""
        return [items(request.body) for request in self.requests]

    @property
    def kinds(self) -> list[str]:
        """The kinds of all items that came, in order."""
        return [header["type"] for envelope in self.envelopes for header, _ in envelope]

    def answers_late(self) -> Self:
        """Answer nothing until `release`, and then all that has come."""
        self.now = Answer(delay=PATIENCE)
        return self


def items(envelope: bytes) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The items of an envelope whose bodies are JSON."""
    _, *lines = envelope.splitlines()
    return [(json.loads(header), json.loads(body)) for header, body in zip(lines[::2], lines[1::2], strict=True)]
