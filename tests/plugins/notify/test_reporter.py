"""The reporter as a worker and the command line have it: real configs, real processes."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import Answer, make_event
from jobreporter_history import HistoryReporter
from jobreporter_history.store import StoreError, open_store
from jobreporter_notify import NotifyReporter
from tests.waiting import until

from .desk import ERROR
from .services import Services


def config(folder: Path, services: Services, more: str = "", path: str = "/hook") -> Path:
    """A config with a history and a notifier that takes its store from there."""
    file = folder / "jobreporter.toml"
    file.write_text(
        textwrap.dedent(f"""
        [context]
        service = "shop"
        page = "https://jobs.example.org"

        [reporters.history]
        store = "sqlite://{folder}/history.db"
        lane.tick_interval = 0.2

        [reporters.notify]
        wait = 0
        lane.tick_interval = 0.2
        {more}

        [reporters.notify.to]
        hook = "json://ann:s3cr3t-word@{services.address}{path}"
        """)
    )
    return file


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs ``jobreporter`` in the folder."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JOBREPORTER")}
    return subprocess.run(
        [Path(sys.executable).parent / "jobreporter", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environ,
        check=False,
        timeout=60,
    )


def test_a_failure_is_told(tmp_path: Path, services: Services, caplog: pytest.LogCaptureFixture) -> None:
    """From the job's failure to the message: through the history, its keeper and the notifier of one process. Its store is
    that of the history, and the message links to the page that the config names."""
    with Dispatcher.from_config(config(tmp_path, services)) as dispatcher:
        dispatcher.publish(make_event("success"))
        until(lambda: (tmp_path / "history.db").exists() and _readers(tmp_path) == 1, "the notifier's following")
        dispatcher.publish(make_event("failure", error=ERROR, will_retry=False))
        until(lambda: services.titles, "a message")
        stats = dispatcher.stats()
    assert services.titles == ["New: Declined in reports.nightly"]
    assert services.sent[0].body["message"].splitlines()[-1] == "https://jobs.example.org/incidents/1"
    assert (stats["notify"].status, stats["notify"].lost) == ("running", 0)
    assert "s3cr3t" not in caplog.text


def _readers(folder: Path) -> int:
    store = open_store(f"sqlite://{folder}/history.db")
    try:
        with store._database.reading() as connection:
            return len(connection.rows("SELECT name FROM reader"))
    except StoreError:  # it is about to be made
        return 0
    finally:
        store.close()


def test_a_command_that_fails_is_told_by_an_agent(tmp_path: Path, services: Services) -> None:
    """Where every process runs a single job: the failing command opens the incident at its end, and an agent, which needs
    no stream, tells it."""
    config(tmp_path, services)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JOBREPORTER")}
    agent = subprocess.Popen(
        [Path(sys.executable).parent / "jobreporter", "agent"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE
    )
    try:
        until(lambda: (tmp_path / "history.db").exists() and _readers(tmp_path) == 1, "the agent's following")
        assert command("exec", "--name", "backup", "--", "false", cwd=tmp_path).returncode == 1
        until(lambda: services.titles, "a message")
        assert services.titles == ["New: Exit code 1 in backup"]
    finally:
        agent.terminate()
        _, said = agent.communicate(timeout=30)
    assert agent.returncode == 0, said
    assert b"s3cr3t" not in said


def test_check_sends_a_test_message(tmp_path: Path, services: Services) -> None:
    """To everybody; and where one doesn't get it, the command says who, and why, without the URL."""
    config(tmp_path, services)
    done = command("check", "--send", "--reporter", "notify", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert services.titles == ["Test: jobreporter can reach you"]
    services.now = Answer(401)
    done = command("check", "--send", "--reporter", "notify", cwd=tmp_path)
    assert done.returncode == 1
    assert "hook: " in done.stdout
    assert "error=401" in done.stdout
    assert "s3cr3t" not in done.stdout + done.stderr


def test_check_names_those_who_do_not_answer(tmp_path: Path, services: Services) -> None:
    """Everybody gets the test message at the same time, so that some who say nothing are told from those who can be
    reached, before the reporter itself counts as hanging."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        file = config(tmp_path, services, "send_timeout = 2.4\nlane.timeout = 4")
        with file.open("a") as more:
            for number in range(4):
                more.write(f"silent_{number} = 'json://127.0.0.1:{silent.getsockname()[1]}/hook'\n")
        done = command("check", "--send", "--reporter", "notify", "--json", cwd=tmp_path)
    assert services.titles == ["Test: jobreporter can reach you"]
    [row] = json.loads(done.stdout)["reporters"]
    said = " ".join(row["problems"])
    assert re.findall(r"silent_\d(?=: )", said) == [f"silent_{number}" for number in range(4)]
    assert "hook: " not in said
    assert said.startswith("can't deliver an event")


def test_check_without_send_sends_nothing(tmp_path: Path, services: Services) -> None:
    """It only starts it."""
    config(tmp_path, services)
    done = command("check", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["ok"], done.stdout
    assert services.sent == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[reporters.notify.to]\nhook = 'json://localhost/x'",
            "store isn't set, and can't be that of [reporters.history]",
        ),
        (
            "[reporters.notify]\nstore = 'mysql://x'\n[reporters.notify.to]\nhook = 'json://localhost/x'",
            "store: the store's URL is of the kind 'mysql'; expected sqlite://",
        ),
        (
            "[reporters.history]\nstore = { env = 'NOT_SET' }\n[reporters.notify.to]\nhook = 'json://localhost/x'",
            "NOT_SET",
        ),
    ],
)
def test_a_store_that_is_not_known_is_said(text: str, sentence: str, tmp_path: Path) -> None:
    """Where neither table has one that can be opened."""
    (tmp_path / "jobreporter.toml").write_text(text)
    done = command("check", "--reporter", "notify", "--json", cwd=tmp_path)
    assert done.returncode == 1
    [row] = json.loads(done.stdout)["reporters"]
    assert sentence in row["problems"][0]


def test_a_history_that_can_not_be_used_is_said_once(
    tmp_path: Path, services: Services, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that isn't there is another reporter's to make: for half a minute nothing is said. Then once, and once that
    it is there."""
    monkeypatch.setattr("jobreporter_notify._notifier._GRACE", 0.0)
    options = {
        "store": f"sqlite://{tmp_path}/history.db",
        "to": {"hook": f"json://{services.address}/hook"},
        "lane": {"tick_interval": 0.05},
    }
    caplog.set_level(logging.INFO)
    with Dispatcher({"notify": NotifyReporter}, config={"reporters": {"notify": options}}) as dispatcher:
        dispatcher.publish(make_event("success"))
        until(lambda: caplog.messages, "what it says")
        table = {"store": options["store"]}
        with Dispatcher({"history": HistoryReporter}, config={"reporters": {"history": table}}) as history:
            history.publish(make_event("success"))
            assert history.flush(20)
        until(lambda: len(caplog.messages) == 2, "that it goes on")
    assert caplog.messages[0].startswith("nobody can be told of incidents, since the history can't be used: ")
    assert caplog.messages[1] == "people are told of incidents again"
