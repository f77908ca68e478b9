"""The query language of the page: words and keys, out of which come the terms of a filter."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, NamedTuple

from jobreporter import parse_duration
from jobreporter_history.store import KEYS, Term

#: Characters, and words, of the longest query.
LONGEST = 4000
_MOST_TERMS = 30
_LARGEST = 2**63 - 1
#: Seconds: the year 2100. What is later is a slip of the finger.
_LAST_MOMENT = 4_102_444_800.0

_OWN_KEYS = tuple(key for key in KEYS if key not in {"text", "tag"})
_PART = re.compile(
    r"""(?P<negated>-?)
    (?:(?:(?P<key>[^\W\d][\w.-]*)|"(?P<tag>(?:[^"\\]|\\.)+)"):(?!//))?
    (?:"(?P<phrase>(?:[^"\\]|\\.)*)(?P<closed>"?)|(?P<bare>[^\s"]*))""",
    re.VERBOSE | re.DOTALL,
)
# A value that needs no quotation marks.
_BARE = re.compile(r'[^\s"/][^\s"]*')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]*(?::\d+(?::[0-9a-f]+)?)?", re.IGNORECASE)
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OUTCOMES = ("success", "aborted", "failure")


class QueryError(ValueError):
    """The query can't be understood. The message is a sentence for people."""


class Query(NamedTuple):
    """A query that was understood."""

    text: str
    terms: tuple[Term, ...]
    #: What may have been meant otherwise, in sentences.
    hints: tuple[str, ...] = ()


def parse(text: str, now: float) -> Query:
    """The query that the text is. now: what ``since:2h`` counts from. Raises `QueryError`."""
    if len(text) > LONGEST:
        raise QueryError(f"The query has {len(text):,} characters, and may have {LONGEST:,}.")
    terms: list[Term] = []
    hints: list[str] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        found = _PART.match(text, position)
        if found is None or found.end() == position:
            raise QueryError(f"{text[position:]!r} can't be read: a quotation mark stands around whole words.")
        position = found.end()
        term = _term(found, now)
        terms.append(term)
        if term.key == "tag":
            hints += _hint(term.tag)
    if len(terms) > _MOST_TERMS:
        raise QueryError(f"The query has {len(terms)} conditions, and may have {_MOST_TERMS}.")
    return Query(text.strip(), tuple(terms), tuple(dict.fromkeys(hints)))


def quoted(value: str) -> str:
    """A value as it stands in a query, between quotation marks."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def condition(key: str, value: str) -> str:
    """A condition as it stands in a query. A tag's name between quotation marks is that of a tag, whatever it is."""
    return f"{key}:{value if _BARE.fullmatch(value) else quoted(value)}"


def _term(found: re.Match[str], now: float) -> Term:
    negated, key = bool(found["negated"]), found["key"]
    if found["phrase"] is not None and not found["closed"]:
        raise QueryError(f'A quotation mark is missing at the end of "{found["phrase"]}.')
    value = found["bare"] if found["phrase"] is None else _ESCAPED.sub(r"\1", found["phrase"])
    if found["tag"] is not None:
        return Term("tag", value, negated=negated, tag=_ESCAPED.sub(r"\1", found["tag"]))
    if key is None:
        return _words(value, negated=negated, is_phrase=found["phrase"] is not None)
    lowered = key.lower()
    if lowered in _OWN_KEYS:
        if not value and lowered not in {"queue", "service", "environment"}:
            raise QueryError(f"{lowered}: has no value; it is {KEYS[lowered]}.")
        return Term(lowered, _READ.get(lowered, _text)(lowered, value, now), negated=negated)
    if not value:
        raise QueryError(f"{key}: has no value.{''.join(_hint(key))}")
    return Term("tag", value, negated=negated, tag=key)


def _words(value: str, *, negated: bool, is_phrase: bool) -> Term:
    if not is_phrase and _ID.fullmatch(value):
        return Term("id", value, negated=negated)
    prefix = not is_phrase and value.endswith("*")
    words = value.rstrip("*") if prefix else value
    if not any(character.isalnum() for character in words):
        raise QueryError(f"{'-' * negated}{value!r} has no letter and no digit to look for.")
    return Term("text", words, negated=negated, prefix=prefix)


def _hint(key: str) -> list[str]:
    near = get_close_matches(key.lower(), _OWN_KEYS, n=1, cutoff=0.75)
    return [f" {key!r} is looked for as a tag. Did you mean {near[0]!r}?"] if near else []


def _text(key: str, value: str, now: float) -> str:
    return value


def _whole(key: str, value: str, now: float) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", value) or int(value) > _LARGEST:
        raise QueryError(f"{key}:{value} isn't a whole number, such as {key}:2.")
    return int(value)


def _seconds(key: str, value: str, now: float) -> float:
    try:
        seconds = parse_duration(value)
    except ValueError as error:
        raise QueryError(f"{key}: {error}.") from None
    if not math.isfinite(seconds):
        raise QueryError(f"{key}:{value} is more than anything takes.")
    return seconds


def _moment(key: str, value: str, now: float) -> float:
    try:
        at = now - parse_duration(value)
    except ValueError:
        try:
            given = datetime.fromisoformat(value)
            at = (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise QueryError(
                f"{key}:{value} is no time: expected how long ago, such as {key}:2h,"
                f" or a date in UTC, such as {key}:2026-11-30 or {key}:2026-11-30T07:15."
            ) from None
    if not at <= _LAST_MOMENT:
        raise QueryError(f"{key}:{value} is too far in the future.")
    return max(at, 0.0)


def _outcome(key: str, value: str, now: float) -> str:
    if value not in _OUTCOMES:
        near = get_close_matches({"failed": "failure", "ok": "success"}.get(value, value), _OUTCOMES, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise QueryError(f"outcome:{value} is none: expected success, aborted or failure.{meant}")
    return value


def _yes_or_no(key: str, value: str, now: float) -> bool:
    if value.lower() not in _YES_NO:
        raise QueryError(f"{key}:{value} isn't {key}:true or {key}:false.")
    return _YES_NO[value.lower()]


_READ: dict[str, Callable[[str, str, float], Any]] = {
    "attempt": _whole,
    "incident": _whole,
    "slower": _seconds,
    "waited": _seconds,
    "since": _moment,
    "until": _moment,
    "outcome": _outcome,
    "final": _yes_or_no,
}
