"""What only looks changes nothing: ``jobreporter check`` and ``jobreporter stream``, where there is no stream yet."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jobreporter.streams import Batch, StreamSettings
from jobreporter.streams.sqlite import engine
from jobreporter.testing import CommandLine

CONFIG = """
[context]
service = "shop"
[stream]
url = "sqlite://{folder}/stream.db"
[reporters.log]
"""
RELAY = """
[reporters.central]
use = "relay"
url = "sqlite://{folder}/central.db"
namespace = "all"
"""


@pytest.fixture
def shop(cli: CommandLine) -> CommandLine:
    cli.config(CONFIG.format(folder=cli.folder))
    return cli


def files(shop: CommandLine) -> list[str]:
    return sorted(path.name for path in Path(shop.folder).iterdir() if path.name.startswith(("stream", "central")))


def text(shop: CommandLine, *words: str, code: int = 0) -> str:
    done = shop.run(*words)
    assert done.returncode == code, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_a_check_makes_no_stream(shop: CommandLine) -> None:
    """Neither a worker's nor an agent's: whose the files are, their first real user decides."""
    said = text(shop, "check", "--worker")
    assert f"note: workers write to the spool '{shop.folder}/stream.db.d'" in said
    assert files(shop) == []
    said = text(shop, "check", code=1)
    assert "there is no stream yet: the first agent makes it" in said
    assert "no agent gives a sign of life: run jobreporter agent" in said
    assert files(shop) == []


def test_a_workers_check_does_not_open_the_database(shop: CommandLine) -> None:
    """A worker may not even have the right to. It is the spool that it needs."""
    Path(shop.folder, "stream.db").write_text("no database at all, but long enough to be looked at as one " * 20)
    text(shop, "check", "--worker")
    assert "not a database" in text(shop, "check", code=1)
    Path(shop.folder, "stream.db.d").touch()
    assert "is no folder" in text(shop, "check", "--worker", code=1)


@pytest.mark.parametrize(
    "words",
    [("status",), ("status", "--json"), ("dead", "list"), ("forget", "log"), ("rewind", "log", "--to", "oldest")],
)
def test_what_is_asked_of_no_stream_is_told_so(shop: CommandLine, words: tuple[str, ...]) -> None:
    """And none is made by asking."""
    assert "there is no stream yet: the first agent makes it" in text(shop, "stream", *words, code=1)
    assert files(shop) == []


def test_a_relays_target_is_not_made_either(shop: CommandLine) -> None:
    """It is new, which is nothing wrong."""
    shop.config((CONFIG + RELAY).format(folder=shop.folder))
    assert f"its target is new: sqlite://{shop.folder}/central.db" in text(shop, "check", code=1)
    assert files(shop) == []
    opened(shop, "central", "all").close()
    assert "its target answers: sqlite://" in text(shop, "check", code=1)


def opened(shop: CommandLine, name: str, namespace: str = "shop") -> Any:
    return engine.open(f"sqlite://{shop.folder}/{name}.db", StreamSettings(namespace=namespace))


def test_a_relay_to_its_own_stream_is_found_under_another_name(shop: CommandLine) -> None:
    """The file says nothing of it; the streams themselves do."""
    shop.config((CONFIG + RELAY).format(folder=shop.folder))
    opened(shop, "stream").close()
    os.symlink("stream.db", Path(shop.folder, "central.db"))
    said = text(shop, "check", code=1)
    assert "its target is the stream that it reads, under another name" in said


@pytest.mark.parametrize("namespace", ['namespace = "shop"', ""])
def test_a_relay_to_its_own_stream_is_a_fault_of_the_file(shop: CommandLine, namespace: str) -> None:
    """Whether the namespace stands there or is the service's."""
    relay = f'[reporters.central]\nuse = "relay"\nurl = "sqlite://{shop.folder}/stream.db"\n{namespace}\n'
    shop.config(CONFIG.format(folder=shop.folder) + relay)
    assert "the relay would append to the stream that it reads" in text(shop, "check", "--no-start", code=1)


def test_a_circle_of_relays_is_told(shop: CommandLine) -> None:
    """From a relay's signs of life at the stream that this one reads."""
    from jobreporter._stream.process import ProcessBeat
    from jobreporter.context import Origin

    shop.config((CONFIG + RELAY).format(folder=shop.folder))
    here, central = opened(shop, "stream"), opened(shop, "central", "all")
    said = text(shop, "check", "--json", code=1)
    assert "circle" not in said
    beat = ProcessBeat(role="relay", origin=Origin(host="h", pid=1, version="0.1.0"), passes=(central.identity,))
    here.append(b"relay---", [Batch(partition=0, first=1, last=1, events=1, data=b"x")], beat=beat.encoded())
    for stream in (here, central):
        stream.close()
    (found,) = [
        each for each in json.loads(shop.run("check", "--json").stdout)["reporters"] if each["name"] == "central"
    ]
    assert "relays lead round in a circle: events come from there, too" in found["detail"]
