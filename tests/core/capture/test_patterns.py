"""The config's own patterns of secrets: in all of an event, checked before, and never for long."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Any

import pytest

from jobreporter import ConfigError, Dispatcher, Success
from jobreporter._capture import patterns as patterns_module
from jobreporter._capture.patterns import Patterns
from jobreporter.testing import Recorder, make_event, make_job
from tests.waiting import until

from .reports import report

BADGE = {"patterns": [r"EMP-\d{4}", r"badge (?P<secret>\w+)"]}


def test_what_matches_is_in_no_part_of_an_event() -> None:
    """Names, arguments, facts, tags, messages, notes, lines and local variables; ids are left alone."""

    def act() -> None:
        worker = "EMP-1234"
        error = ValueError(f"{worker} has no badge A7B7C7")
        error.add_note("EMP-1234 was told")
        raise error from KeyError("EMP-1234")

    found = report(
        "EMP-1234 came",
        [{"EMP-1234": 1}],
        name="pay EMP-1234",
        act=act,
        tags={"who": "EMP-1234"},
        capture={**BADGE, "locals": True},
        fields={"queue": "EMP-1234", "extra": {"x": "badge A7B7C7"}},
        other="EMP-1234",
    )
    assert found.message == "[redacted] has no badge [redacted]"
    assert not found.shows("EMP-1234")
    assert not found.shows("A7B7C7")
    assert found.outcome.job.args == ("[redacted] came", [{"[redacted]": 1}])
    assert report(abort="EMP-1234", capture=BADGE).outcome.reason == "[redacted]"
    assert report(fields={"id": "EMP-1234"}, capture=BADGE).outcome.job.id == "EMP-1234"


def test_all_events_of_a_job_lose_the_same() -> None:
    """Each event of an execution has the same job, and the reporters of all lanes get it."""
    first, second = Recorder(), Recorder()
    with Dispatcher({"a": first, "b": second}, config={"capture": BADGE}) as dispatcher:
        with dispatcher.begin("pay", args=("EMP-1234",)):
            pass
        dispatcher.publish(make_event(Success, job=make_job(args=("EMP-1234",))))
        assert dispatcher.flush(10)
    assert len(first.events) == len(second.events) == 4
    assert {event.job.args for event in (*first.events, *second.events)} == {("[redacted]",)}


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(a", "'(a' is no regular expression: missing ), unterminated subpattern at position 0"),
        ("ab[", "'ab[' is no regular expression: unterminated character set at position 2"),
        ("a{5,2}", "'a{5,2}' is no regular expression: min repeat greater than max repeat at position 2"),
        ("*a", "'*a' is no regular expression: nothing to repeat at position 0"),
        ("a{99999999999999999999}", "'a{99999999999999999999}' is too large for a regular expression"),
        ("a*", "'a*' matches the empty text, which is everywhere"),
        ("(a+)+b", "'(a+)+b' has a repeat within a repeat"),
        (r"(\w+\s?)*x", r"'(\\w+\\s?)*x' has a repeat within a repeat"),
        ("(?:a|ab)+c", "'(?:a|ab)+c' has a repeat within a repeat"),
        ("(?:x(?:a{1,50})*)b", "'(?:x(?:a{1,50})*)b' has a repeat within a repeat"),
        ("a*a*a*a*a*b", "'a*a*a*a*a*b' has more than 4 repeats without an end"),
        ("(x)?(?(1)(?:a+)+|b)", "'(x)?(?(1)(?:a+)+|b)' has a repeat within a repeat"),
    ],
)
def test_a_pattern_that_can_not_be_used(pattern: str, problem: str) -> None:
    """Each is a fault of the config, with its place in the list and in the expression."""
    with pytest.raises(ConfigError) as caught:
        Dispatcher({}, config={"capture": {"patterns": ["fine", pattern]}})
    assert f"[capture]: key 'patterns[1]': {problem}" in str(caught.value)


def test_all_bad_patterns_are_told_at_once() -> None:
    """With whatever else is wrong."""
    with pytest.raises(ConfigError) as caught:
        Dispatcher({}, config={"capture": {"patterns": ["(a", "ok", "b)"], "args": "all"}})
    assert [fault.key for fault in caught.value.faults] == ["args", "patterns[0]", "patterns[2]"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bEMP-\d+-\w+\b",
        r"(?:\d{1,3}\.){3}\d{1,3}",
        r"(?:ab|cd)+e",
        r"(?:[A-Z]++-)+\d",
        r"(?>a+b)*c",
        r"(?<!x)ID\d+(?=;)",
        r"(?i:key)=(?P<secret>\S+)",
        r"[\w.]+@[\w.]+\.\w+",
    ],
)
def test_a_pattern_that_can_be_used(pattern: str) -> None:
    """What takes little time is taken as it is."""
    Dispatcher({}, config={"capture": {"patterns": [pattern]}}).close()


def told() -> tuple[Patterns, list[str]]:
    given_up: list[str] = []
    return Patterns(["a*a*a*a*b", "x{3}"], given_up.append), given_up


@pytest.mark.parametrize("before", [0, 100, 3_000])
def test_a_text_that_takes_too_long_is_withheld(before: int) -> None:
    """Wherever it begins: no piece is searched that would hold up the process."""
    patterns, _ = told()
    begin = time.thread_time()
    assert patterns.text("y" * before + "a" * 5_000) == "[redacted] (a pattern took too long)"
    assert time.thread_time() - begin < 2, "seconds of this thread alone; to search all of it takes days"


def test_a_pattern_that_takes_too_long_too_often_is_given_up() -> None:
    """The others go on."""
    patterns, given_up = told()
    for _ in range(3):
        patterns.text("a" * 5_000)
    assert given_up == ["a*a*a*a*b"]
    assert patterns.text("a" * 5_000 + "xxx") == "a" * 5_000 + "[redacted]"


def test_a_machine_that_has_much_else_to_do_is_not_the_patterns_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is what the search takes, not what passes meanwhile."""
    monkeypatch.setattr(patterns_module, "perf_counter", itertools.count().__next__)
    told_of: list[str] = []
    found = [Patterns([r"EMP-\d{4}"], told_of.append).text("-" * 1_000 + "EMP-1234") for _ in range(5)]
    assert found == ["-" * 1_000 + "[redacted]"] * 5
    assert told_of == []


def test_an_operator_hears_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """A pattern that is given up is told in one line; the events go on."""
    recorder = Recorder()
    config = {"capture": {"patterns": ["a*a*a*a*b"]}}
    with caplog.at_level(logging.ERROR), Dispatcher({"recorder": recorder}, config=config) as dispatcher:
        for _ in range(4):
            dispatcher.begin("slow", args=("a" * 900,)).stop()
        assert dispatcher.flush(30)
    until(lambda: caplog.records)  # whoever logs must not hold up the events
    assert [record.getMessage() for record in caplog.records] == [
        "[capture] patterns: 'a*a*a*a*b' took too long, and is not used any more"
    ]
    assert len(recorder.events) == 12


@pytest.mark.parametrize("at", [0, 1_500, 2_040, 5_000, 9_990])
def test_a_match_is_found_wherever_it_stands(at: int) -> None:
    """Long texts are searched in pieces that overlap."""
    text = "-" * at + "EMP-1234" + "-" * (10_000 - at)
    assert Patterns([r"EMP-\d{4}"], print).text(text) == text.replace("EMP-1234", "[redacted]")


@pytest.mark.parametrize("value", [None, True, 5, 2.5, "plain", ["a", {"b": ("c", 5)}], (), {}])
def test_data_without_a_match_stays_as_it_is(value: Any) -> None:
    """Numbers are no texts."""
    assert Patterns(["EMP", "5"], print).data(value) == value
