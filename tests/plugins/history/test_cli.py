"""The commands `jobreporter history` and `jobreporter incidents`."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobreporter._cli import main
from jobreporter_history._cli import incidents as module
from jobreporter_history._open import open_database
from jobreporter_history.store import Refused

from .conftest import Read, Run
from .contents import rows_equal_rollups
from .executions import NOW, failed, succeeded, write
from .sessions import Running
from .test_trouble import damage, path_of

Command = Callable[..., Result]


@pytest.fixture
def command(url: str, tmp_path: Path) -> Command:
    """Runs a command with a config that names the store."""
    config = tmp_path / "jobreporter.toml"
    config.write_text(f'[reporters.history]\nstore = "{url}"\nkeep_success = "7d"\n')

    def run(*arguments: str, expected: int = 0) -> Result:
        result = CliRunner().invoke(main, ["--config", str(config), *arguments])
        assert result.exit_code == expected, result.output
        return result

    return run


@pytest.fixture
def kept(url: str, run: Run) -> Running:
    """A store with two incidents, one of them resolved, and its keeper."""
    running = run(url)
    for number in range(3):
        assert running.write(succeeded(NOW + number))
        assert running.write(failed(NOW + number, name=f"shop.tasks.job_{number % 2}"))
    running.tick(10)
    return running


@pytest.mark.parametrize("name", ["check", "repair", "prune"])
def test_a_history_that_is_not_there_is_not_begun(name: str, command: Command, url: str, read: Read) -> None:
    """A slip in the path or in the database's name isn't found in order, and leaves nothing behind."""
    said = command("history", name, expected=1).output
    assert re.search("there is no such file|no history is kept there yet", said)
    if url.startswith("sqlite"):
        assert not path_of(url).exists()
    else:
        with pytest.raises(Refused, match="no history is kept there yet"):
            read(url).health()


def test_commands_are_core_s_own_beside_the_others() -> None:
    """Both are listed by `jobreporter --help`, and say what they do."""
    listed = CliRunner().invoke(main, ["--help"]).output
    assert "history    from jobreporter-history" in listed
    assert "incidents  from jobreporter-history" in listed
    for group, commands in (
        ("history", "check export prune recover repair stats"),
        ("incidents", "list resolve show silence unsilence"),
    ):
        shown = CliRunner().invoke(main, [group, "--help"]).output
        assert [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines() if line] == commands.split()
        for name in commands.split():
            assert "--json" in CliRunner().invoke(main, [group, name, "--help"]).output


def test_stats(command: Command, kept: Running) -> None:
    """What is kept, for people and for programs."""
    found = json.loads(command("history", "stats", "--json").output)
    assert (found["executions"], found["open_incidents"], found["running"], found["processes"]) == (6, 2, 0, 1)
    assert found["oldest_success"] == NOW // 86_400 * 86_400
    shown = command("history", "stats").output
    assert "executions         6\n" in shown
    assert "successes since    2023-11-14 00:00:00Z" in shown
    assert "secret" not in shown


def test_incidents_are_listed(command: Command, kept: Running) -> None:
    """The open ones, those of one state or job, or all."""
    shown = command("incidents", "list").output.splitlines()
    assert shown[0].split() == ["ID", "STATE", "WHAT", "JOB", "FAILED", "LAST", "SINCE"]
    assert [line.split()[:5] for line in shown[1:]] == [
        ["1", "open", "Declined", "shop.tasks.job_0", "2"],
        ["2", "open", "Declined", "shop.tasks.job_1", "1"],
    ]
    listed = json.loads(command("incidents", "list", "--job", "shop.tasks.job_1", "--json").output)
    assert [each["id"] for each in listed] == [2]
    assert command("incidents", "list", "--state", "resolved").output == "no incident is resolved\n"
    assert command("incidents", "list", "--state", "all", "--limit", "1").output.count("Declined") == 1


def test_an_incident_is_shown(command: Command, kept: Running) -> None:
    """Its numbers, why its failures are one, what happened to it, and the newest failure with its traceback."""
    shown = command("incidents", "show", "1").output
    for expected in (
        "Declined in shop.tasks.job_0",
        "2, 2 of them finally",
        "app.reports:nightly",
        "opened",
        "newest failure: ",
        "Traceback (most recent call last):",
        "shop.errors.Declined: no funds",
    ):
        assert expected in shown
    found = json.loads(command("incidents", "show", "1", "--json").output)
    assert found["incident"]["failed"] == 2
    assert found["sample"]["error"]["message"] == "no funds"
    assert found["facets"]["of"] == 2
    assert command("incidents", "show", "9", expected=1).output.startswith("Error: there is no incident 9;")


def test_requests_are_noted_where_no_keeper_runs(
    command: Command, kept: Running, read: Read, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command waits a while for a keeper, and else says that it is noted; the keeper does it when it comes."""
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    said = command("incidents", "resolve", "1", "--release", "1.1").output
    assert said == "it is noted, and done as soon as a worker or an agent with the history runs\n"
    assert json.loads(command("incidents", "silence", "2", "--for", "2h", "--json").output) == {
        "request": 2,
        "answer": None,
    }
    kept.tick(5)
    store = read(url)
    assert [each.state for each in store.incidents()] == ["open", "resolved"]
    assert store.incidents()[0].silenced_until is not None


def test_requests_are_answered_by_the_keeper(command: Command, kept: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a keeper runs, the command waits for its answer."""
    monkeypatch.setattr("time.sleep", lambda _: kept.tick(5))
    kept.now = time.time()
    assert command("incidents", "silence", "1", "--for", "2h").output == "it is silenced\n"
    assert command("incidents", "unsilence", "1").output == "it is heard of again\n"
    assert command("incidents", "unsilence", "1").output == "incident 1 is not silenced\n"
    assert command("incidents", "resolve", "1").output == "it is resolved\n"
    assert command("incidents", "resolve", "1").output == "incident 1 was resolved already\n"


@pytest.mark.parametrize("duration", ["soon", "2 fortnights", "0s", "-1h"])
def test_a_silence_has_a_length(command: Command, kept: Running, duration: str) -> None:
    """What is no duration, or none at all, is one clear error."""
    assert "--for" in command("incidents", "silence", "1", f"--for={duration}", expected=2).output


def test_prune(command: Command, url: str) -> None:
    """What the config keeps no longer goes at once."""
    write(url, succeeded(NOW))
    assert json.loads(command("history", "prune", "--json").output) == {"dropped": ["ok_20231114"]}
    assert command("history", "prune").output == "nothing was too old\n"


def test_pruning_another_store_goes_by_the_config(url: str, tmp_path: Path) -> None:
    """Whoever keeps longer than by default doesn't lose it; without a config nobody knows how long that is."""
    old = NOW - 40 * 86_400
    write(url, succeeded(old))
    config = tmp_path / "other.toml"
    config.write_text('[reporters.history]\nstore = "sqlite:///not/this.db"\nkeep_success = "1000000h"\n')
    words = ["history", "prune", "--store", url]
    assert CliRunner().invoke(main, ["--config", str(config), *words]).output == "nothing was too old\n"
    refused = CliRunner().invoke(main, ["--config", str(tmp_path / "none.toml"), *words])
    assert refused.exit_code == 1
    assert "none.toml" in refused.output


def test_check_and_repair(command: Command, url: str) -> None:
    """Rollups that aren't what the rows add up to are found, and made anew exactly."""
    now = time.time()
    write(url, [*succeeded(now - 90_000), *failed(now - 100), *succeeded(now - 99)])
    assert command("history", "check").output == "the history is in order\n"
    database = open_database(url)
    with database.writing() as connection:
        connection.run("UPDATE rollup SET ok = 7, failed = 3 WHERE res >= 3600")
    database.close()
    [first, *_] = json.loads(command("history", "check", "--json", expected=1).output)["problems"]
    assert "1 sum of 3600 s differs from the rows, the first at " in first
    assert first.endswith(" of shop.tasks.charge: 1 successes in the rows, and 7 in the rollup")
    assert re.fullmatch(r"rollups were made anew: \d days?\n", command("history", "repair").output)
    assert command("history", "check").output == "the history is in order\n"
    assert rows_equal_rollups(url, shortest=600) == 3


def test_export(command: Command, kept: Running) -> None:
    """Every execution with its error, one line each, the oldest first; within a range if one is given."""
    lines = [json.loads(line) for line in command("history", "export").output.splitlines()]
    assert len(lines) == 6
    ends = [line["execution"]["ended_at"] for line in lines]
    assert ends == sorted(ends)
    assert {line["error"]["message"] for line in lines if line["error"]} == {"no funds"}
    since = command("history", "export", "--since", "2023-11-14T22:13:21", "--until", "2023-11-14T22:13:22Z").output
    assert len(since.splitlines()) == 2
    assert "no time such as" in command("history", "export", "--since", "yesterday", expected=2).output


def test_recover(sqlite_url: str, tmp_path: Path) -> None:
    """Of a damaged file, the executions that can be read are written into the history; the file itself stays as it is."""
    write(sqlite_url, [event for number in range(400) for event in succeeded(NOW + number, id=f"old-{number}")])
    write(sqlite_url, [event for number in range(40) for event in failed(NOW + number, id=f"bad-{number}")])
    damaged = path_of(sqlite_url).rename(tmp_path / "damaged.db")
    damage(damaged, 0)
    page = damaged.stat().st_size // 4096 // 2
    damage(damaged, page * 4096)
    before = damaged.read_bytes()
    write(sqlite_url, succeeded(NOW + 1000))

    def recover() -> dict[str, int]:
        arguments = ["history", "recover", str(damaged), "--store", sqlite_url, "--json"]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        found: dict[str, int] = json.loads(result.output)
        return found

    found = recover()
    assert found["executions"] >= 300
    assert rows_equal_rollups(sqlite_url) == found["executions"] + 1
    assert damaged.read_bytes() == before
    assert recover() == found
    assert rows_equal_rollups(sqlite_url) == found["executions"] + 1
    connection = sqlite3.connect(path_of(sqlite_url))
    assert connection.execute("SELECT count(*) FROM incident WHERE failed > 0").fetchall() == [(1,)]
    connection.close()


def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, sqlite_url: str) -> None:
    """A store that isn't there, a table that isn't, a URL that is none: one line each, and no traceback."""
    config = tmp_path / "jobreporter.toml"
    config.write_text(f'[reporters.archive]\nuse = "history"\nstore = "{sqlite_url}"\n')

    def error(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["--config", str(config), *arguments])
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        return result.output

    assert "there is no [reporters.history]" in error("history", "stats")
    assert "there is no such file" in error("history", "stats", "--reporter", "archive")
    assert "--store: the store's URL is of the kind 'mysql'" in error("incidents", "list", "--store", "mysql://x/y")
    assert f"there is no file {tmp_path}/x" in error("history", "recover", f"{tmp_path}/x", "--reporter", "archive")
