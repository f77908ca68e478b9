"""The query language of the page."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from jobreporter_history._display.query import QueryError, condition, parse, quoted
from jobreporter_history.store import Store, Term

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  time out ", [Term("text", "time"), Term("text", "out")]),
        ('"timed out" -fun*', [Term("text", "timed out"), Term("text", "fun", negated=True, prefix=True)]),
        ("name:shop.* -queue:mail", [Term("name", "shop.*"), Term("queue", "mail", negated=True)]),
        ("queue:", [Term("queue", "")]),
        ("OUTCOME:failure final:yes", [Term("outcome", "failure"), Term("final", True)]),
        ("slower:1m attempt:2", [Term("slower", 60.0), Term("attempt", 2)]),
        ("since:2h", [Term("since", NOW - 7200)]),
        ("until:2023-11-14T22:13:20", [Term("until", NOW)]),
        ("until:2023-11-14T23:13:20+01:00", [Term("until", NOW)]),
        ("customer:acme", [Term("tag", "acme", tag="customer")]),
        ('"queue":"a \\"b\\" \\\\"', [Term("tag", 'a "b" \\', tag="queue")]),
        ("0123abcd-ef", [Term("id", "0123abcd-ef")]),
        ("http://example.org/x", [Term("text", "http://example.org/x")]),
    ],
)
def test_what_a_query_means(text: str, terms: list[Term]) -> None:
    """Words are AND, keys are conditions, other keys are tags, quotation marks hold together, hex digits are an id."""
    assert list(parse(text, NOW).terms) == terms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"open', "quotation mark is missing"),
        ("outcome:failed", "Did you mean 'failure'?"),
        ("slower:fast", "units"),
        ("since:yesterday", "such as since:2h"),
        ("since:9999-12-31", "too far in the future"),
        ("attempt:-1", "isn't a whole number"),
        ("incident:99999999999999999999", "isn't a whole number"),
        ("name:", "has no value"),
        ("final:maybe", "final:true"),
        ("*", "no letter"),
        ("--", "no letter"),
        ("x " * 31, "31 conditions"),
        ("x" * 4001, "4,001 characters"),
        ("slower:" + "9" * 390, "more than anything"),
    ],
)
def test_what_cannot_be_understood(text: str, said: str) -> None:
    """An error is a sentence that says what was found and what was expected."""
    with pytest.raises(QueryError, match=said.replace("?", "[?]")):
        parse(text, NOW)


def test_a_slip_in_a_key_is_hinted_at() -> None:
    """An unknown key is a tag, and the nearest key is named."""
    assert parse("outcom:failure", NOW).hints == (" 'outcom' is looked for as a tag. Did you mean 'outcome'?",)
    assert parse("customer:acme", NOW).hints == ()


@pytest.mark.parametrize("value", ['a "b"', "", "\\", "-x", "a:b", "/x", "//x", "\n", "é\u202e", 'end\\"'])
def test_a_condition_is_read_as_it_was_written(value: str) -> None:
    """What a link of the page searches for is what the query says, whatever is in it."""
    [by_name, by_tag] = parse(f"queue:{quoted(value)} {condition(quoted(value or 'x'), value)}", NOW).terms
    assert by_name == Term("queue", value)
    assert by_tag == Term("tag", value, tag=value or "x")


@pytest.mark.parametrize(
    "text",
    [
        *(
            '"',
            "\\",
            "-",
            ":",
            "a:",
            ":b",
            "-:",
            "NEAR(a b)",
            "a AND",
            "OR",
            "NOT x",
            "^x",
            "x{",
            "(x",
            "x)",
            "'; DROP",
        ),
        *("%", "_", "*", "**", "a*b*", "name:*[", "name:?", "since:-1h", "slower:nan", "slower:1e9", "until:0"),
        *("id:0", "id:zzzzzzzz", "root:", "worker:a:b:c", "\x00", "\u202e", "💥", "ß", "incident:0", "attempt:0"),
        *("before:1", "tags:x", '""', '"" ""', 'x:""', '"":x', "release:1.0", "error:a.b.c", "since:0001-01-01"),
    ],
)
def test_odd_queries_are_answered(page: TestClient, store: Store, text: str) -> None:
    """However odd a query is, the page has rows or a sentence, and the exports agree with it."""
    answers = [page.get(path, params={"q": text}) for path in ("/executions", "/executions.json", "/executions.csv")]
    assert {answer.status_code for answer in answers} in ({200}, {400})


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 19, "9" * 99, "٣"])
def test_an_odd_place_in_the_list(page: TestClient, before: str) -> None:
    """A place in the list that there is none of is a sentence."""
    answer: Any = page.get("/executions", params={"before": before})
    assert answer.status_code == 400
    assert "is no place in the list" in answer.text
