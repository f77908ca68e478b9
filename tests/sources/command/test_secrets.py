"""Secrets in a command's words and in its output: none is shown by halves."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from jobreporter import Dispatcher, Failure
from jobreporter.sources.command import run
from jobreporter.sources.command._output import KEPT
from jobreporter.testing import Recorder

SECRET = "0123456789abcdefghij" * 3
PEM_LINE = "MIIEpAIBAAKCAQEAdemo0000demo0000demo0000demo0000demo0000demo0000"
PEM = ["-----BEGIN RSA PRIVATE" + " KEY-----", *[PEM_LINE] * 30, "-----END RSA PRIVATE" + " KEY-----"]


class Runs:
    """Runs a command that fails, and keeps what was reported of it."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.dispatcher = Dispatcher({"recorder": self.recorder})

    def failure(self, *command: str) -> Failure:
        assert run(self.dispatcher, command) != 0
        assert self.dispatcher.flush(10)
        (failure,) = [event for event in self.recorder.events if isinstance(event, Failure)]
        return failure

    def shell(self, script: str, *words: str) -> Failure:
        return self.failure("/bin/sh", "-c", f"{script}; exit 3", "sh", *words)


@pytest.fixture
def runs() -> Iterator[Runs]:
    runs = Runs()
    yield runs
    assert runs.dispatcher.close(10)


def shown(failure: Failure) -> str:
    return msgspec.json.encode(failure).decode()


def assert_hidden(failure: Failure) -> None:
    """No six characters of the secret, one after the other, are shown."""
    text = shown(failure)
    assert not [start for start in range(len(SECRET) - 6) if SECRET[start : start + 6] in text]


@pytest.mark.parametrize("position", range(240, 310, 10))
def test_a_secret_that_the_message_cuts(runs: Runs, position: int) -> None:
    """The 300 characters of the last line end within a secret, known from the line itself or from the arguments."""
    failure = runs.shell(f'printf "%{position}s token=%s and more\n" x "$1" >&2', "--api-key", SECRET)
    assert failure.error.message.startswith("exited with code 3: ")
    assert_hidden(failure)


@pytest.mark.parametrize("offset", [-40, -20, -7, 0, 5])
@pytest.mark.parametrize("introduction", ["token=", "https://kim:", "Authorization: Bearer ", ""])
def test_a_secret_that_the_beginning_of_the_tail_cuts(runs: Runs, offset: int, introduction: str) -> None:
    """What is kept of the output begins within a secret, which nothing introduces any more."""
    failure = runs.shell(
        f'printf "%s%s" "{introduction}" "$2"; head -c {KEPT + offset} /dev/zero | tr "\\0" "y"; printf "\nlast\n"',
        "--api-key",
        SECRET,
    )
    assert_hidden(failure)


def test_a_secret_in_one_endless_line(runs: Runs) -> None:
    """Where there is no other line, the one that is cut is shown, and no part of a secret at its beginning."""
    failure = runs.shell(
        f'head -c 9000 /dev/zero | tr "\\0" "z"; printf "token=%s" "$2"; head -c {KEPT - 20} /dev/zero | tr "\\0" "y"',
        "--api-key",
        SECRET,
    )
    assert_hidden(failure)
    assert failure.error.message.endswith("y...")


def test_a_key_whose_beginning_is_not_reported(runs: Runs) -> None:
    """Of a private key in many lines neither its last lines nor its first are shown."""
    lines = "\n".join(PEM)
    failure = runs.shell(f"echo '{lines}'; seq 1 25; echo done >&2")
    assert PEM_LINE not in shown(failure)
    assert "done" in failure.error.message


def test_a_key_whose_end_is_missing(runs: Runs) -> None:
    """A key that is still being written is hidden as far as it goes."""
    lines = "\n".join(PEM[:12])
    assert PEM_LINE not in shown(runs.shell(f"echo '{lines}'"))


def test_what_one_stream_says_is_hidden_in_the_other(runs: Runs) -> None:
    """A secret that the output introduces is in no other line."""
    failure = runs.shell("echo password=sh-1a2b3c4d; echo could not use sh-1a2b3c4d >&2")
    assert "sh-1a2b3c4d" not in shown(failure)
    assert failure.error.message == "exited with code 3: could not use [redacted]"


@pytest.mark.parametrize(
    "words",
    [
        ["mysql", "-u", "root", "-psh-5e6f7a8b", "shop"],
        ["curl", "-u", "kim:sh-5e6f7a8b", "https://host/"],
        ["tool", "--token", "sh-5e6f7a8b"],
        ["tool", "--token=sh-5e6f7a8b"],
        ["tool", "-token", "sh-5e6f7a8b"],
        ["env", "API_KEY=sh-5e6f7a8b", "tool"],
        ["tool", "-H", "Authorization: Bearer sh-5e6f7a8b"],
    ],
)
def test_a_secret_among_the_words(runs: Runs, words: list[str]) -> None:
    """A command line tells its secrets in many ways; the output that repeats one loses it."""
    failure = runs.shell("echo refused sh-5e6f7a8b", *words)
    assert "sh-5e6f7a8b" not in shown(failure)
    assert words[0] in failure.job.args


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_TOKEN", "sh-9c0d1e2f"),
        ("PGPASSWORD", "sh-9c0d1e2f"),
        ("DATABASE_URL", "postgres://kim:sh-9c0d1e2f@db/shop"),
        ("CREDENTIALS_JSON", '{"password": "sh-9c0d1e2f"}'),
    ],
)
def test_a_secret_of_the_environment(runs: Runs, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A command is given some of its secrets without a word; its output may show them all the same."""
    monkeypatch.setenv(name, value)
    failure = runs.shell("echo could not use $(echo sh-9c0d1e2x | tr x f)", "tool", "kim", "sh-9c0d1e2f")
    assert failure.error.message == "exited with code 3: could not use [redacted]"
    assert "sh-9c0d1e2f" not in shown(failure)
    assert failure.job.args[-3:] == ("tool", "kim", "[redacted]")


def test_what_else_is_in_the_environment_is_left_alone(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory that a shell was in, and the kind of a login, are no secrets."""
    monkeypatch.setenv("PWD", "/nowhere/at/all")
    monkeypatch.setenv("MODE", "nightly")
    failure = runs.shell("echo no $(echo /nowhere/at)/all for nightly runs")
    assert failure.error.message == "exited with code 3: no /nowhere/at/all for nightly runs"
