"""Known secrets are taken out of whatever is told: as values, in every way of writing them, and never by halves."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from jobreporter._capture.eraser import Eraser, beginning, shortened

from .reports import report


@pytest.mark.parametrize("secret", [48151623, 48151623.0, "48151623", b"48151623"])
@pytest.mark.parametrize("other", [48151623, 48151623.0, "48151623", [48151623], {"n": 48151623}, "no 48151623!"])
def test_values_are_compared_by_value_and_as_text(secret: Any, other: Any) -> None:
    """A number that is secret is secret as a text and as another kind of number."""
    assert not report(other, pin=secret, error=f"{other}").shows("48151623")


@pytest.mark.parametrize("secret", [12.75, "abc", "123", 123, -7.5])
def test_short_values_are_secret_as_a_whole(secret: Any) -> None:
    """A short text or number is redacted where it is the whole value of another argument, or of a local variable."""

    def act() -> None:
        other = secret
        raise ValueError(type(other))

    found = report(secret, pin=secret, act=act, capture={"locals": True})
    assert found.outcome.job.args == ("[redacted]",)
    assert found.outcome.error.frames[-1].locals["other"] == "[redacted]"


def test_numbers_among_local_variables() -> None:
    """What is redacted in the arguments is redacted in the local variables, at any depth."""

    def act() -> None:
        card = 48151623
        raise ValueError([card])

    assert not report(pin=48151623, act=act, capture={"locals": True}).shows("48151623")


AWKWARD = "p\u00e4\"s\\s w<&>'x%\u00e9\n2 \U0001f600+/"
WRITINGS = {
    "as it is": str,
    "repr": repr,
    "ascii": ascii,
    "json": json.dumps,
    "json with all letters": lambda text: json.dumps(text, ensure_ascii=False),
    "a path of a URL": quote,
    "a part of a URL": lambda text: quote(text, safe=""),
    "a form": quote_plus,
    "lower case hexadecimal": lambda text: quote(text, safe="").lower() if text.islower() else quote(text, safe=""),
    "html": html.escape,
    "html with other numbers": lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "bytes": lambda text: repr(text.encode()),
    "json within json": lambda text: json.dumps(json.dumps(text)),
    "a URL within a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "json within html": lambda text: html.escape(json.dumps(text)),
    "a URL within json": lambda text: json.dumps(quote(text)),
    "without white space around it": lambda text: text.strip(),
}


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
@pytest.mark.parametrize("secret", [AWKWARD, f"\t{AWKWARD}\n", "k\u00f6nig+1/2", "a b&c=d", "line one 1\nline two 2"])
def test_a_secret_is_found_in_every_way_of_writing_it(write: Any, secret: str) -> None:
    """Escaped, encoded, or without the white space around it, a secret is gone, and nothing else is."""
    written = write(secret)
    found = report(password=secret, error=f"before {written} after", tags={"as": written})
    left = found.message.removeprefix("before ").removesuffix(" after")
    assert "[redacted]" in left
    assert len(left) < 40, "beside the word, what is left are quotes and white space"
    assert not found.shows(write(secret.strip()).strip("b'\""))


def test_a_secret_that_holds_escapes_itself() -> None:
    """What reads like an escape in a secret is part of it."""
    secret = "a%41&amp;b\\n+c"  # noqa: S105 - made up
    for written in (secret, quote(secret), json.dumps(secret), html.escape(secret), repr(secret)):
        assert report(token=secret, error=written).message.strip("'\"") == "[redacted]"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"auth": "basic"}, "basic plan not found"),
        ({"auth": "digest"}, "the digest does not match"),
        ({"token": "access"}, "access denied"),
        ({"password": "test"}, "test failed"),
        ({"cookie": "none"}, "none of them"),
        ({"otp": 1000}, "21000 rows, 10000 more, table_1000, 1000.5 and 3,1000"),
        ({"otp": "4821"}, "order 14821 of 48210"),
        ({"password": "hunter"}, "headhunters hunt huntergatherers"),
        ({"pin": 12}, "12 rows"),
        ({"password": "pa1"}, "a spa1n of time"),
    ],
)
def test_no_more_is_taken_than_the_secret(kwargs: dict[str, Any], message: str) -> None:
    """Common words are not remembered, and a short secret is no part of a longer word or number."""
    assert report(**kwargs, error=message).message == message


@pytest.mark.parametrize(
    ("secret", "text", "kept"),
    [
        ("1000", "1000 rows, 1000.", "[redacted] rows, [redacted]."),
        ("hunter", "mysql -phunter 'hunter' user:hunter", "mysql -p[redacted] '[redacted]' user:[redacted]"),
        ("48151623", "no48151623x", "no[redacted]x"),
        ("correct-horse", "xcorrect-horsey", "x[redacted]y"),
        ("hunter", r"a\nhunter%20hunter", r"a\n[redacted]%20[redacted]"),
        ("s3cr3t", "s3cr3ts3cr3t", "[redacted][redacted]"),
        ("aa1aa1", "aa1aa1aa1", "[redacted]"),
    ],
)
def test_where_a_secret_begins_and_ends(secret: str, text: str, kept: str) -> None:
    """A short one stands alone, but for an option's letter; a long one may stand anywhere."""
    assert Eraser([secret]).text(text) == kept


def test_a_text_that_holds_none_stays_the_same_object() -> None:
    """Also where escapes had to be undone to know that."""
    text = r"100%25 of \n a &amp; b"
    assert Eraser(["a b c d e f"]).text(text) is text


def test_the_word_for_a_secret_is_not_cut() -> None:
    """What a text is shortened to holds the whole word, or nothing of it."""
    assert beginning("ab[redacted]cd", 5) == "ab[redacted]"
    assert beginning("ab[redacted]cd", 2) == "ab"
    assert beginning("ab[redacted]cd", 12) == "ab[redacted]"
    assert shortened("abcdef... (99 characters)", 3) == "abc... (99 characters)"
    assert shortened("abcdef", 3) == "abc... (6 characters)"
