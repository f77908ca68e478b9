"""The built-in reporter `log`: what it writes, how loud, and that no event can break a line."""

from __future__ import annotations

import json
import logging
import math
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter import (
    HANDLERS,
    Aborted,
    ConfigError,
    Context,
    Dispatcher,
    ErrorInfo,
    Event,
    Failure,
    Frame,
    Job,
    Started,
    Stopped,
    Success,
)
from jobreporter.reporters.log import Levels, LogOptions, LogReporter, as_json, as_text

JOB = Job(id="7", execution_id="7-2", name="reports.nightly", source="huey", queue="cron", attempt=2, max_attempts=3)
ERROR = ErrorInfo(
    type="builtins.ValueError",
    message="boom",
    frames=(
        Frame(filename="/srv/shop/worker.py", lineno=7, function="run"),
        Frame(filename="/srv/shop/mail.py", lineno=41, function="send"),
    ),
)

#: Characters that end a line, steer a terminal, turn text around, or can't be encoded.
HOSTILE = "a\nb\rc\x1b[31md\x00e\x85f\x9bg\u2028h\u2029i\u202ej\u200bk\x7fl\ud800m"


def reporter(page: str | None = None, **options: Any) -> LogReporter:
    """A started reporter. page: that of the config's ``[context]``."""
    log = LogReporter()
    log.reporter_start(LogOptions(**options), Context(host="h", pid=1, version="1", stats=dict, page=page))
    return log


def report(log: LogReporter, event: Event) -> None:
    """Hands the event to the hook that it belongs to."""
    getattr(log, HANDLERS[type(event)])(event)


def lines(event: Event, caplog: pytest.LogCaptureFixture, **options: Any) -> list[tuple[str, str, str]]:
    """What a reporter with these options logs of the event: logger, level, line."""
    with caplog.at_level(logging.DEBUG):
        report(reporter(**options), event)
    return [(record.name, record.levelname, record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize(
    ("event", "level", "line"),
    [
        (Started(job=JOB, at=1.0), "DEBUG", "started reports.nightly #2/3 id=7 queue=cron"),
        (
            Success(job=JOB, at=1.0, duration=0.0404, tags={"customer": "acme"}),
            "INFO",
            "success reports.nightly #2/3 40ms id=7 queue=cron tags.customer=acme",
        ),
        (
            Aborted(job=JOB, at=1.0, reason="locked", will_retry=True),
            "INFO",
            "aborted reports.nightly #2/3 locked will be retried id=7 queue=cron",
        ),
        (
            Aborted(job=JOB, at=1.0, reason="expired"),
            "INFO",
            "aborted reports.nightly #2/3 expired id=7 queue=cron",
        ),
        (
            Failure(job=JOB, at=1.0, error=ERROR, will_retry=False, duration=1.239),
            "ERROR",
            "failure reports.nightly #2/3 final 1.24s id=7 queue=cron where=mail.py:41 ValueError: boom",
        ),
        (
            Failure(job=JOB, at=1.0, error=ERROR, will_retry=True, retry_delay=30.0),
            "WARNING",
            "failure reports.nightly #2/3 retry in 30s id=7 queue=cron where=mail.py:41 ValueError: boom",
        ),
        (
            Failure(job=JOB, at=1.0, error=ErrorInfo(type="shop.Late", message="slow"), kind="timeout"),
            "WARNING",
            "failure reports.nightly #2/3 timeout will be retried id=7 queue=cron shop.Late: slow",
        ),
        (
            Stopped(job=JOB, at=1.0, outcome="failure", duration=75.0),
            "DEBUG",
            "stopped reports.nightly #2/3 failure 75s id=7 queue=cron",
        ),
    ],
)
def test_each_event_is_one_line_for_people(
    event: Event, level: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each kind of event has its line, at its own level, under one logger."""
    assert lines(event, caplog) == [("jobreporter.events", level, line)]


@pytest.mark.parametrize("style", ["text", "json"])
def test_outcomes_link_their_page(style: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where the config says where it is. What went wrong still stands last, and a long message costs it nothing."""
    started = Started(job=JOB, at=1.0)
    stopped = Stopped(job=JOB, at=1.0, outcome="failure")
    outcomes = [
        Success(job=JOB, at=1.0),
        Aborted(job=JOB, at=1.0),
        Failure(job=JOB, at=1.0, error=ErrorInfo(type="E", message="m" * 5_000)),
    ]
    for page, link in (("https://jobs.example/", "https://jobs.example/x/7-2"), (None, None)):
        log = reporter(page, format=style)
        with caplog.at_level(logging.DEBUG):
            for event in (started, *outcomes, stopped):
                report(log, event)
        told = [record.getMessage() for record in caplog.records]
        caplog.clear()
        if style == "json":
            assert [json.loads(each).get("page") for each in told] == [None, link, link, link, None]
        else:
            expected = [None if link is None else f"page={link}"] * 3
            pages = [next((word for word in each.split() if word.startswith("page=")), None) for each in told]
            assert pages == [None, *expected, None]
            assert told[3].endswith("m...")


def test_what_is_unknown_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A job without a queue or a known maximum of attempts has a shorter line."""
    job = Job(id="7", execution_id="7", name="clean", source="python")
    assert lines(Started(job=job, at=1.0), caplog)[0][2] == "started clean #1 id=7"


def test_facts_can_not_be_made_up(caplog: pytest.LogCaptureFixture) -> None:
    """A name with blanks, quotes or an equals sign is quoted, and so is an empty one."""
    job = Job(id='a"b', execution_id="7", name="clean final id=8", source="python", queue="x=y")
    event = Success(job=job, at=1.0, tags={"who": "", "x id": "9"})
    assert lines(event, caplog)[0][2] == r'success "clean final id=8" #1 id="a\"b" queue="x=y" tags."x id"=9'
    assert as_text(Started(job=Job(id="", execution_id="", name="", source=""), at=1.0), 200) == 'started "" #1'


def test_logger_and_levels_are_options(caplog: pytest.LogCaptureFixture) -> None:
    """The logger can be named, and the level of each kind of event set."""
    levels = Levels(started="critical")
    found = lines(Started(job=JOB, at=1.0), caplog, logger="shop.jobs", levels=levels)
    assert found == [("shop.jobs", "CRITICAL", "started reports.nightly #2/3 id=7 queue=cron")]


def test_a_message_is_not_a_format(caplog: pytest.LogCaptureFixture) -> None:
    """Percent signs in an error's message stay what they are."""
    error = ErrorInfo(type="E", message="100%s %(name)s %")
    assert lines(Failure(job=JOB, at=1.0, error=error), caplog)[0][2].endswith("E: 100%s %(name)s %")


@pytest.mark.parametrize("kind", ["text", "json"])
def test_what_nobody_listens_to_is_not_formatted(kind: str) -> None:
    """Below the logger's level an event costs no formatting."""

    def formatted(event: Event, limit: int, _link: str | None) -> str:
        raise AssertionError("formatted")

    log = reporter(format=kind, logger="jobreporter.events.quiet")
    log.line = formatted
    log.logger.setLevel(logging.INFO)
    report(log, Started(job=JOB, at=1.0))
    with pytest.raises(AssertionError, match="formatted"):
        report(log, Success(job=JOB, at=1.0))


def test_the_logging_tree_is_left_alone() -> None:
    """Starting and reporting adds no handler, sets no level, and stops no record on its way up."""
    root = logging.getLogger()
    before = root.handlers.copy(), root.level
    log = reporter(logger="jobreporter.events.untouched")
    report(log, Started(job=JOB, at=1.0))
    assert (root.handlers, root.level) == before
    assert (log.logger.handlers, log.logger.level, log.logger.propagate) == ([], logging.NOTSET, True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"max_length": 199}, "a whole number of at least 200"),
        ({"format": "xml"}, "expected 'json' or 'text'"),
        ({"levels": {"started": "loud"}}, "expected 'critical', 'debug', 'error', 'info' or 'warning'"),
        ({"levels": {"startd": "info"}}, "Did you mean 'started'"),
    ],
)
def test_options_that_can_not_be_are_refused(options: dict[str, object], problem: str) -> None:
    """A bound that no line could keep, an unknown format, level or kind of event is an error of the config."""
    with pytest.raises(ConfigError, match=problem):
        Dispatcher({"log": LogReporter}, config={"reporters": {"log": options}})


def test_a_dispatcher_s_executions_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Switched on in a config, it logs each event of an execution, with the options of its table."""
    config = {"reporters": {"log": {"levels": {"started": "info"}}}}
    with (
        caplog.at_level(logging.INFO, "jobreporter.events"),
        Dispatcher({"log": LogReporter}, config=config) as dispatcher,
    ):
        with dispatcher.begin("reports.nightly", id="7", queue="cron"):
            pass
        dispatcher.abort("expired", "reports.nightly", id="8")
    found = [record.getMessage() for record in caplog.records if record.name == "jobreporter.events"]
    assert [re.sub(r"\d+ms", "0ms", line) for line in found] == [
        "started reports.nightly #1 id=7 queue=cron",
        "success reports.nightly #1 0ms id=7 queue=cron",
        "aborted reports.nightly #1 expired id=8",
    ]


def test_the_page_about_it_has_every_option() -> None:
    """The table of options in the documentation has each option with its default."""
    page = (Path(__file__).parents[3] / "docs/reporters/log.md").read_text()
    options = {name: getattr(LogOptions(), name) for name in LogOptions.__struct_fields__ if name != "levels"}
    options |= {f"levels.{name}": getattr(Levels(), name) for name in Levels.__struct_fields__}
    documented = dict(re.findall(r"^\| `([\w.]+)` \| `(.+?)` \|", page, re.MULTILINE))
    assert documented == {name: json.dumps(default) for name, default in options.items()}


def test_an_event_is_one_json_object(caplog: pytest.LogCaptureFixture) -> None:
    """The JSON form has what is known by the names of the fields, bulky things last, and of the error its traceback."""
    job = Job(id="7", execution_id="7-2", name="send", source="rq", args=(1, "x"), kwargs={"to": ["a"]}, extra={"n": 2})
    event = Failure(job=job, at=12.5, error=ERROR, will_retry=True, retry_delay=30.0, tags={"a": "b"})
    [(_, _, line)] = lines(event, caplog, format="json")
    assert list(json.loads(line).items()) == [
        ("event", "failure"),
        ("at", 12.5),
        ("name", "send"),
        ("id", "7"),
        ("execution_id", "7-2"),
        ("source", "rq"),
        ("attempt", 1),
        ("kind", "exception"),
        ("will_retry", True),
        ("retry_delay", 30.0),
        ("final", False),
        ("error", "builtins.ValueError"),
        ("message", "boom"),
        ("traceback", str(ERROR)),
        ("tags", {"a": "b"}),
        ("args", [1, "x"]),
        ("kwargs", {"to": ["a"]}),
        ("extra", {"n": 2}),
    ]


def test_json_for_programs_says_how_it_ended() -> None:
    """The other events carry their own fields."""
    assert json.loads(as_json(Stopped(job=JOB, at=1.0, outcome="aborted", duration=0.0), 500)) == {
        "event": "stopped",
        "at": 1.0,
        "name": "reports.nightly",
        "id": "7",
        "execution_id": "7-2",
        "source": "huey",
        "queue": "cron",
        "attempt": 2,
        "max_attempts": 3,
        "outcome": "aborted",
        "duration": 0.0,
    }


def test_long_json_gives_up_its_end() -> None:
    """What is too long loses bulky fields first and says so; who it is about stays."""
    job = Job(id="7", execution_id="7-2", name="send", source="rq", args=("x" * 500,), extra={"y": "z" * 500})
    found = json.loads(as_json(Success(job=job, at=1.0, duration=2.0, tags={"a": "b"}), 700))
    assert "args" in found
    assert "extra" not in found
    assert found["trimmed"] is True
    found = json.loads(as_json(Success(job=job, at=1.0, duration=2.0, tags={"a": "b"}), 200))
    assert "args" not in found
    assert (found["name"], found["duration"], found["tags"]) == ("send", 2.0, {"a": "b"})


def test_a_long_message_is_cut_at_its_end() -> None:
    """A message that doesn't fit fills the line as far as it goes."""
    line = as_json(Failure(job=JOB, at=1.0, error=ErrorInfo(type="E", message="m" * 9_000)), 400)
    assert len(line) == 400
    assert json.loads(line)["message"].endswith("mmm...")


def test_a_long_traceback_keeps_its_end() -> None:
    """Of a traceback that doesn't fit the innermost frames and the error itself stay."""
    frames = tuple(Frame(filename=f"f{number}.py", lineno=number, function="f") for number in range(50))
    error = ErrorInfo(type="builtins.ValueError", message="boom", frames=frames)
    line = as_json(Failure(job=JOB, at=1.0, error=error), 600)
    traceback = json.loads(line)["traceback"]
    assert len(line) <= 600
    assert traceback.startswith("...")
    assert str(error).endswith(traceback[3:])


@pytest.mark.parametrize(
    "extra", [math.nan, math.inf, object(), {1, 2}, {(1, 2): 3}, pytest.param(10**5_000, id="huge")]
)
def test_json_stays_json_whatever_was_published(extra: object) -> None:
    """What has no JSON form is left out with the other bulky things, and the rest of the event still goes out."""
    job = Job(id="7", execution_id="7", name="send", source="python", extra={"x": extra})
    found = json.loads(as_json(Success(job=job, at=math.nan, duration=2.0), 400), parse_constant=pytest.fail)
    assert found == {
        "event": "success",
        "name": "send",
        "id": "7",
        "execution_id": "7",
        "source": "python",
        "attempt": 1,
        "duration": 2.0,
    }


def test_json_stays_json_for_data_without_an_end() -> None:
    """A list that holds itself is left out."""
    endless: list[object] = []
    endless.append(endless)
    job = Job(id="7", execution_id="7", name="send", source="python", extra={"x": endless})
    assert "extra" not in json.loads(as_json(Started(job=job, at=1.0), 400))


def test_json_keeps_text_readable() -> None:
    """Letters of any script stay; only what can't be printed is escaped, and comes back whole."""
    error = ErrorInfo(type="E", message="Zürich, 東京\n\x1b[31m\u202e\U000e0041")
    line = as_json(Failure(job=JOB, at=1.0, error=error), 2_000)
    assert "Zürich, 東京" in line
    assert line.isprintable()
    assert json.loads(line)["message"] == error.message


def hostile(text: str) -> Failure:
    """A failure with the text everywhere."""
    job = Job(
        id=text,
        execution_id=text,
        name=text,
        source=text,
        queue=text,
        args=(text,),
        kwargs={text: [text]},
        correlation_id=text,
        extra={text: {text: text}},
    )
    frame = Frame(filename=text, lineno=1, function=text, line=text)
    error = ErrorInfo(type=text, message=text, frames=(frame,), notes=(text,))
    return Failure(job=job, at=1.0, error=error, tags={text: text}, will_retry=False)


@given(text=st.text() | st.text(alphabet=HOSTILE, max_size=3_000), limit=st.integers(200, 3_000))
def test_no_text_breaks_a_line_or_its_bound(text: str, limit: int) -> None:
    """Whatever an event says, it is one line within its bound, and nothing in it steers a terminal."""
    line = as_text(hostile(text), limit)
    assert len(line) <= limit
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert line.startswith("failure ")


@given(text=st.text() | st.text(alphabet=HOSTILE, max_size=3_000), limit=st.integers(200, 3_000))
def test_no_text_breaks_json_or_its_bound(text: str, limit: int) -> None:
    """Whatever an event says, it is one JSON object within its bound, printable throughout."""
    line = as_json(hostile(text), limit)
    assert len(line) <= limit
    assert line.isprintable()
    found = json.loads(line)
    line.encode()
    assert json.dumps(found, ensure_ascii=False).encode()
    assert found["event"] == "failure"
