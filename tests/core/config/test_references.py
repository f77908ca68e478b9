"""Options that are read from an environment variable or a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jobreporter._config.plugin_options import OptionOrigin, check_options, describe_options, resolve_options
from jobreporter.options import Secret

from .configs import reporter
from .particular_options import CANARY, WHERE, Level, Retry, TokenOptions, broken, faults_of, one_option


def test_references_are_followed_when_the_reporter_starts(tmp_path: Path) -> None:
    """Text becomes what is declared; a file loses the newline at its end, and is found beside the config."""
    (tmp_path / "token").write_text(f"{CANARY}\n")
    options = resolve_options(
        TokenOptions,
        reporter(
            tmp_path,
            token={"file": "token"},
            port={"env": "PORT"},
            rate={"env": "RATE"},
            verify={"env": "VERIFY"},
            level={"env": "LEVEL"},
            proxy={"env": "PROXY"},
            tags=["a", {"env": "TAG"}],
            headers={"env": "literal", "key": {"env": "KEY"}},
            retry={"times": {"env": "TIMES"}, "token": {"file": str(tmp_path / "token")}},
        ),
        environ={
            "PORT": "8080",
            "RATE": "0.5",
            "VERIFY": "false",
            "LEVEL": "high",
            "PROXY": "null",
            "TAG": "b",
            "KEY": "k",
            "TIMES": "3",
        },
    )
    assert options == TokenOptions(
        token=Secret(CANARY),
        port=8080,
        rate=0.5,
        verify=False,
        level=Level.HIGH,
        proxy="null",
        tags=["a", "b"],
        headers={"env": Secret("literal"), "key": Secret("k")},
        retry=Retry(times=3, token=Secret(CANARY)),
    )
    assert check_options(TokenOptions, reporter(token={"env": "TOKEN"}, port={"file": "/nowhere"})) == []


def test_the_process_is_asked_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """References mean the environment of the process."""
    monkeypatch.setenv("TOKEN", CANARY)
    assert resolve_options(TokenOptions, reporter(token={"env": "TOKEN"})) == TokenOptions(token=Secret(CANARY))
    assert describe_options(TokenOptions, reporter(token={"env": "TOKEN"}))[0] == OptionOrigin(
        "token", Secret(CANARY), "env TOKEN"
    )


@pytest.mark.parametrize(
    ("declared", "value", "result"),
    [
        # A table is declared, and nothing else: it is that table.
        (dict[str, str], {"env": "NAME"}, {"env": "NAME"}),
        # A scalar is declared as well: a reference where it has the form of one.
        (str | dict[str, str], {"env": "NAME"}, "value"),
        (str | dict[str, str], {"env": "NAME", "a": "b"}, {"env": "NAME", "a": "b"}),
        (Any, {"env": "NAME"}, "value"),
        (str | list[str], {"env": "NAME"}, "value"),
    ],
)
def test_the_declared_type_decides_what_is_a_reference(declared: Any, value: Any, result: Any) -> None:
    """A dict may hold a key called ``env``."""
    options = resolve_options(one_option(declared), reporter(it=value), environ={"NAME": "value"})
    assert options.it == result  # type: ignore[union-attr]


FORM = 'expected { env = "NAME" } or { file = "PATH" }'


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"env": "X", "defualt": 1}, f"unknown key 'defualt', {FORM}"),
        ({"evn": "X"}, f"unknown key 'evn', {FORM}. Did you mean 'env'?"),
        ({"File": "/x"}, f"unknown key 'File', {FORM}. Did you mean 'file'?"),
        ({"env": "X", "file": "/x"}, f"found both 'env' and 'file', {FORM}"),
        ({"env": "X", "required": "yes"}, "expected 'required' to be true or false"),
        ({"required": True, "evn": "X"}, f"unknown key 'evn', {FORM}. Did you mean 'env'?"),
        ({"env": 3}, "expected 'env' to name an environment variable: letters, digits and '_'"),
        ({"env": ""}, "expected 'env' to name an environment variable: letters, digits and '_'"),
        ({"env": f"https://{CANARY}@host"}, "expected 'env' to name an environment variable: letters, digits and '_'"),
        ({"file": ""}, "expected 'file' to be a path"),
        ({"file": ["/x"]}, "expected 'file' to be a path"),
        ({}, "expected a secret, found a table"),
        ({"x": 1}, "expected a secret, found a table"),
    ],
)
def test_a_malformed_reference_is_a_fault_of_the_file(table: dict[str, Any], problem: str) -> None:
    """It is told before any worker runs."""
    assert faults_of(TokenOptions, token=table) == [f"option 'token': {problem}"]


def test_a_reference_that_cant_be_followed_breaks_the_reporter(tmp_path: Path) -> None:
    """The reason names option and variable or file; all of them at once."""
    (tmp_path / "binary").write_bytes(b"\xff" + CANARY.encode())
    (tmp_path / "large").write_text(CANARY * 10_000)
    (tmp_path / "empty").write_text("\n")
    os.mkfifo(tmp_path / "pipe")
    for name, problem in {
        "nowhere": "does not exist",
        "binary/below": "does not exist",
        "binary": "is not UTF-8",
        "large": "is larger than 64 KiB",
        "empty": "is empty",
        "pipe": "is not a regular file",
        "": "can't be read: Is a directory",
        "a\0b": "is not a possible path",
    }.items():
        path = tmp_path / name
        reason = broken(TokenOptions, tmp_path, {}, token={"file": str(path)})
        assert reason == f"{WHERE}: option 'token': the file {str(path)!r} {problem}"
    assert broken(
        TokenOptions,
        tmp_path,
        {"TOKEN": "", "TAG": f"{CANARY}\udcff"},
        token={"env": "TOKEN"},
        port={"env": "PORT"},
        tags=[{"env": "TAG"}],
    ) == (
        f"{WHERE}: option 'token': the environment variable TOKEN is empty; "
        "option 'port': the environment variable PORT is not set; "
        "option 'tags[0]': the environment variable TAG is not UTF-8"
    )


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ("port", "a whole number from 1 to 65535"),
        ("rate", "a number"),
        ("verify", "true or false"),
        ("level", "'low' or 'high'"),
        ("severity", "'error' or 'warning'"),
    ],
)
def test_a_referenced_value_of_the_wrong_type_breaks_the_reporter(tmp_path: Path, option: str, wanted: str) -> None:
    """It is not the file that is wrong; the value is not shown, whether declared as a secret or not."""
    options = {"token": "t", option: {"env": "VALUE"}}
    assert broken(TokenOptions, tmp_path, {"VALUE": CANARY}, **options) == (
        f"{WHERE}: option '{option}': expected the environment variable VALUE to hold {wanted}"
    )


def test_a_referenced_number_out_of_range_breaks_the_reporter(tmp_path: Path) -> None:
    """Constraints hold for references too."""
    options = {"token": "t", "port": {"env": "PORT"}}
    reason = broken(TokenOptions, tmp_path, {"PORT": "70000"}, **options)
    assert reason.endswith("expected the environment variable PORT to hold a whole number from 1 to 65535")
