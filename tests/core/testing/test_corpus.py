"""The golden corpus: the recordings of each release are read for ever, and have nothing of where they were made."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from jobreporter import ABORT_REASONS, EVENTS, Aborted, ErrorInfo, Failure
from jobreporter.recording import Recorded, read_recording, to_line
from jobreporter.testing import corpus

RECORDINGS = Path(corpus()[0]).parents[1]
FILES = sorted(RECORDINGS.glob("*/*.jsonl"))
#: What each release has recorded. This is only added to.
RECORDED = {
    "0.1.0/celery.jsonl": 102,
    "0.1.0/command.jsonl": 15,
    "0.1.0/dramatiq.jsonl": 68,
    "0.1.0/huey.jsonl": 85,
    "0.1.0/rq.jsonl": 71,
}


def newest() -> list[Recorded]:
    return [recorded for path in corpus() for recorded in read_recording(path)]


def test_nothing_that_was_recorded_is_gone() -> None:
    """Each file of each release is there, and the newest release is what the kit hands out."""
    assert [str(path.relative_to(RECORDINGS)) for path in FILES] == sorted(RECORDED)
    assert {path.parent.name for path in corpus()} == {max(RECORDED, key=version_of).partition("/")[0]}


def version_of(name: str) -> list[int]:
    return [int(part) for part in name.partition("/")[0].split(".")]


@pytest.mark.parametrize("file", RECORDED)
def test_a_recording_of_any_release_is_read(file: str) -> None:
    """All of its events, with all that was written of them: what this version would write begins with it."""
    path = RECORDINGS / file
    found = list(read_recording(path))
    assert len(found) == RECORDED[file]
    for line, recorded in zip(path.read_bytes().splitlines(), found, strict=True):
        assert starts_with(json.loads(to_line(*recorded)), json.loads(line))


def starts_with(written: Any, golden: Any) -> bool:
    """Whether each array begins with what the golden one has."""
    if isinstance(golden, list) and isinstance(written, list):
        return len(written) >= len(golden) and all(map(starts_with, written, golden))
    return bool(written == golden)


def test_it_shows_what_may_happen() -> None:
    """Every kind of event, of every source, most of the reasons for which jobs are given up, and all kinds of failures."""
    events = [recorded.event for recorded in newest()]
    assert {type(event) for event in events} == set(EVENTS)
    assert {event.job.source for event in events} == {"celery", "command", "dramatiq", "huey", "rq"}
    assert len({event.reason for event in events if isinstance(event, Aborted)} & set(ABORT_REASONS)) >= 12
    failures = [event for event in events if isinstance(event, Failure)]
    assert {failure.kind for failure in failures} == {"exception", "timeout", "worker_lost", "exit_code"}
    assert {failure.final for failure in failures} == {True, False}


def test_it_has_nothing_of_where_it_was_made() -> None:
    """Its files are those of a shop's server, its host is the shop's, and its secrets are redacted."""
    for recorded in newest():
        assert recorded.origin.host == "worker-1"
        assert recorded.event.job.worker is None or recorded.event.job.worker.startswith("worker-1:")
        if isinstance(recorded.event, Failure):
            for path in files_of(recorded.event.error):
                assert re.match(r"/srv/shop/|/usr/lib/python3/", path)
    text = "".join(path.read_text() for path in FILES)
    assert "canary" not in text
    assert "[redacted]" in text
    assert not re.search(r"/(root|home|tmp|Users|private)/", text)


def files_of(error: ErrorInfo | None) -> list[str]:
    if error is None:
        return []
    inner = [path for each in (error.cause, error.context, *error.exceptions) for path in files_of(each)]
    return [*(frame.filename for frame in error.frames), *inner]


def test_it_is_small() -> None:
    """Whoever installs jobreporter gets it, so that a release's is to take well under 100 kB of the wheel."""
    assert sum(len(zlib.compress(path.read_bytes())) for path in corpus()) < 50_000
