"""``jobreporter replay``: what the reporters of the config make of a recording."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobreporter import Context, Event
from jobreporter.recording import read_recording, to_line
from jobreporter.testing import CommandLine, corpus, make_error, make_event, make_job

CONFIG = """
[reporters.record]
path = "copy.jsonl"

[reporters.pager]
use = "pager:Pager"
when.events = ["failure"]
"""

PAGER = """
from jobreporter import Undeliverable, hookimpl


class Pager:
    @hookimpl
    def reporter_start(self, context):
        self.context = context

    @hookimpl
    def handle_failure(self, error):
        if error.message == "crash":
            raise LookupError("as told")
        if error.message == "gone":
            self.context.lost("rate_limited", 2)
"""


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    project = CommandLine(tmp_path)
    project.config(CONFIG)
    project.module("pager", PAGER)
    return project


def write(project: CommandLine, *events: Event) -> Path:
    """A recording in the project's folder."""
    origin = Context(host="web-1", pid=1, version="0.1.0", stats=dict).origin
    path = project.folder / "events.jsonl"
    path.write_bytes(b"".join(to_line(event, origin) for event in events))
    return path


def execution(message: str) -> list[Event]:
    job = make_job(id=message)
    error = make_error(message=message)
    return [make_event("started", job=job), make_event("failure", job=job, error=error), make_event("stopped", job=job)]


def test_without_a_file_it_is_the_corpus(project: CommandLine) -> None:
    """All that real workers have reported reaches the reporters, and each says what it did."""
    done = project.run("replay", "--json")
    assert done.returncode == 0, done.stderr
    events = [recorded.event for path in corpus() for recorded in read_recording(path)]
    pager, record = sorted(json.loads(done.stdout), key=lambda each: each["reporter"])
    assert (record["handled"], record["filtered"], record["why"]) == (len(events), 0, [])
    assert pager["handled"] + pager["filtered"] == len(events)
    assert [recorded.event for recorded in read_recording(project.folder / "copy.jsonl")] == events


def test_it_tells_people_in_a_table(project: CommandLine) -> None:
    """The first line says how it went."""
    write(project, *execution("boom"))
    done = project.run("replay", "events.jsonl", "--reporter", "pager")
    first, empty, *table = done.stdout.splitlines()
    assert first.startswith("3 events replayed: none was lost (")
    assert not empty
    assert [line.split() for line in table] == [
        ["REPORTER", "HANDLED", "FILTERED", "FAILED", "LOST", "WHY"],
        ["pager", "1", "2", "0", "0"],
    ]
    assert not (project.folder / "copy.jsonl").exists()


@pytest.mark.parametrize(
    ("message", "failed", "lost", "why"),
    [("crash", 1, 0, []), ("gone", 0, 2, ["2 rate_limited"])],
)
def test_what_is_lost_is_the_exit_code(
    project: CommandLine, message: str, failed: int, lost: int, why: list[str]
) -> None:
    """An event that a reporter crashed on, and one that it says to have lost; the others are told as well."""
    write(project, *execution(message))
    done = project.run("replay", "events.jsonl", "--json")
    assert done.returncode == 1
    found = {each["reporter"]: each for each in json.loads(done.stdout)}
    assert (found["pager"]["failed"], found["pager"]["lost"], found["pager"]["why"]) == (failed, lost, why)
    assert (found["record"]["handled"], found["record"]["lost"]) == (3, 0)


def test_a_reporter_that_is_broken_loses_all(project: CommandLine) -> None:
    """With the reason for which it doesn't run."""
    project.config('[reporters.record]\npath = "missing/copy.jsonl"\n')
    write(project, *execution("boom"))
    done = project.run("replay", "events.jsonl", "--json")
    assert done.returncode == 1
    [record] = json.loads(done.stdout)
    assert record["lost"] == 3
    assert "No such file or directory" in record["why"][0]
    assert record["why"][1] == "3 closed"


def test_a_recording_larger_than_every_buffer_is_replayed_whole(project: CommandLine) -> None:
    """It is published no faster than the reporters take it."""
    project.config('[reporters.record]\npath = "copy.jsonl"\nlane.capacity = 10\n')
    write(project, *(event for number in range(100) for event in execution(str(number))))
    done = project.run("replay", "events.jsonl", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)[0]["handled"] == 300


def test_reporters_that_an_agent_runs_take_part(project: CommandLine) -> None:
    """With a stream as well, a replay goes to the reporters and not to the stream."""
    project.config(f'[stream]\nurl = "sqlite:///{project.folder}/stream.db"\n{CONFIG}')
    write(project, *execution("boom"))
    done = project.run("replay", "events.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    assert {each["reporter"] for each in json.loads(done.stdout)} == {"record", "pager"}
    assert not list(project.folder.glob("stream.db*"))


def test_a_recording_comes_from_stdin(project: CommandLine) -> None:
    """As `-`, so that it may be cut and searched on its way."""
    path = write(project, *execution("boom"))
    done = project.run("replay", "-", "--json", stdin=path.read_text().splitlines()[1])
    assert done.returncode == 0, done.stderr
    assert {each["handled"] for each in json.loads(done.stdout)} == {1}


def test_a_recording_is_packed_or_cut_off(project: CommandLine) -> None:
    """As logs are rotated, and as a worker leaves it that is killed: what is there is replayed, and the rest told."""
    path = write(project, *execution("boom"), *execution("boom"))
    path.with_name("kept.gz").write_bytes(gzip.compress(path.read_bytes())[:-12])
    done = project.run("replay", "kept.gz", "--json", "--reporter", "pager")
    assert json.loads(done.stdout)[0]["handled"] == 2
    assert done.stderr == (
        "note: kept.gz: no event of a recording: it is packed by gzip, and its end is missing; "
        "what stands before it is replayed\n"
    )


def test_a_recording_that_grows_meanwhile_ends(project: CommandLine) -> None:
    """The reporter that is replayed to may be the one that writes it."""
    path = write(project, *execution("boom"))
    path.rename(project.folder / "copy.jsonl")
    done = project.run("replay", "copy.jsonl", "--json", "--reporter", "record")
    assert json.loads(done.stdout)[0]["handled"] == 3


def test_a_bad_line_is_one_error_and_nothing_is_sent(project: CommandLine) -> None:
    """With the file and the number of the line; what stands before it reaches nobody."""
    path = write(project, *execution("boom"))
    path.write_bytes(path.read_bytes() + b'{"event": "started"}\n')
    done = project.run("replay", "events.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: events.jsonl:4: no event of a recording: Expected `array`, got `object`\n"
    assert not (project.folder / "copy.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["gone.jsonl"], 2, "Invalid value for FILE: gone.jsonl: No such file or directory"),
        (["empty.jsonl"], 1, "empty.jsonl: there is no event in it"),
        (["--reporter", "pagr"], 2, "the config has no reporter 'pagr'. Did you mean 'pager'?"),
        (["--reporter", "off"], 1, "'off' is switched off"),
    ],
)
def test_what_can_not_be_replayed_is_one_error(project: CommandLine, words: list[str], code: int, says: str) -> None:
    """A file that isn't there or has nothing in it, and a reporter that isn't there or is off."""
    project.config(f'{CONFIG}\n[reporters.off]\nuse = "pager:Pager"\nenabled = false\n')
    (project.folder / "empty.jsonl").touch()
    done = project.run("replay", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr


def test_a_config_without_reporters_is_told(project: CommandLine) -> None:
    """There is nobody to replay to."""
    project.config("")
    done = project.run("replay")
    assert done.returncode == 1
    assert "Error: the config switches no reporter on: it needs a table [reporters.NAME]" in done.stderr


def test_a_worker_imports_nothing_of_it() -> None:
    """Recordings cost whoever doesn't want them nothing."""
    program = "import sys, jobreporter; sys.exit('jobreporter.recording' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
