"""What the options may be, and that the README has them all."""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobreporter import ConfigError, Dispatcher
from jobreporter_honeybadger import HoneybadgerOptions, HoneybadgerReporter, _options

README = Path(__file__).parents[3] / "plugins/honeybadger/README.md"


def problem_of(**options: Any) -> str:
    """What is wrong with the options, if anything."""
    table = {"api_key": "hbp_0123456789abcdef", **options}
    try:
        Dispatcher({"honeybadger": HoneybadgerReporter}, config={"reporters": {"honeybadger": table}})
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"endpoint": "https://eu-api.honeybadger.io"},
        {"endpoint": "http://[::1]:8080/collect/"},
        {"insights": []},
        {"insights": ["started", "stopped"]},
        {"checkins": {"any name at all": "XyZZy1"}},
        {"send_timeout": 1},
    ],
)
def test_options_that_are_right(options: dict[str, Any]) -> None:
    """They are taken without a word."""
    assert problem_of(**options) == ""


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"api_key": ""}, "expected api_key to be visible ASCII characters"),
        ({"api_key": "hbp_s3cr3t\r\nX-Evil: 1"}, "expected api_key to be visible ASCII characters"),
        ({"api_key": "hbp_s3cr3t "}, "expected api_key to be visible ASCII characters"),
        ({"api_key": "hbp_s3cr\u00e9t"}, "expected api_key to be visible ASCII characters"),
        ({"endpoint": "api.honeybadger.io"}, "expected endpoint to be an address such as https://"),
        ({"endpoint": "ftp://api.honeybadger.io"}, "expected endpoint to be an address"),
        ({"endpoint": "https://"}, "expected endpoint to be an address"),
        ({"endpoint": "https://host:port"}, "expected endpoint to be an address"),
        ({"endpoint": "https://[::1"}, "expected endpoint to be an address"),
        ({"endpoint": "https://user:password@host"}, "expected endpoint to be an address"),
        ({"endpoint": "https://host/?a=b"}, "expected endpoint to be an address"),
        ({"endpoint": "https://host/#a"}, "expected endpoint to be an address"),
        ({"endpoint": "https://host/a b"}, "expected endpoint to be an address"),
        ({"endpoint": "https://host/\u00e9"}, "expected endpoint to be an address"),
        ({"send_timeout": 0}, "expected send_timeout to be a number of seconds above 0, found 0"),
        ({"send_timeout": -1.0}, "option 'send_timeout': expected a duration"),
        ({"send_timeout": float("inf")}, "option 'send_timeout': expected a duration"),
        ({"send_timeout": float("nan")}, "option 'send_timeout': expected a duration"),
        ({"checkins": {"nightly": ""}}, "expected the check-in of 'nightly' to be its id"),
        ({"checkins": {"nightly": "https://api.honeybadger.io/v1/check_in/XyZZy1"}}, "to be its id, the last part"),
        ({"insights": ["succes"]}, "Did you mean 'success'?"),
        ({"apikey": "x"}, "Did you mean 'api_key'?"),
    ],
)
def test_options_that_are_wrong(options: dict[str, Any], problem: str) -> None:
    """They are told in one sentence, with no word of the key."""
    told = problem_of(**options)
    assert problem in told
    assert told.startswith("Dispatcher(config=...), [reporters.honeybadger]: ")
    assert "s3cr" not in told


def comments() -> list[str]:
    """What the class says of its options, in their order."""
    source = Path(_options.__file__).read_text()
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string.removeprefix("#: ") for token in tokens if token.string.startswith("#: ")]


def test_the_readme_has_every_option() -> None:
    """With its default, and what the class says of it."""
    fields = msgspec.structs.fields(HoneybadgerOptions)
    table = [
        f"| `{field.name}` | {default_of(field)} | {said} |" for field, said in zip(fields, comments(), strict=True)
    ]
    assert re.findall(r"^\| `\w+` \|.*\|$", README.read_text(), re.MULTILINE) == table, "\n".join(table)


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """The default as TOML writes it."""
    if field.required:
        return "must be set"
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return "none" if default is None else f"`{json.dumps(default)}`"
