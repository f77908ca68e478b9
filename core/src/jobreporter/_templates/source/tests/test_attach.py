"""Switching it on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobreporter_pigeon import attach, is_attached
from jobreporter_pigeon._queue import Queue


def test_what_is_no_queue_is_refused() -> None:
    """In a sentence."""
    with pytest.raises(TypeError, match=r"attach\(\) takes a queue of "):
        attach("a name")


def test_it_is_listed() -> None:
    """`jobreporter sources` says that it is ready, and how it is switched on."""
    command = [sys.executable, "-m", "jobreporter", "sources", "--json"]
    rows = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    [row] = [row for row in rows if row["name"] == "pigeon"]
    assert (row["status"], row["attached_by"]) == ("ready", "attach(queue)")


def test_it_knows_what_it_is_attached_to(tmp_path: Path) -> None:
    """And what is no queue at all: `jobreporter check --app` asks for all three."""
    queue = Queue(tmp_path, print)
    assert is_attached(queue) is False
    attach(queue)
    assert is_attached(queue) is True
    assert is_attached("a name") is None
