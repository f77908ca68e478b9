"""``jobreporter agent`` and ``jobreporter stream``."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import Any

import pytest

from jobreporter import Aborted, Dispatcher, Stopped
from jobreporter.streams import Lease, StreamSettings
from jobreporter.streams.sqlite import engine
from jobreporter.testing import CommandLine, make_event, make_job, read_calls

CONFIG = """
[context]
service = "shop"
[stream]
url = "sqlite://{folder}/stream.db"
[reporters.picky]
use = "picky:Picky"
path = "{folder}/picky.jsonl"
"""
PICKY = """
from jobreporter import Undeliverable, hookimpl
from jobreporter.testing import FileRecorder

class Picky(FileRecorder):
    @hookimpl
    def handle_started(self, meta, state, origin):
        if meta.job.name == "bad" and not __import__("os").environ.get("PICKY_TAKES_ALL"):
            raise Undeliverable("the vendor answered 400")
        assert origin.service == "shop", origin
        self._append("handle_started", state, meta)
        return state + 1
"""


@pytest.fixture
def shop(cli: CommandLine) -> CommandLine:
    """A folder with a stream in it, and a reporter that can't deliver what is bad."""
    cli.config(CONFIG.format(folder=cli.folder))
    cli.module("picky", PICKY)
    return cli


def run(shop: CommandLine, *words: str, code: int = 0, **environ: str) -> str:
    done = shop.run(*words, **environ)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def publish(shop: CommandLine, *names: str) -> None:
    with Dispatcher.from_config(shop.folder / "jobreporter.toml") as dispatcher:
        for number, name in enumerate(names):
            job = make_job(id=f"{name}-{number}", name=name)
            dispatcher.publish(make_event("started", job=job))
        assert dispatcher.flush(20)


def arrived(shop: CommandLine) -> list[str]:
    return [call.job.name for call in read_calls(shop.folder / "picky.jsonl") if call.job is not None]


def status(shop: CommandLine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(shop, "stream", "status", "--json"))
    return found


def test_an_agent_hands_out_what_is_there_and_ends(shop: CommandLine) -> None:
    """With ``--once``: 0 when all was taken; the reporters know where each event comes from."""
    publish(shop, "good", "good")
    run(shop, "agent", "--once")
    assert arrived(shop) == ["good", "good"]
    (reporter,) = status(shop)["reporters"]
    assert (reporter["handled"], reporter["pending"], reporter["dead"]) == (2, 0, 0)
    run(shop, "agent", "--once")
    assert arrived(shop) == ["good", "good"]


def test_an_agent_ends_when_it_is_told_to(shop: CommandLine) -> None:
    """SIGTERM: it settles what was handed out, gives its leases up, and exits with 0."""
    publish(shop, "good")
    agent = subprocess.Popen(
        [sys.executable, "-m", "jobreporter", "agent"],
        cwd=shop.folder,
        env=shop.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert agent.stderr is not None
        assert "the agent runs picky" in agent.stderr.readline()
        while not arrived(shop):
            assert agent.poll() is None
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(30) == 0, agent.stderr.read()
    finally:
        agent.kill()
        agent.communicate()
    found = status(shop)
    assert found["reporters"][0]["handled"] == 1
    assert found["agents"] == []


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--once",), 1)])
def test_an_agent_that_waits_for_its_stream_ends_when_it_is_told_to(
    shop: CommandLine, words: tuple[str, ...], code: int
) -> None:
    """A service that was stopped before its stream came has not failed; who asked for all to be handed out has nothing."""
    config = shop.folder / "jobreporter.toml"
    config.write_text(config.read_text().replace("/stream.db", "/not-there-yet/stream.db"))
    with subprocess.Popen(
        [sys.executable, "-m", "jobreporter", "agent", *words],
        cwd=shop.folder,
        env=shop.environ,
        stderr=subprocess.PIPE,
        text=True,
    ) as agent:
        assert agent.stderr is not None
        assert "No such file or directory" in agent.stderr.readline()
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(30) == code


def test_an_agent_tells_of_runs_that_were_missed(shop: CommandLine) -> None:
    """It needs no reporter that knows of schedules: each is told of an aborted job."""
    config = shop.folder / "jobreporter.toml"
    config.write_text(config.read_text() + '[schedules.good]\nevery = "1s"\ngrace = "0s"\n')
    with subprocess.Popen(
        [sys.executable, "-m", "jobreporter", "agent"], cwd=shop.folder, env=shop.environ, stderr=subprocess.DEVNULL
    ) as agent:
        try:
            while "missed" not in str(read_calls(shop.folder / "picky.jsonl")):  # about twenty seconds
                assert agent.poll() is None
                time.sleep(0.1)
        finally:
            agent.terminate()
    aborted, stopped = [call.meta for call in read_calls(shop.folder / "picky.jsonl") if call.meta is not None][:2]
    assert isinstance(aborted, Aborted)
    assert isinstance(stopped, Stopped)
    assert (aborted.reason, aborted.job.name, aborted.job.extra) == ("missed", "good", {"schedule": "good"})
    assert aborted.job.id == stopped.job.id == f"missed:good:{aborted.at:.0f}"
    assert [each["name"] for each in status(shop)["reporters"]] == ["picky", "schedules"]
    run(shop, "agent", "--once")


def test_dead_letters_are_shown_retried_and_dropped(shop: CommandLine) -> None:
    """Another try goes to that reporter alone, and a letter that fails again is a letter again."""
    publish(shop, "good", "bad", "bad")
    run(shop, "agent", "--once")
    assert arrived(shop) == ["good"]
    letters = json.loads(run(shop, "stream", "dead", "list", "--json"))
    assert [(each["job"], each["event"], each["reason"]) for each in letters] == [
        ("bad bad-1", "started", "the vendor answered 400"),
        ("bad bad-2", "started", "the vendor answered 400"),
    ]
    first, second = (each["id"] for each in letters)
    assert "the vendor answered 400" in run(shop, "stream", "dead", "list")
    assert '"bad-1"' in run(shop, "stream", "dead", "show", "picky", first)
    assert run(shop, "stream", "dead", "drop", "picky", second) == "1 dropped\n"
    assert run(shop, "stream", "dead", "retry", "picky", first) == "1 handed to picky once more\n"
    run(shop, "agent", "--once")
    (again,) = json.loads(run(shop, "stream", "dead", "list", "--json"))
    assert again["job"] == "bad bad-1"
    run(shop, "stream", "dead", "retry", "picky", "--all")
    run(shop, "agent", "--once", PICKY_TAKES_ALL="1")
    assert run(shop, "stream", "dead", "list") == "no dead letters\n"
    assert arrived(shop) == ["good", "bad"]
    assert "has no dead letter '9.9'" in run(shop, "stream", "dead", "drop", "picky", "9.9", code=1)
    assert "name the ID of a dead letter, or say --all" in run(shop, "stream", "dead", "drop", "picky", code=2)


def test_a_spool_that_can_not_be_read_is_a_warning(shop: CommandLine) -> None:
    """All the rest is shown."""
    publish(shop, "good")
    run(shop, "agent", "--once")
    config = shop.folder / "jobreporter.toml"
    config.write_text(
        config.read_text().replace("[reporters.picky]", 'spool = "jobreporter.toml/spool"\n[reporters.picky]')
    )
    found = status(shop)
    assert found["reporters"][0]["handled"] == 1
    assert any("Not a directory" in warning for warning in found["warnings"])


def test_a_letter_that_nobody_can_read_holds_up_no_other(shop: CommandLine) -> None:
    """Of all of a reporter's, those that can be are tried again; the others stay, and are told."""
    publish(shop, "bad", "bad", "bad", "bad")
    run(shop, "agent", "--once")
    with closing(sqlite3.connect(shop.folder / "stream.db")) as database, database:
        database.execute("UPDATE dead_letter SET data = x'00112233445566778899' WHERE offset IN (0, 2)")
    done = shop.run("stream", "dead", "retry", "picky", "--all")
    assert (done.returncode, done.stdout) == (1, "2 handed to picky once more\n")
    assert "the dead letter 0.0 can't be tried again: its checksum is wrong (1 other likewise)" in done.stderr
    run(shop, "agent", "--once", PICKY_TAKES_ALL="1")
    assert arrived(shop) == ["bad", "bad"]
    assert [each["id"] for each in json.loads(run(shop, "stream", "dead", "list", "--json"))] == ["0.0", "0.2"]


def test_a_reporter_is_rewound_and_forgotten(shop: CommandLine) -> None:
    """While no agent runs it. A name that is near is offered."""
    publish(shop, "good", "good")
    run(shop, "agent", "--once")
    stream = engine.open(f"sqlite://{shop.folder}/stream.db", StreamSettings(namespace="shop"))
    lease = stream.acquire("picky", 0, b"somebody", 600)
    assert isinstance(lease, Lease)
    for words in (("rewind", "picky", "--to", "oldest"), ("forget", "picky")):
        assert "an agent runs reporter 'picky'" in run(shop, "stream", *words, code=1)
    stream.release(lease)
    publish(shop, "good")
    assert run(shop, "stream", "rewind", "picky", "--to", "2000-01-01T00:00").startswith("picky gets ")
    assert "expected a time such as" in run(shop, "stream", "rewind", "picky", "--to", "yesterday", code=2)
    assert "Did you mean 'picky'?" in run(shop, "stream", "forget", "pickyy", code=1)
    assert run(shop, "stream", "forget", "picky") == "picky is forgotten\n"
    assert status(shop)["reporters"] == []
    stream.close()


def test_an_agent_with_nothing_to_run_says_so(shop: CommandLine) -> None:
    """One sentence, and 2."""
    config = shop.folder / "jobreporter.toml"
    config.write_text('[stream]\nurl = "sqlite:///s.db"\n[reporters.log]\nwhere = "worker"\n')
    assert 'is switched off, or has where = "worker"' in run(shop, "agent", code=2)
    config.write_text("[context]\n")
    assert "the config has no [stream] and no reporter" in run(shop, "agent", code=2)
    config.write_text("[reporters.log]\n")
    assert "nothing to hand out at once" in run(shop, "agent", "--once", code=2)
    assert "no reporter that does anything without events" in run(shop, "agent", code=2)
    assert "the config has no [stream]" in run(shop, "stream", "status", code=1)


def test_check_looks_at_the_stream(shop: CommandLine) -> None:
    """And at the reporters of both places; what is wrong with either is told."""
    publish(shop, "good")
    run(shop, "agent", "--once")
    done = shop.run("check")
    assert done.returncode == 1
    text = " ".join(done.stdout.split())
    assert f"sqlite://{shop.folder}/stream.db: 0 workers, 0 agents; nothing waits" in text
    assert "[stream]: no agent gives a sign of life: run jobreporter agent" in text
    assert "picky ok" in text
    config = shop.folder / "jobreporter.toml"
    config.write_text(config.read_text() + '[reporters.nobody]\n[reporters.no2]\nwhere = "worker"\n')
    found = shop.run("check").stdout
    assert "no reporter 'nobody' is installed" in found
    assert "no reporter 'no2' is installed" in found


def test_a_workers_start_does_not_depend_on_agents(shop: CommandLine) -> None:
    """Neither on a sign of life, nor on their reporters: but on the stream, and on its own reporters."""
    config = shop.folder / "jobreporter.toml"
    assert f"ok: agents run all reporters of {config}" in run(shop, "check", "--worker")
    agents = config.read_text() + "[reporters.nobody]\n"
    config.write_text(agents)
    assert run(shop, "check", "--worker", "--quiet") == ""
    config.write_text(agents + '[reporters.log]\nwhere = "worker"\n')
    assert f"ok: the reporter 'log' of {config} works" in run(shop, "check", "--worker")
    config.write_text(agents + '[reporters.no2]\nwhere = "worker"\n')
    found = shop.run("check", "--worker")
    assert found.returncode == 1
    assert "no reporter 'no2' is installed" in found.stdout
    assert "nobody" not in found.stdout
    config.write_text(CONFIG.format(folder=shop.folder / "nowhere"))
    assert "[stream]: " in shop.run("check", "--worker").stdout


def test_without_a_stream_a_worker_runs_everything(shop: CommandLine) -> None:
    """So everything is checked."""
    (shop.folder / "jobreporter.toml").write_text("[reporters.log]\n[reporters.nobody]\n")
    assert "no reporter 'nobody' is installed" in shop.run("check", "--worker").stdout


def test_a_command_is_a_worker(shop: CommandLine) -> None:
    """`jobreporter exec` puts its events into the stream, and runs no reporter that is an agent's."""
    run(shop, "exec", "--name", "backup", "--", "true")
    assert not (shop.folder / "picky.jsonl").exists()

    run(shop, "agent", "--once")
    assert set(arrived(shop)) == {"backup"}


def test_a_stream_that_is_not_there_is_told_with_the_reason(shop: CommandLine) -> None:
    """The command runs all the same, and its operator reads what to mend."""
    shop.config(CONFIG.format(folder=shop.folder / "nowhere"))
    done = shop.run("exec", "--name", "backup", "--", "echo", "saved")
    assert (done.returncode, done.stdout) == (0, "saved\n")
    [told] = [line for line in done.stderr.splitlines() if "can't do reporter_flush just now" in line]
    assert f"{shop.folder}/nowhere" in told
    assert "No such file or directory" in told
