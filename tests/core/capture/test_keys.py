"""The keys of dicts are looked at like any other text, and no entry is lost for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jobreporter._capture.common_words import COMMON_WORDS
from jobreporter._capture.secrets import REDACTED

from .reports import Report, leaves, report

KEY = "sk_live_" + "0demo0KEY0demo0KEY0demo0"
OTHER = "sk_live_" + "1demo1KEY1demo1KEY1demo1"
URL = "postgres://kim:hunter22@db/shop"


def first(found: Report) -> Any:
    return found.outcome.job.args[0]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({KEY: 1}, {REDACTED: 1}),
        ({URL: 3}, {f"postgres://{REDACTED}@db/shop": 3}),
        ({("a", URL): 3}, {f"('a', 'postgres://{REDACTED}@db/shop')": 3}),
        ({KEY.encode(): 3}, {f"b'{REDACTED}'": 3}),
        ({"a": [{KEY: {URL: 1}}]}, {"a": [{REDACTED: {f"postgres://{REDACTED}@db/shop": 1}}]}),
        ({"user=kim password=abcdef123456": 1}, {f"user=kim password={REDACTED}": REDACTED}),
    ],
    ids=["key", "url", "tuple", "bytes", "nested", "named"],
)
def test_a_key_says_no_secret(given: Any, shown: Any) -> None:
    """Neither by its shape nor by what it says; and what it held is in no message either."""
    found = report(given, error=f"not found: {KEY} {URL} abcdef123456")

    assert first(found) == shown
    held = [secret for secret in (KEY, "hunter22", "abcdef123456") if secret in str(given)]
    assert held
    assert not any(map(found.shows, held))


def test_a_name_of_an_argument_says_no_secret() -> None:
    """Keyword arguments may have any name."""
    found = report(**{KEY: 1, "plain": 2})

    assert found.outcome.job.kwargs == {REDACTED: 1, "plain": 2}
    assert not found.shows(KEY)


def test_a_known_secret_is_in_no_key() -> None:
    """Wherever in the job it became known, and in whatever way the key has it."""
    given = {"correct horse 1": 1, "of correct%20horse%201": {"x": 2}, 48151623: 3}
    found = report(given, api_key="correct horse 1", pin="48151623")

    assert first(found) == {REDACTED: 1, f"of {REDACTED}": {"x": 2}, f"{REDACTED} (3)": 3}


@pytest.mark.parametrize("filler", [150, 195, 230, 3_000], ids=str)
@pytest.mark.parametrize("secret", [KEY, URL])
def test_a_key_that_is_cut_shows_no_part_of_a_secret(filler: int, secret: str) -> None:
    """It is cut after what is secret was taken out; and what lies behind the cut is known all the same."""
    found = report({"x" * filler + " " + secret: 1}, error=f"no such key: {secret}")

    assert len(first(found)) == 1
    assert not any(part in leaf for leaf in leaves(first(found)) for part in ("sk_l", "hunt"))
    assert secret not in found.message


def test_keys_that_become_the_same_are_told_apart() -> None:
    """No entry is lost: those that come later have their number behind them."""
    given = {KEY: 1, "a": 2, OTHER: 3, REDACTED: 4, f"{REDACTED} (3)": 5}
    found = report(given, {"m": {URL: 1, URL.replace("22", "23"): 2}})

    assert first(found) == {
        REDACTED: 1,
        "a": 2,
        f"{REDACTED} (3)": 3,
        f"{REDACTED} (4)": 4,
        f"{REDACTED} (3) (5)": 5,
    }
    assert found.outcome.job.args[1] == {
        "m": {f"postgres://{REDACTED}@db/shop": 1, f"postgres://{REDACTED}@db/shop (2)": 2}
    }


def test_known_secrets_that_become_the_same_are_told_apart() -> None:
    """Also where keys are the same only once all secrets are known."""
    found = report({"m": {"hunter22": 1, "hunter23": 2}}, api_key="hunter22", pin="hunter23")

    assert first(found) == {"m": {REDACTED: 1, f"{REDACTED} (2)": 2}}


def test_keys_that_are_the_same_as_text_are_told_apart() -> None:
    """A number and its text, two long keys with the same beginning, and the word for what was left out."""
    numbers = first(report({1: "a", "1": "b"}))
    long = first(report({"x" * 300 + "1": 1, "x" * 300 + "2": 2}))
    many = first(report({"...": 1} | {str(number): number for number in range(60)}))

    assert numbers == {"1": "a", "1 (2)": "b"}
    assert list(long.values()) == [1, 2]
    assert (many["..."], many["... (51)"]) == (1, "(61 items)")


def test_patterns_that_make_keys_the_same_lose_none() -> None:
    """The config's own patterns look at keys as well."""
    found = report({"EMP-111111": 1, "EMP-222222": 2}, capture={"patterns": [r"\bEMP-\d{6}\b"]})

    assert first(found) == {REDACTED: 1, f"{REDACTED} (2)": 2}


def test_tags_that_become_the_same_are_told_apart() -> None:
    """A tag's name is a key too; a tag that is set again is still one."""
    found = report(tags={KEY: 1, OTHER: 2, "a": 3})

    assert found.outcome.tags == {REDACTED: "1", f"{REDACTED} (2)": "2", "a": "3"}


def test_facts_of_a_source_say_no_secret_by_their_names() -> None:
    """Nor is one lost."""
    found = report(fields={"extra": {KEY: 1, OTHER: 2}})

    assert found.outcome.job.extra == {REDACTED: 1, f"{REDACTED} (2)": 2}


secrets = st.from_regex(r"[A-Za-z0-9+/_.\-]{6,40}", fullmatch=True)


@settings(max_examples=100, deadline=None)
@given(st.data(), st.lists(secrets, min_size=1, max_size=4, unique=True), st.integers(0, 2), st.booleans())
def test_no_known_secret_is_in_any_event_keys_included(
    data: st.DataObject, values: list[str], depth: int, first_known: bool
) -> None:
    """As a key, within one, in a tuple that is one, at any depth, before or after it is known; and each entry is there."""
    assume(all(value.lower() not in COMMON_WORDS and len(value.strip("+/_.-")) >= 6 for value in values))
    writes = st.sampled_from([str, lambda text: f"\u2022 {text} \u2022", lambda text: (text, 1), str.encode, repr])
    keys = [data.draw(writes)(value) for value in values]
    given: Any = {key: number for number, key in enumerate(keys)}
    for _ in range(depth):
        given = {"m": [given]}
    known = {f"password_{number}": value for number, value in enumerate(values)}
    kwargs = {**known, "given": given} if first_known else {"given": given, **known}
    found = report(tags={values[0]: "x"}, fields={"extra": {values[0]: 1}}, error=str(given), **kwargs)

    everything = leaves([found.outcome.job.args, found.outcome.job.kwargs, found.outcome.job.extra, found.outcome.tags])
    for leaf in (*everything, found.message):
        assert not any(value in leaf.replace(REDACTED, "") for value in values)
    inside = found.outcome.job.kwargs["given"]
    for _ in range(depth):
        inside = inside["m"][0]
    # A key may happen to be the name of something secret.
    assert [
        held for held, number in zip(inside.values(), range(len(keys)), strict=True) if held not in (number, REDACTED)
    ] == []
