"""Whatever stands in the file: one clear error or the right config, soon, in few words, and without a secret."""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobreporter import ConfigError, Dispatcher, Options, Secret, hookimpl
from jobreporter._config.load import load
from jobreporter._config.plugin_options import check_options, describe_options, resolve_options
from jobreporter._config.records import Config
from jobreporter.errors import BrokenReporter

from .test_parse import FILES

CANARY = "canary-7h3k"

#: Says something of everything. Its secrets are in lines of their own.
WHOLE = f"""
[context]
service = "shop"
environment = {{ env = "APP_ENV" }}
release = {{ file = "release" }}
[dispatcher]
exit_timeout = 2.0
[capture]
args = "redacted"
redact = ["iban", 'x']
locals = false
[reporters.log]
[reporters.pager]
token = "{CANARY}"
keys = {{ a = "{CANARY}", b = {{ env = "APP_KEY" }} }}
severity = "error"
retry = 3
[reporters.pager.when]
events = ["failure"]
attempts = "final"
ignore = ["TimeoutError"]
queues = ["mail*"]
jobs = ["!billing.*"]
max_per_minute = 60
[reporters.pager.lane]
capacity = 10_000
overflow = "drop_newest"
timeout = 10.0
flush_interval = 1.0
[reporters."of its own"]
use = "app.reporters:pager"
token = {{ env = "APP_TOKEN" }}
[reporters.off]
enabled = false
"""


class PagerOptions(Options):
    token: Secret
    severity: str = "error"
    retry: int = 1
    keys: dict[str, Secret] = {}  # noqa: RUF012 - msgspec makes a new one each time


def everything_said_by(error: BaseException) -> str:
    return "".join([repr(error), repr(error.args), str(error), *traceback.format_exception(error)])


def read(content: bytes) -> str:
    """Read a file with this content, and its reporters' options; what was said."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "jobreporter.toml")
        path.write_bytes(content)
        begin = time.thread_time()
        faults: list[str] = []
        try:
            config = load(path, environ={"APP_KEY": CANARY}).checked()
        except ConfigError as error:
            faults = list(map(str, error.faults)) or [""]
            said = everything_said_by(error)
        else:
            assert isinstance(config, Config)
            said = options_of(config)
        assert time.thread_time() - begin < 5, "seconds of this thread alone"
        assert all(0 < len(fault) < 1_500 and len(fault.splitlines()) == 1 for fault in faults)
        return said


def options_of(config: Config) -> str:
    said = repr(config)
    for reporter in config.reporters:
        said += str(check_options(PagerOptions, reporter))
        said += str(describe_options(PagerOptions, reporter, {"APP_TOKEN": CANARY}))
        try:
            said += repr(resolve_options(PagerOptions, reporter, environ={"APP_TOKEN": CANARY, "APP_KEY": CANARY}))
        except (ConfigError, BrokenReporter) as error:
            said += everything_said_by(error)
    return said


def mutated(text: str, dice: random.Random) -> str:
    """The text with a few lines and characters wrong. A line with a secret stays whole, wherever it goes."""
    lines = text.splitlines()
    for _ in range(dice.randint(1, 6)):
        index = dice.randrange(len(lines))
        line = lines[index]
        change = dice.choice(["drop", "repeat", "move", "cut", "insert", "replace"])
        if change == "drop" and len(lines) > 1:
            del lines[index]
        elif change == "repeat":
            lines.insert(dice.randrange(len(lines)), line)
        elif change == "move":
            lines.insert(dice.randrange(len(lines)), lines.pop(index))
        elif CANARY not in line:
            at = dice.randrange(len(line) + 1)
            mark = dice.choice(
                ['"', "'", '"""', "[", "]", "{", "}", "=", ".", "#", ",", "\\", "\x00", "\ufeff", "é", "9" * 20, "nan"]
            )
            rest = line[at + dice.randint(0, 5) :]
            lines[index] = line[:at] + {"cut": "", "insert": mark + line[at:], "replace": mark + rest}[change]
    return "\n".join(lines)


def test_the_whole_file_is_right() -> None:
    """But for the reporter's name, which isn't one; and no secret is shown."""
    assert "of its own" in read(WHOLE.encode())
    assert "Secret(...)" in read(WHOLE.replace('"of its own"', "own").encode())


@settings(max_examples=200)
@given(st.randoms(use_true_random=False))
def test_a_file_with_mistakes_is_a_config_or_one_error(dice: random.Random) -> None:
    """Whatever was mistyped, there is no other exception, and no secret is in what is said."""
    assert CANARY not in read(mutated(WHOLE, dice).encode())


@given(st.binary(max_size=200) | st.text(st.characters(exclude_categories=["Cs"]), max_size=200).map(str.encode))
@example(b"\xff\xfea\x00")
@example(b"\x00")
@example(b"a = " + b"[" * 10_000)
@example(b"a = " + b"{b=" * 5_000)
@example(b"a = " + b"9" * 10_000)
@example(b"a." * 500 + b"b = 1")
@example(b"a = {" + b"k" * 100_000 + b" = 1, " + b"k" * 100_000 + b" = 2}")
@example(b"[context]\nservice = {env = '" + b"A" * 100_000 + b"'}")
@example(b"[context]\nservice = {file = '" + b"A" * 100_000 + b"'}")
@example(b"[reporters.log.lane]\noverflow = '" + b"drop" * 100_000 + b"'")
@example(b"['" + b"t" * 100_000 + b"']")
def test_any_bytes_are_a_config_or_one_error(content: bytes) -> None:
    """What is no TOML, or TOML of no sense, is told in a line or two."""
    assert len(read(content)) < 10_000


def test_very_many_faults_are_told_in_a_few_lines() -> None:
    """The error has all of them; what it shows ends."""
    with pytest.raises(ConfigError) as caught:
        Dispatcher(config={f"table{number}": {} for number in range(3_000)})
    assert len(caught.value.faults) == 3_000
    assert len(str(caught.value)) < 25_000
    assert str(caught.value).endswith("\n... and 2900 more")


class Plugin:
    """Takes options, and handles nothing but starts."""

    @hookimpl
    def handle_started(self) -> None: ...


@settings(max_examples=50)
@given(FILES)
def test_any_dict_is_a_dispatcher_or_one_error(table: dict[str, Any]) -> None:
    """A program's own config is checked as a file is."""
    with contextlib.suppress(ConfigError):
        assert Dispatcher({"log": Plugin}, config=table).close(1)
