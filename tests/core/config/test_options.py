"""A plugin's options: the table is checked against the class that it declares, and fills it."""

from __future__ import annotations

import datetime
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter._config.plugin_options import check_options, describe_options, resolve_options
from jobreporter.errors import BrokenReporter, ConfigError
from jobreporter.options import Options, Secret

from .configs import reporter
from .particular_options import CANARY, Level, Retry, TokenOptions, everything_said_by, faults_of


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
        (
            {"qqqqq": "t"},
            (
                "unknown option 'qqqqq'. The options are 'headers', 'level', 'port', 'proxy', 'rate', 'retry', "
                "'severity', 'tags', 'token' and 'verify'"
            ),
        ),
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
    wrong = {"port": "x", "tags": [1, "a", 2], "retry": {"times": "x", "delay": "y", "zzzzzz": 1}, "qqqqq": 1}
    assert [fault.partition(". The ")[0] for fault in faults_of(TokenOptions, **wrong)] == [
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
