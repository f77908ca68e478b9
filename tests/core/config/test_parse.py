"""Tables become records, and everything that is wrong with them is told at once."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobreporter._config.parse import parse
from jobreporter._config.places import Place
from jobreporter._config.records import Config
from jobreporter._config.settings import CaptureSettings, LaneSettings, When

from .configs import FILE, faults_of, parsed, read

WHOLE = """
[context]
service = "shop"
environment = { env = "APP_ENV" }

[dispatcher]
exit_timeout = 2.5

[capture]
args = "hidden"
redact = ["iban"]
locals = true

[reporters.log]

[reporters.sentry]
dsn = { env = "SENTRY_DSN" }

[reporters.sentry.when]
events = ["failure"]
attempts = "final"
ignore = ["TimeoutError", "shop.errors.Expected"]
queues = ["mail*"]
jobs = ["!billing.*"]
max_per_minute = 60

[reporters.sentry.lane]
capacity = 500
capacity_bytes = 1_000_000
overflow = "drop_oldest"
timeout = 5
flush_interval = 0.5

[reporters.slack]
use = "myapp.reporters:slack"

[reporters.honeybadger]
enabled = false
"""


def test_every_table_is_read() -> None:
    """What the file says is what the records hold, lists as tuples and numbers as floats."""
    config = read(WHOLE, APP_ENV="production")
    assert (config.context.service, config.context.environment, config.context.release) == ("shop", "production", None)
    assert config.dispatcher.exit_timeout == 2.5
    assert config.capture == CaptureSettings(args="hidden", redact=("iban",), locals=True)
    log, sentry, slack, honeybadger = config.reporters
    assert [reporter.name for reporter in config.reporters] == ["log", "sentry", "slack", "honeybadger"]
    assert sentry.when == When(
        events=("failure",),
        attempts="final",
        ignore=("TimeoutError", "shop.errors.Expected"),
        queues=("mail*",),
        jobs=("!billing.*",),
        max_per_minute=60,
    )
    assert sentry.lane == LaneSettings(
        capacity=500, capacity_bytes=1_000_000, overflow="drop_oldest", timeout=5.0, flush_interval=0.5
    )
    assert isinstance(sentry.lane.timeout, float)
    assert sentry.options == {"dsn": {"env": "SENTRY_DSN"}}
    assert str(sentry.place) == f"{FILE}:16, [reporters.sentry]"
    assert (log.use, sentry.use, slack.use) == ("log", "sentry", "myapp.reporters:slack")
    assert (honeybadger.enabled, honeybadger.disabled_by) == (False, "config")


def test_an_empty_file_means_the_defaults() -> None:
    """Nothing has to be set."""
    config = read("")
    assert config == Config(place=config.place)
    assert (config.dispatcher.exit_timeout, config.capture, config.reporters) == (2.0, CaptureSettings(), ())


def test_a_table_alone_enables_a_reporter() -> None:
    """It gets the defaults."""
    (log,) = read("[reporters.log]").reporters
    assert (log.enabled, log.disabled_by, log.when, log.lane) == (True, None, When(), LaneSettings())
    assert log.options == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[reporter.log]", ": unknown table 'reporter'. Did you mean 'reporters'?"),
        (
            "xyz = 1",
            (
                ":1: unknown key 'xyz'. The tables are 'capture', 'context', 'dispatcher', 'reporters', 'schedules' "
                "and 'stream'. A reporter's option stands below its [reporters.NAME]"
            ),
        ),
        (
            "[log]\nformat = 'json'",
            ". A reporter called 'log' is switched on by a table [reporters.log]",
        ),
        # In a pyproject.toml, all of it would be right.
        (
            "[tool.jobreporter.reporters.log]",
            (
                ":1: unknown table 'tool': only in a pyproject.toml, tables begin with 'tool.jobreporter.'; "
                "leave that out here"
            ),
        ),
        ("[when]\nevents = []", ":1: unknown table 'when': each reporter has its own, such as [reporters.log.when]"),
        ("lane.timeout = 1", ":1: unknown table 'lane': each reporter has its own, such as [reporters.log.lane]"),
        ("[context]\nenviroment = 'x'", ", [context]: unknown key 'enviroment'. Did you mean 'environment'?"),
        ("[dispatcher]\ntimeout = 1", ", [dispatcher]: unknown key 'timeout'. Did you mean 'exit_timeout'?"),
        ("[capture]\nRedact = []", ", [capture]: unknown key 'Redact'. Did you mean 'redact'?"),
        (
            "[reporters.x.when]\nattempt = 'first'",
            ", [reporters.x.when]: unknown key 'attempt'. Did you mean 'attempts'?",
        ),
        (
            "[reporters.x.lane]\nqqq = 1",
            (
                ", [reporters.x.lane]: unknown key 'qqq'. The keys are 'agents', 'capacity', 'capacity_bytes', "
                "'flush_interval', 'overflow', 'start', 'tick_interval' and 'timeout'"
            ),
        ),
        # Wrong types.
        ("context = 1", ":1: key 'context': expected a table, found a whole number"),
        ("reporters = []", ": key 'reporters': expected a table, found a list"),
        (
            "[reporters]\nlog = true",
            ", [reporters]: key 'log': expected a table, found a boolean: write a table [reporters.log]",
        ),
        (
            "[[reporters.log]]",
            ", [reporters]: key 'log': expected a table, found a list: write a table [reporters.log]",
        ),
        ("[reporters.x]\nwhen = 'failure'", ", [reporters.x]: key 'when': expected a table, found text"),
        ("[context]\nservice = 3", ", [context]: key 'service': expected text, found 3"),
        ("[context]\nservice = ['a']", ", [context]: key 'service': expected text, found a list"),
        ("[capture]\nlocals = 1", ", [capture]: key 'locals': expected true or false, found 1"),
        ("[reporters.x]\nenabled = 'no'", ", [reporters.x]: key 'enabled': expected true or false, found 'no'"),
        ("[reporters.x]\nuse = 1", ", [reporters.x]: key 'use': expected text of at least 1 character, found 1"),
        (
            "[reporters.x.when]\nevents = 'failure'",
            ", [reporters.x.when]: key 'events': expected a list, found 'failure'",
        ),
        ("[reporters.x.when]\nqueues = [1]", "key 'queues[0]': expected text of at least 1 character, found 1"),
        ("[reporters.x.lane]\ncapacity = true", "key 'capacity': expected a whole number from 1 to 1"),
        ("[reporters.x.lane]\ncapacity = 1.0", "000000, found 1.0"),
        ("[reporters.x.lane]\ntimeout = false", "key 'timeout': expected a duration above 0s and up to 10000d, such"),
        (
            "[reporters.x.lane]\nflush_interval = 2026-01-01",
            (
                "key 'flush_interval': expected a duration above 0s and up to 10000d, such as '1h 30m' "
                "(units ms, s, m, h, d and w; a bare number is seconds), found a date"
            ),
        ),
        ("[reporters.x]\nenabled = { env = 'ON' }", "key 'enabled': expected true or false, found a table"),
        # Out of range.
        ("[reporters.x.lane]\ncapacity = 0", "found 0"),
        ("[reporters.x.lane]\ncapacity_bytes = -1", "found -1"),
        ("[reporters.x.lane]\ncapacity = 0xffffffffffffffffffffffff", "found another whole number"),
        ("[reporters.x.lane]\ntimeout = 0", "found 0"),
        ("[reporters.x.lane]\ntimeout = inf", "found inf"),
        ("[reporters.x.lane]\ntimeout = nan", "found nan"),
        ("[reporters.x.lane]\nflush_interval = 0.0", "found 0.0"),
        ("[reporters.x.when]\nmax_per_minute = 0", "key 'max_per_minute': expected a whole number from 1 to 1"),
        ("[dispatcher]\nexit_timeout = -0.5", "key 'exit_timeout': expected a duration from 0s to 10000d"),
        ("[dispatcher]\nexit_timeout = inf", "found inf"),
        ("[reporters.x.when]\njobs = ['']", "key 'jobs[0]': expected text of at least 1 character, found ''"),
        ("[reporters.x]\nuse = ''", "key 'use': expected text of at least 1 character, found ''"),
        # Wrong words.
        (
            "[reporters.x.when]\nevents = ['failed']",
            (
                "key 'events[0]': expected 'aborted', 'failure', 'started', 'stopped' or 'success', found 'failed'. "
                "Did you mean 'failure'?"
            ),
        ),
        (
            "[reporters.x.when]\nattempts = 'finally'",
            "key 'attempts': expected 'every', 'final' or 'first', found 'finally'. Did you mean 'final'?",
        ),
        (
            "[reporters.x.lane]\noverflow = 'drop_new'",
            "key 'overflow': expected 'drop_newest' or 'drop_oldest', found 'drop_new'. Did you mean 'drop_newest'?",
        ),
        ("[capture]\nargs = 'none'", ", [capture]: key 'args': expected 'full', 'hidden' or 'redacted', found 'none'"),
        # Names.
        (
            "[reporters.'my app']",
            (
                ", [reporters]: reporter name 'my app': expected at most 64 letters, digits, '-' and '_', "
                "the first a letter or digit"
            ),
        ),
        ("[reporters.-x]", ", [reporters]: reporter name '-x': "),
        (
            "[reporters.x]\nuse = 'my app:slack'",
            "key 'use': expected the name of an installed reporter or 'module:attr",
        ),
        ("[reporters.x]\nuse = 'myapp:'", "found 'myapp:'"),
        ("[reporters.x]\nuse = '.myapp:x'", "found '.myapp:x'"),
    ],
)
def test_a_fault_says_where_what_and_what_instead(text: str, fault: str) -> None:
    """File, table and key; what was found and expected; and the nearest right name."""
    (found,) = faults_of(text)
    assert found.startswith(f"{FILE}:")
    assert fault in found


def test_all_faults_are_told_in_one_go() -> None:
    """Nobody has to start a worker five times to mend five faults."""
    assert faults_of(
        """
        [contxt]
        [capture]
        args = 3
        redakt = []
        [reporters.a.when]
        events = ["failed", "success", "begun"]
        attempts = "final"
        [reporters.a.lane]
        capacity = 0
        timeout = "10 years"
        [reporters.b]
        enabled = 1
        use = 2
        """
    ) == [
        f"{FILE}:2: unknown table 'contxt'. Did you mean 'context'?",
        f"{FILE}:5, [capture]: unknown key 'redakt'. Did you mean 'redact'?",
        f"{FILE}:4, [capture]: key 'args': expected 'full', 'hidden' or 'redacted', found 3",
        (
            f"{FILE}:7, [reporters.a.when]: key 'events[0]': expected 'aborted', 'failure', 'started', 'stopped' or "
            "'success', found 'failed'. Did you mean 'failure'?"
        ),
        (
            f"{FILE}:7, [reporters.a.when]: key 'events[2]': expected 'aborted', 'failure', 'started', 'stopped' or "
            "'success', found 'begun'"
        ),
        (f"{FILE}:10, [reporters.a.lane]: key 'capacity': expected a whole number from 1 to 1000000000000, found 0"),
        (
            f"{FILE}:11, [reporters.a.lane]: key 'timeout': expected a duration above 0s and up to 10000d, "
            "such as '1h 30m' (units ms, s, m, h, d and w; a bare number is seconds), found '10 years'"
        ),
        f"{FILE}:14, [reporters.b]: key 'use': expected text of at least 1 character, found 2",
        f"{FILE}:13, [reporters.b]: key 'enabled': expected true or false, found 1",
    ]


def test_names_are_quoted_short_and_on_one_line() -> None:
    """A fault is a line of a log, whatever the file holds."""
    (fault,) = faults_of('"a\\nb\\u001b[31m' + "x" * 500 + '" = 1')
    assert "\n" not in fault
    assert "\x1b" not in fault
    assert len(fault) < 300
    (named, own) = faults_of('[reporters."a\\nb"]\nenabled = 3')
    assert named.startswith(rf"{FILE}:1, [reporters]: reporter name 'a\nb': ")
    assert own.startswith(rf"{FILE}:2, [reporters.'a\nb']: key 'enabled'")


def test_zero_seconds_to_exit_are_allowed() -> None:
    """Who waits for nothing loses what is pending, on purpose."""
    assert read("[dispatcher]\nexit_timeout = 0").dispatcher.exit_timeout == 0.0


SWITCHED = "[reporters.a]\n[reporters.b]\n[reporters.c]\nenabled = false"


def test_the_kill_switch_disables_by_name() -> None:
    """JOBREPORTER_DISABLE takes names, commas and blanks; what the config disabled stays that."""
    found = parsed(SWITCHED, JOBREPORTER_DISABLE=" a, c ,,")
    assert {reporter.name: reporter.disabled_by for reporter in found.config.reporters} == {
        "a": "JOBREPORTER_DISABLE",
        "b": None,
        "c": "config",
    }
    assert [reporter.enabled for reporter in found.config.reporters] == [False, True, False]
    assert (found.warnings, found.notes) == ((), ())


@pytest.mark.parametrize("switch", ["*", " *\n", "a,*", "*,nobody"])
def test_the_kill_switch_disables_all(switch: str) -> None:
    """With a star, whatever else stands there."""
    config = read(SWITCHED, JOBREPORTER_DISABLE=switch)
    assert [reporter.disabled_by for reporter in config.reporters] == [
        "JOBREPORTER_DISABLE",
        "JOBREPORTER_DISABLE",
        "config",
    ]


def test_the_kill_switch_says_when_it_matches_nothing() -> None:
    """In a hurry, a name is soon misspelt; a whole fleet may have one value, which is right for some programs only."""
    found = parsed("[reporters.sentry]", JOBREPORTER_DISABLE="sentri,prometheus")
    assert found.config.reporters[0].enabled
    assert (found.faults, found.warnings) == ((), ())
    assert list(found.notes) == [
        ("JOBREPORTER_DISABLE: there is no reporter 'prometheus' here", False),
        ("JOBREPORTER_DISABLE: there is no reporter 'sentri' here. Did you mean 'sentry'?", True),
    ]


def test_context_that_is_unset_is_left_out_and_told(tmp_path: Path) -> None:
    """It is no reason to stop: the reporters get ``None``, and the log one warning each."""
    text = "[context]\nservice = 'shop'\nenvironment = { env = 'APP_ENV' }\nrelease = { file = 'RELEASE' }"
    found = parsed(text, path=tmp_path / "jobreporter.toml")
    context = found.checked().context
    assert (context.service, context.environment, context.release) == ("shop", None, None)
    assert list(map(str, found.left_out)) == [
        f"{FILE}:3, [context]: key 'environment': the environment variable APP_ENV is not set, so it is left out",
        (
            f"{FILE}:4, [context]: key 'release': the file {str(tmp_path / 'RELEASE')!r} does not exist, "
            "so it is left out"
        ),
    ]


def test_context_that_must_be_there_stops_a_worker() -> None:
    """Where it says ``required``."""
    (fault,) = faults_of("[context]\nrelease = { env = 'RELEASE', required = true }")
    assert fault == f"{FILE}:2, [context]: key 'release': the environment variable RELEASE is not set"
    (fault,) = faults_of("[context]\nrelease = { env = 'RELEASE', required = true }", RELEASE="\n")
    assert fault == f"{FILE}:2, [context]: key 'release': the environment variable RELEASE is empty"


@pytest.mark.parametrize(
    ("written", "meant"), [("prod\n", "prod"), ("prod\r\n", "prod"), ("prod\n\n", "prod"), (" a ", " a ")]
)
def test_a_newline_at_the_end_does_not_count(tmp_path: Path, written: str, meant: str) -> None:
    """Neither in a variable nor in a file; blanks do."""
    (tmp_path / "name").write_bytes(written.encode())
    text = "[context]\nenvironment = { env = 'APP_ENV' }\nrelease = { file = 'name' }"
    context = parsed(text, path=tmp_path / "jobreporter.toml", APP_ENV=written).checked().context
    assert (context.environment, context.release) == (meant, meant)


def test_a_reference_in_context_must_be_well_formed() -> None:
    """The file itself is wrong then."""
    (fault,) = faults_of("[context]\nservice = { env = 'X', defualt = 'y' }")
    assert fault == (
        f"{FILE}:2, [context]: key 'service': unknown key 'defualt', "
        'expected { env = "NAME" } or { file = "PATH" }'
    )
    (fault,) = faults_of("[context]\nservice = { env = 'X', required = 1 }")
    assert fault == f"{FILE}:2, [context]: key 'service': expected 'required' to be true or false"


def test_a_program_may_pass_a_dict() -> None:
    """Tuples and other mappings do as well, and a key that is no text is a fault like any other."""
    config = parse({"reporters": {"a": {"when": {"events": ("failure",)}}}}, Place("config"), environ={}).checked()
    assert config.reporters[0].when.events == ("failure",)
    assert config.path is None
    wrong: Any = {"reporters": {1: {2: 3, "lane": {4: 5}}}, 6: 7}
    assert [str(fault).partition(". The ")[0] for fault in parse(wrong, Place("config"), environ={}).faults] == [
        "config: unknown key '6'",
        (
            "config, [reporters]: reporter name '1': expected at most 64 letters, digits, '-' and '_', "
            "the first a letter or digit"
        ),
        "config, [reporters.1.lane]: unknown key '4'",
    ]


def test_where_each_key_came_from_is_kept() -> None:
    """For who shows the config: what isn't there is a default."""
    config = read(WHOLE, APP_ENV="production")
    assert config.origins[("context", "service")] == "config"
    assert config.origins[("context", "environment")] == "env APP_ENV"
    assert config.origins[("reporters", "sentry", "lane", "capacity")] == "config"
    assert ("context", "release") not in config.origins
    assert ("reporters", "sentry", "dsn") not in config.origins


def test_options_are_in_no_repr() -> None:
    """Nobody knows yet which of them are secrets."""
    config = read("[reporters.x]\ntoken = 'canary'\nnested = { key = 'canary' }")
    (reporter,) = config.reporters
    assert reporter.options["token"] == "canary"  # noqa: S105 - a stand-in
    assert "canary" not in f"{config!r} {reporter!r} {reporter.options!r}"
    assert repr(reporter.options) == "RawOptions(token, nested)"


TOML_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**4400, max_value=10**4401)
    | st.floats()
    | st.text(max_size=20)
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.sampled_from(["failure", "final", "redacted", "drop_newest", "app:reporter", math.inf, math.nan]),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(st.sampled_from(["env", "file", "x"]), values, max_size=3)
        | st.dictionaries(st.text(max_size=8), values, max_size=4)
    ),
    max_leaves=12,
)


def tables(*names: str) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=6), TOML_VALUES, max_size=5)


REPORTER = TOML_VALUES | st.fixed_dictionaries(
    {},
    optional={
        "use": TOML_VALUES,
        "enabled": TOML_VALUES,
        "when": tables("events", "attempts", "ignore", "queues", "jobs", "max_per_minute"),
        "lane": tables("capacity", "capacity_bytes", "overflow", "timeout", "flush_interval"),
        "dsn": TOML_VALUES,
    },
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "context": TOML_VALUES | tables("service", "environment", "release"),
        "dispatcher": TOML_VALUES | tables("exit_timeout"),
        "capture": TOML_VALUES | tables("args", "redact", "locals"),
        "reporters": TOML_VALUES | st.dictionaries(st.sampled_from(["log", "a-b"]) | st.text(max_size=6), REPORTER),
        "other": TOML_VALUES,
    },
)


@pytest.mark.parametrize("page", ["http://jobs:9791", "https://jobs.example.org/history/"])
def test_the_page_is_an_address(page: str) -> None:
    """Of http or https, with a path or without."""
    assert read(f"[context]\npage = '{page}'").context.page == page


@pytest.mark.parametrize(
    "page", ["jobs:9791", "ftp://jobs", "https://", "https://jobs?x=c4nary", "https://jobs/a b", ""]
)
def test_what_is_no_address_is_refused(page: str) -> None:
    """In a sentence that doesn't quote it: it may be out of a variable."""
    assert faults_of("[context]\npage = { env = 'PAGE' }", PAGE=page) == [
        f"{FILE}:2, [context]: key 'page': expected an address that begins with 'http://' or 'https://', without '?' and '#'"
    ]


@given(FILES, st.text(max_size=10))
@example({"context": {"service": {"file": "a\0b"}}}, "log")
@example({"reporters": {"log": {"when": {"max_per_minute": 10**5000}}}}, ",")
@example({"capture": {"redact": [datetime.datetime(2026, 1, 1)]}}, "")  # noqa: DTZ001 - as TOML has them
def test_any_file_is_a_config_or_one_error(table: dict[str, Any], disable: str) -> None:
    """Whatever TOML can hold, there is no other exception, and every fault is one line."""
    config, faults, warnings, notes, left_out = parse(table, Place("config"), environ={"JOBREPORTER_DISABLE": disable})
    if not faults:
        assert [reporter.name for reporter in config.reporters] == list(table.get("reporters", {}))
    assert repr(config)
    said = [*map(str, faults), *map(str, warnings), *map(str, left_out), *(note.text for note in notes)]
    assert all(len(text.splitlines()) == 1 for text in said)
