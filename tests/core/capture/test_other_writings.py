"""A secret that was given in one way and is shown in another."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import shlex
import sys
import time
from array import array
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlparse, urlsplit

import numpy
import pytest

from .reports import report

#: The kind of an array of characters; from Python 3.13 on, the older one is deprecated.
CHARACTERS = "w" if sys.version_info >= (3, 13) else "u"
SECRET = "s3cr&t/\"q'uöte\\d x"  # noqa: S105 - it is nobody's


def as_csv(text: str) -> str:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerow([text])
    return file.getvalue()


def nested(text: str, times: int) -> str:
    return nested(json.dumps(text), times - 1) if times else text


SHOWN: dict[str, Callable[[str], str]] = {
    "SQL": lambda text: text.replace("'", "''"),
    "CSV": as_csv,
    "a word of a shell": shlex.quote,
    "a word of a shell, in another way": lambda text: text.replace("'", "'\\''"),
    "JSON in JSON in JSON": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "JSON, seven times": lambda text: nested(text, 7),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "a URL within a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML in JSON": lambda text: json.dumps(html.escape(text)),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_a_secret_is_found_however_it_is_quoted(show: Callable[[str], str]) -> None:
    """What is quoted or escaped in an error is the same secret."""
    found = report(password=SECRET, error=f"not accepted: {show(SECRET)} by the server")
    assert found.message.startswith("not accepted: ")
    assert "[redacted]" in found.message
    assert found.message.endswith(" by the server")


@pytest.mark.parametrize("times", range(8))
@pytest.mark.parametrize("body", [json.dumps({"password": 'pa"ss-77', "user": "kim"}), 'password="pass-77x" user=kim'])
def test_a_secret_name_is_found_however_deep_it_is_escaped(body: str, times: int) -> None:
    """JSON within JSON is read to its end."""
    found = report(error=f"body {nested(body, times)} refused")
    assert not found.shows("ss-77")
    assert not found.shows("pass-")
    assert found.shows("user")
    assert found.message.endswith(" refused")


@pytest.mark.parametrize("repeated", ["\\", "%25", "&amp;", '\\"', "(", "a:", "login('a',"])
def test_escapes_are_read_in_linear_time(repeated: str) -> None:
    """No text, however it repeats its escapes, holds the job: what is quadratic takes seconds for this one."""
    begin = time.thread_time()
    report(error=(repeated * 60_000)[:60_000] + ' password="x-77"')
    assert time.thread_time() - begin < 2, "seconds of this thread alone"


GIVEN: dict[str, dict[str, Any]] = {
    "percent-encoded": {"dsn": f"postgres://kim:{quote(SECRET, safe='')}@db/shop"},
    "in a URL under a name of no secret": {"target": f"postgres://kim:{quote(SECRET, safe='')}@db/shop"},
    "in JSON": {"body": json.dumps({"password": SECRET})},
    "as HTML": {"password": html.escape(SECRET)},
    "with a byte order mark": {"password": f"\ufeff{SECRET}"},
    "with the end of a text of C": {"password": f"{SECRET}\0"},
    "in an array of characters": {"password": array(CHARACTERS, SECRET)},
    "in an array of numpy's": {"password": numpy.array(["other-one", SECRET])},
    "in an array of objects": {"password": numpy.array([[None, SECRET]], dtype=object)},
    "in bytes that are cut": {"body": b" " * 20_000 + json.dumps({"password": SECRET}, ensure_ascii=False).encode()},
    "in a view of bytes": {"body": memoryview(json.dumps({"password": SECRET}).encode())},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_a_secret_that_was_given_escaped_is_found_as_it_is(given: dict[str, Any]) -> None:
    """Who is given an escaped secret undoes that, and may show the result."""
    found = report(**given, error=f"not accepted: {SECRET} by the server")
    assert found.message == "not accepted: [redacted] by the server"


def test_what_a_callable_holds_is_looked_at() -> None:
    """An object that makes a token may hold what it makes it of, and can be called."""

    class Tokens:
        def __init__(self) -> None:
            self.key = "k3y-of-all"

        def __call__(self) -> str:
            return self.key

    assert report(token=Tokens(), error="k3y-of-all is wrong").message == "[redacted] is wrong"


@pytest.mark.parametrize("shown", ["48,151,623", "48_151_623", "48.151.623", "48 151 623", "4815-1623", "4815 1623"])
def test_a_number_is_found_with_signs_between_its_digits(shown: str) -> None:
    """Long numbers are written in groups, as amounts, cards and phones are."""
    assert report(pin=48_151_623, error=f"{shown} is wrong").message == "[redacted] is wrong"


def test_digits_of_another_number_are_none_of_a_secret() -> None:
    """A group more, or less, makes it another number."""
    message = "1,481,516,234 of 481,516 rows"
    assert report(pin=4_815_162, error=message).message == message


@pytest.mark.parametrize("message", ["since 2024-11-30", "at 11/30/2024", "20:24:2024 o'clock", "from 1000-2024 on"])
def test_a_year_in_a_date_is_no_secret_number(message: str) -> None:
    """Four digits within a date are those of the date."""
    assert report(pin=2024, error=message).message == message


def test_four_digits_by_themselves_are_the_secret() -> None:
    """Beside a sign that no date has."""
    assert report(pin=2024, error="got 2024 - wrong").message == "got [redacted] - wrong"


@pytest.mark.parametrize("kind", ["d", "i", "f"])
def test_numbers_of_an_array_are_no_secrets(kind: str) -> None:
    """They have no names, and what is made of them is not the value that was redacted."""
    assert report(token=numpy.array([12345], dtype=kind), error="12345 rows").message == "12345 rows"


def test_what_is_transformed_is_not_found() -> None:
    """As the page says."""
    encoded = base64.b64encode(SECRET.encode()).decode()
    assert encoded in report(password=SECRET, error=f"{encoded} is wrong").message


@pytest.mark.parametrize("split", [urlsplit, urlparse])
def test_the_parts_of_a_url_as_an_argument(split: Callable[[str], Any]) -> None:
    """The password is gone from the part that has it, and known; a URL without one stays as it is."""
    found = report(
        split("https://kim:hunter22@shop.example/x"), split("https://shop.example/y"), error="hunter22 failed"
    )
    given = found.outcome.job.args
    assert not found.shows("hunter22")
    assert given[0][1] == "[redacted]@shop.example"
    assert tuple(given[1][:3]) == ("https", "shop.example", "/y")


@pytest.mark.parametrize(
    "text", ["\u200bpass\u200bword=hunter22 of kim", "kim\u0301 says p\u00adassword=hunter22 of kim"]
)
def test_what_is_not_seen_in_a_name_hides_nothing(text: str) -> None:
    """Only the value goes, and what stands around it stays to the letter."""
    assert report(error=text).message == text.replace("hunter22", "[redacted]")


@pytest.mark.parametrize(
    "text",
    [
        "\u0301" * 60_000 + "x",
        "password value for " * 3_000,
        "password,token\n" * 4_000,
        "'password' is not a valid value for " * 1_500,
        "{'loc': ('password'), " * 2_500,
        "password " * 7_000 + "IN",
    ],
    ids=["signs", "values", "columns", "refusals", "errors", "conditions"],
)
def test_texts_that_seem_to_begin_something_again_and_again(text: str) -> None:
    """They take no longer than others of their length."""
    began = time.process_time()
    report(error=f"{text} password=hunter22")
    assert time.process_time() - began < 2
