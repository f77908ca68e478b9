"""A plugin's options: checked against the class that it declares, and filled from file, environment and files."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
import pickle
import sys
import traceback
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter._config.plugin_options import OptionOrigin, check_options, describe_options, resolve_options
from jobreporter._config.records import RawOptions, ReporterConfig
from jobreporter.errors import BrokenReporter, ConfigError, PluginError
from jobreporter.options import Options, Secret

CANARY = "canary-5Z9q"
WHERE = "jobreporter.toml, [reporters.x]"


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Retry(msgspec.Struct):
    times: int
    delay: float = 1.0
    token: Secret | None = None


class TokenOptions(Options):
    token: Secret
    severity: Literal["error", "warning"] = "error"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 443
    rate: float = 1.0
    verify: bool = True
    level: Level = Level.LOW
    proxy: str | None = None
    tags: list[str] = []  # noqa: RUF012 - msgspec makes a new one each time
    headers: dict[str, Secret] = {}  # noqa: RUF012 - as above
    retry: Retry | None = None


def reporter(folder: Path = Path(), /, **options: Any) -> ReporterConfig:
    return ReporterConfig(name="x", use="x", options=RawOptions(options), where=WHERE, folder=folder)


def faults_of(options_type: type[Options] | None, /, **options: Any) -> list[str]:
    """What is wrong in the file; `resolve_options` says the same."""
    config = reporter(**options)
    faults = check_options(options_type, config)
    if faults:
        with pytest.raises(ConfigError) as caught:
            resolve_options(options_type, config, environ={})
        assert list(caught.value.faults) == faults
    assert all(fault.where == WHERE for fault in faults)
    return [fault.problem for fault in faults]


def one_option(declared: Any) -> type[Options]:
    """A class of options whose only field ``it`` is declared so."""
    body = {"__annotations__": {"it": declared}, "it": None}
    return types.new_class("OneOptions", (Options,), exec_body=lambda namespace: namespace.update(body))


def everything_said_by(error: BaseException) -> str:
    """All that a log or a tracker could show of an error but for the values of local variables."""
    return "".join([repr(error), repr(error.args), str(error), *traceback.format_exception(error)])


def test_options_are_frozen_and_taken_by_keyword_in_any_order() -> None:
    """A field that must be set may stand below one that has a default."""

    class MixedOptions(Options):
        port: int = 443
        host: str

    assert MixedOptions(host="h") == MixedOptions(host="h", port=443)
    with pytest.raises(TypeError):
        MixedOptions("h")  # type: ignore[call-arg, arg-type]
    with pytest.raises(AttributeError):
        MixedOptions(host="h").port = 1  # type: ignore[misc]


def test_a_secret_shows_itself_only_when_asked() -> None:
    """Not in any text, and not by being pickled into some."""
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    assert CANARY not in f"{secret} {secret!r} {[secret]} {TokenOptions(token=secret)}"
    assert {secret: 1}[Secret(CANARY)] == 1
    assert secret not in (Secret("other"), CANARY)
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(secret)


# In the file.


def test_options_are_filled_from_the_table() -> None:
    """Values become what the class declares; what is not set has its default."""
    options = resolve_options(
        TokenOptions,
        reporter(
            token="t",  # noqa: S106 - a stand-in
            severity="warning",
            rate=2,
            level="high",
            tags=["a", "b"],
            headers={"env": "x", "a": "b"},
            retry={"times": 3, "token": "r"},
        ),
        environ={},
    )
    assert options == TokenOptions(
        token=Secret("t"),
        severity="warning",
        rate=2.0,
        level=Level.HIGH,
        tags=["a", "b"],
        headers={"env": Secret("x"), "a": Secret("b")},
        retry=Retry(times=3, token=Secret("r")),
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"tokn": "t"}, "unknown option 'tokn'. Did you mean 'token'?"),
        ({"qqqqq": "t"}, "unknown option 'qqqqq'"),
        ({"enabeld": False}, "unknown option 'enabeld'. Did you mean 'enabled'?"),
        ({"timeout": 3}, "unknown option 'timeout'. Did you mean 'lane.timeout'?"),
        ({"events": []}, "unknown option 'events'. Did you mean 'when.events'?"),
        ({"token": 3}, "option 'token': expected a secret, found a whole number"),
        (
            {"severity": "eror"},
            "option 'severity': expected 'error' or 'warning', found other text. Did you mean 'error'?",
        ),
        ({"severity": True}, "option 'severity': expected 'error' or 'warning', found a boolean"),
        ({"port": "443"}, "option 'port': expected a whole number from 1 to 65535, found text"),
        ({"port": 0}, "option 'port': expected a whole number from 1 to 65535, found another whole number"),
        ({"port": True}, "option 'port': expected a whole number from 1 to 65535, found a boolean"),
        ({"rate": "fast"}, "option 'rate': expected a number, found text"),
        ({"verify": 1}, "option 'verify': expected true or false, found a whole number"),
        ({"level": "hihg"}, "option 'level': expected 'low' or 'high', found other text. Did you mean 'high'?"),
        ({"proxy": datetime.date(2026, 1, 1)}, "option 'proxy': expected text, found a date"),
        ({"proxy": ["a"]}, "option 'proxy': expected text, found a list"),
        ({"tags": "a"}, "option 'tags': expected a list, found text"),
        ({"tags": {"env": "TAGS"}}, "option 'tags': expected a list, found a table"),
        ({"tags": ["a", 1]}, "option 'tags[1]': expected text, found a whole number"),
        ({"headers": {"accept": 1}}, "option 'headers.accept': expected a secret, found a whole number"),
        ({"headers": []}, "option 'headers': expected a table, found a list"),
        ({"retry": {"times": 1, "dely": 2}}, "unknown option 'retry.dely'. Did you mean 'delay'?"),
        ({"retry": {}}, "option 'retry.times' is missing: expected a whole number"),
        ({"retry": 3}, "option 'retry': expected a table, found a whole number"),
        ({"retry": {"times": 1, "token": []}}, "option 'retry.token': expected a secret, found a list"),
    ],
)
def test_a_fault_names_the_option_and_what_is_expected(options: dict[str, Any], problem: str) -> None:
    """And what kind of value was found, but never the value: it may be a secret."""
    assert faults_of(TokenOptions, **{"token": "t", **options}) == [problem]


def test_a_required_option_must_be_there() -> None:
    """The fault says what kind of value is wanted."""
    assert faults_of(TokenOptions) == ["option 'token' is missing: expected a secret"]


def test_all_faults_of_the_options_are_told_at_once() -> None:
    """Nested ones too."""
    assert faults_of(
        TokenOptions, port="x", tags=[1, "a", 2], retry={"times": "x", "delay": "y", "zzzzzz": 1}, qqqqq=1
    ) == [
        "unknown option 'qqqqq'",
        "option 'token' is missing: expected a secret",
        "option 'port': expected a whole number from 1 to 65535, found text",
        "option 'tags[0]': expected text, found a whole number",
        "option 'tags[2]': expected text, found a whole number",
        "unknown option 'retry.zzzzzz'",
        "option 'retry.times': expected a whole number, found text",
        "option 'retry.delay': expected a number, found text",
    ]


def test_a_reporter_without_options_refuses_any() -> None:
    """Neither no annotation nor plain `Options` takes any; a misspelt key of the core's own is recognised."""
    assert resolve_options(None, reporter(), environ={}) is None
    assert resolve_options(Options, reporter(), environ={}) == Options()
    for none in (None, Options):
        assert faults_of(none) == []
        assert faults_of(none, dsn="x", enbled=False) == [
            "unknown option 'dsn': reporter 'x' takes no options",
            "unknown option 'enbled': reporter 'x' takes no options. Did you mean 'enabled'?",
        ]
    assert describe_options(None, reporter(dsn="x"), {}) == []


Port = NewType("Port", int)
Item = TypeVar("Item")


class Pair(msgspec.Struct, Generic[Item]):
    left: Item


class Mail(msgspec.Struct, tag="mail"):
    to: str


class Chat(msgspec.Struct, tag="chat"):
    room: int


@dataclasses.dataclass
class Point:
    x: int

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x lies outside")


class Span(NamedTuple):
    start: int
    end: int


class Odd:
    """A class that msgspec knows nothing of."""


@pytest.mark.parametrize(
    ("declared", "value", "result"),
    [
        (Port, 3, 3),
        (Pair[int], {"left": 1}, Pair(1)),
        (Annotated[list[Port], msgspec.Meta(min_length=1)], [3], [3]),
        (Sequence[str], ["a"], ["a"]),
        (tuple[str, ...], ["a"], ("a",)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[int], [1, 1], {1}),
        (list, [1, "a"], [1, "a"]),
        (dict, {"a": 1}, {"a": 1}),
        (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
        (int | str, "a", "a"),
        (int | list[int], [1], [1]),
        (Mail | Chat, {"type": "chat", "room": 1}, Chat(1)),
        (Mail, {"type": "mail", "to": "a"}, Mail("a")),
        (Point, {"x": 1}, Point(1)),
        (Span, [1, 2], Span(1, 2)),
        (datetime.date, datetime.date(2026, 1, 1), datetime.date(2026, 1, 1)),
        (datetime.timedelta, "PT30S", datetime.timedelta(seconds=30)),
        (Any, {"x": [1]}, {"x": [1]}),
        (Any, {"env": "PATH", "x": 1}, {"env": "PATH", "x": 1}),
        (Secret, Secret("passed by a program"), Secret("passed by a program")),
        (Odd | None, None, None),
    ],
)
def test_options_may_be_declared_as_msgspec_allows(declared: Any, value: Any, result: Any) -> None:
    """Nested records, generics, unions, collections, dates, constraints."""
    options = resolve_options(one_option(declared), reporter(it=value), environ={})
    assert options.it == result  # type: ignore[union-attr]
    assert type(options.it) is type(result)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("declared", "value", "problem"),
    [
        (
            Annotated[list[int], msgspec.Meta(min_length=2)],
            [3],
            "expected a list of at least 2 items, found another list",
        ),
        (
            Annotated[str, msgspec.Meta(min_length=1, max_length=3)],
            "abcd",
            "expected text of at least 1 and at most 3 ch",
        ),
        (Annotated[str, msgspec.Meta(pattern="^a")], "b", "expected text that matches ^a, found other text"),
        (Annotated[int, msgspec.Meta(gt=0)], 0, "expected a whole number above 0, found another whole number"),
        (
            Annotated[float, msgspec.Meta(ge=0, lt=1)],
            1,
            "expected a number of at least 0 and below 1, found another num",
        ),
        (Annotated[float, msgspec.Meta(le=1)], 1.5, "expected a number up to 1, found another number"),
        (
            Annotated[int, msgspec.Meta(ge=1, title="how many")],
            "a",
            "expected a whole number of at least 1, found text",
        ),
        (dict[str, int], {1: 2}, "expected a table, found another table"),
        (
            Annotated[dict[str, int], msgspec.Meta(max_length=1)],
            {"a": 1, "b": 2},
            "expected a table of at most 1 key, fo",
        ),
        (tuple[int, str], [1, 2], "expected a list, found another list"),
        (int | str, 1.5, "expected a whole number or text, found a number"),
        (Literal[1, 2], 3, "expected 1 or 2, found another whole number"),
        (Literal["a"], "q", "expected 'a', found other text"),
        (Mail | Chat, {"type": "male", "to": "a"}, "expected a table or a table, found another table"),
        (Point, {"x": "a"}, "expected a table, found another table"),
        (Point, {"x": -1}, "x lies outside"),
        (datetime.datetime, "soon", "expected a date and time, found text"),
        (datetime.time, datetime.time, "expected a time, found a type"),
        (bytes, "ä", "expected base64 text, found text"),
        (Odd, "a", "expected a Odd, found text"),
        (int, None, "expected a whole number, found nothing"),
        (None, 3, "expected nothing, found a whole number"),
        (int, Secret(CANARY), "expected a whole number, found a secret"),
        (msgspec.Raw | None, 3, "expected another type of value, found a whole number"),
    ],
)
def test_every_kind_of_type_has_words(declared: Any, value: Any, problem: str) -> None:
    """A user reads no annotations."""
    (fault,) = faults_of(one_option(declared), it=value)
    assert fault.startswith(f"option 'it': {problem}")


if sys.version_info >= (3, 12):  # the type statement is from Python 3.12

    def test_a_type_statement_means_what_it_names() -> None:
        """An alias is looked through, also for a reference in it."""
        names: dict[str, Any] = {}
        exec("type Ports = list[int]", names)
        declared = one_option(names["Ports"])
        options = resolve_options(declared, reporter(it=[1, {"env": "PORT"}]), environ={"PORT": "2"})
        assert options.it == [1, 2]  # type: ignore[union-attr]
        assert faults_of(declared, it=["a"]) == ["option 'it[0]': expected a whole number, found text"]


def test_an_options_class_that_cant_be_used_is_the_plugins_fault() -> None:
    """The error says which class, and what msgspec or Python has against it."""

    class Misdeclared(Options):
        name: Nowhere  # type: ignore[name-defined]  # noqa: F821 - what is tested

    for broken, words in ((Misdeclared, "name 'Nowhere' is not defined"), (one_option(str | bytes), "not supported")):
        for use in (check_options, resolve_options, describe_options):
            with pytest.raises(PluginError, match=words) as caught:
                use(broken, reporter(name="a"))
            assert caught.value.plugin == "x"
            assert broken.__name__ in caught.value.problem


def test_a_plugin_cant_have_an_option_that_is_the_cores_own() -> None:
    """Nobody could ever set it."""

    class ClashingOptions(Options):
        when: str = "always"

    with pytest.raises(PluginError, match="its option 'when' can't be set, since that key is jobreporter's own"):
        check_options(ClashingOptions, reporter())


# References.


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
    assert describe_options(TokenOptions, reporter(token={"env": "TOKEN"}))[0].value_text == "Secret(...)"


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


def broken(options_type: type[Options], folder: Path, environ: dict[str, str], /, **options: Any) -> str:
    """Why a reporter is broken whose file is right; the canary is in no part of the error."""
    config = reporter(folder, **options)
    assert check_options(options_type, config) == []
    with pytest.raises(BrokenReporter) as caught:
        resolve_options(options_type, config, environ=environ)
    assert CANARY not in everything_said_by(caught.value)
    assert caught.value.__context__ is None
    return str(caught.value)


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


# What a plugin itself says about its options.


class ParticularOptions(Options):
    dsn: Secret = Secret("https://k@h/1")
    name: str = ""
    rate: float = 1.0
    error: str = "value"

    def __post_init__(self) -> None:
        """Raise what the test asks for, as a validation of several fields would."""
        if self.rate > 1:
            raise ValueError("rate must be between 0 and 1")
        match self.error:
            case "type":
                raise TypeError(f"can't be {self.name}")
            case "key":
                raise KeyError(self.name)
            case "leak":
                raise ValueError(f"no such project: {self.dsn.reveal()!r}")
            case "partly":
                raise ValueError(f"port can't be {self.dsn.reveal().split(':')[-1]}")
            case "leak name":
                raise ValueError(f"no such name: {self.name}")
            case "empty":
                raise ValueError
            case "long":
                raise ValueError("a\n" * 1_000)
            case "hostile":
                raise Hostile


class Hostile(Exception):  # noqa: N818 - a name for what it does
    def __str__(self) -> str:
        raise RuntimeError


def test_an_objection_of_the_plugin_is_a_fault() -> None:
    """Its own words are told."""
    assert faults_of(ParticularOptions, rate=2) == ["rate must be between 0 and 1"]
    assert faults_of(ParticularOptions, error="type", name="so") == ["can't be so"]
    assert faults_of(ParticularOptions, error="key", name="so") == ["KeyError: 'so'"]
    assert faults_of(ParticularOptions, error="empty") == ["ValueError"]
    assert faults_of(ParticularOptions, error="hostile") == ["Hostile"]


def test_an_objection_is_one_bounded_line() -> None:
    """Whatever the plugin writes."""
    (fault,) = faults_of(ParticularOptions, error="long")
    assert "\n" not in fault
    assert len(fault) <= 300


def test_an_objection_that_follows_from_a_reference_breaks_the_reporter(tmp_path: Path) -> None:
    """The file is right then; another environment would do."""
    reason = broken(ParticularOptions, tmp_path, {"RATE": "2"}, rate={"env": "RATE"})
    assert reason == f"{WHERE}: rate must be between 0 and 1"


@pytest.mark.parametrize("secret", [CANARY, "x'y\n" + CANARY, "1"])
def test_an_objection_that_quotes_a_secret_is_withheld(tmp_path: Path, secret: str) -> None:
    """Literal or referenced, as it is or escaped."""
    withheld = "ValueError, with a message that is withheld, since it may quote a secret"
    assert faults_of(ParticularOptions, error="leak", dsn=secret) == [withheld]
    environ = {"VALUE": secret}
    assert broken(ParticularOptions, tmp_path, environ, error="leak", dsn={"env": "VALUE"}) == f"{WHERE}: {withheld}"
    reason = broken(ParticularOptions, tmp_path, environ, error="leak name", name={"env": "VALUE"})
    assert reason == f"{WHERE}: {withheld}"


def test_an_objection_that_quotes_part_of_a_secret_is_withheld() -> None:
    """A parser complains of the port of a URL, and it is the password."""
    (fault,) = faults_of(ParticularOptions, error="partly", dsn="https://user:hunter2hunter2")
    assert "hunter2" not in fault


class PickyRetry(msgspec.Struct):
    times: int
    token: Secret = Secret("")

    def __post_init__(self) -> None:
        """Object to what is nested, one way or another."""
        if self.times < 0:
            raise ValueError("times must not be negative")
        if self.times == 0:
            raise LookupError(f"no {self.token.reveal()}")


def test_a_nested_record_may_object_too(tmp_path: Path) -> None:
    """The fault names the option that it is under."""
    nested = one_option(dict[str, PickyRetry])
    assert faults_of(nested, it={"a": {"times": -1}}) == ["option 'it': times must not be negative"]
    assert faults_of(nested, it={"a": {"times": 0, "token": CANARY}}) == [
        "option 'it': LookupError, with a message that is withheld, since it may quote a secret"
    ]
    reason = broken(nested, tmp_path, {"TIMES": "-1"}, it={"a": {"times": {"env": "TIMES"}}})
    assert reason == f"{WHERE}: option 'it': times must not be negative"


# What `jobreporter check` shows.


def test_every_option_is_described_with_its_origin(tmp_path: Path) -> None:
    """In the order of the class; a secret is masked, at any depth and as a default too."""

    class DescribedOptions(Options):
        token: Secret
        dsn: Secret = Secret(CANARY)
        port: int = 443
        proxy: str | None = None
        region: str = "eu"
        needed: str
        keys: dict[str, Secret] = {}  # noqa: RUF012 - msgspec makes a new one each time
        missing: str = ""
        wrong: int = 1
        made: list[str] = msgspec.field(default_factory=lambda: ["a"])
        spoilt: Any = msgspec.field(default_factory=lambda: 1 // 0)

    (tmp_path / "token").write_text(CANARY)
    described = describe_options(
        DescribedOptions,
        reporter(
            tmp_path,
            token={"file": "token"},
            port=8080,
            proxy={"env": "PROXY"},
            keys={"a": {"env": "KEY"}, "b": CANARY},
            missing={"env": "MISSING"},
            wrong="x",
        ),
        {"PROXY": "p", "KEY": CANARY},
    )
    assert described == [
        OptionOrigin("token", "Secret(...)", f"file {tmp_path / 'token'}"),
        OptionOrigin("dsn", "Secret(...)", "default"),
        OptionOrigin("port", "8080", "config"),
        OptionOrigin("proxy", "'p'", "env PROXY"),
        OptionOrigin("region", "'eu'", "default"),
        OptionOrigin("needed", "(missing)", "nowhere"),
        OptionOrigin("keys", "{'a': Secret(...), 'b': Secret(...)}", "env KEY"),
        OptionOrigin("missing", "(not available)", "env MISSING"),
        OptionOrigin("wrong", "(wrong)", "config"),
        OptionOrigin("made", "['a']", "default"),
        OptionOrigin("spoilt", "(ZeroDivisionError)", "default"),
    ]


# Whatever the file holds.

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.just(CANARY)
    | st.just({"env": "CANARY"})
    | st.dates()
    | st.just({"file": "/nowhere"}),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.sampled_from(["env", "file", "times", "delay", "token", "other"]), values, max_size=3)
    ),
    max_leaves=8,
)
OPTIONS = st.dictionaries(st.sampled_from([*TokenOptions.__struct_fields__, "other"]), VALUES, max_size=6)


@given(OPTIONS)
def test_any_table_is_options_or_a_fault_or_broken_and_no_secret_is_shown(table: dict[str, Any]) -> None:
    """No other exception, and the canary is in no message and no repr, wherever in the table it stood."""
    config = reporter(**table)
    said = f"{check_options(TokenOptions, config)} {config!r}"
    try:
        options = resolve_options(TokenOptions, config, environ={"CANARY": CANARY})
    except (ConfigError, BrokenReporter) as error:
        said += everything_said_by(error)
    else:
        assert isinstance(options, TokenOptions)
        said += repr((options.token, options.headers, options.retry))
    assert CANARY not in said
