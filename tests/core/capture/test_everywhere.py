"""Secrets are in no part of an event: tags, reasons, facts, names and lines of source."""

from __future__ import annotations

from typing import Any

import pytest

from jobreporter import ErrorInfo, Frame

from .reports import report

SECRET = "every-where-7"  # noqa: S105 - made up


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tags": {"token": SECRET}}, {"token": "[redacted]"}),
        ({"tags": {"url": f"https://kim:{SECRET}@host/"}}, {"url": "https://[redacted]@host/"}),
        ({"tags": {"who": "kim", "a": f"password={SECRET}"}}, {"who": "kim", "a": "password=[redacted]"}),
        ({"tags": {"b": SECRET}, "password": SECRET}, {"b": "[redacted]"}),
        ({"tags": {"b": f"see {SECRET}", "api_key": SECRET}}, {"b": "see [redacted]", "api_key": "[redacted]"}),
        ({"tags": {SECRET: 1}, "password": SECRET}, {"[redacted]": "1"}),
    ],
)
@pytest.mark.parametrize("end", [{}, {"error": "no"}, {"abort": "no"}])
def test_tags(given: dict[str, Any], told: dict[str, str], end: dict[str, str]) -> None:
    """A tag with a secret name, with a secret in its text, or with a value that is secret elsewhere, however the job ends."""
    found = report(**given, **end)
    assert found.outcome.tags == told
    assert not found.shows(SECRET)


def test_a_tag_tells_what_is_secret() -> None:
    """What a tag's name says to be secret is in no message either, and what the message says is in no tag."""
    assert report(tags={"token": SECRET}, error=f"{SECRET} was refused").message == "[redacted] was refused"
    assert not report(tags={"a": SECRET}, error=f"bad password={SECRET}").shows(SECRET)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (f"no {SECRET}", "no [redacted]"),
        ("bad token=abcd-1234", "bad token=[redacted]"),
        ("skipped", "skipped"),
        ("x" * 490 + " https://kim:pw-99-zz@host/", "x" * 490 + " https://[redacted]... (517 characters)"),
    ],
)
def test_abort_reasons(reason: str, told: str) -> None:
    """They become labels of metrics. One is redacted before it is cut."""
    assert report(password=SECRET, abort=reason).outcome.reason == told


def test_a_sources_own_facts() -> None:
    """What a source adds is redacted like arguments, and tells what is secret."""
    facts = {"headers": {"X-Api-Key": SECRET, "Accept": "a/b"}, "queue_url": f"redis://:{SECRET}@cache/0", "n": 5}
    found = report(fields={"extra": facts}, error=f"{SECRET} was refused")
    assert found.outcome.job.extra == {
        "headers": {"X-Api-Key": "[redacted]", "Accept": "a/b"},
        "queue_url": "redis://[redacted]@cache/0",
        "n": 5,
    }
    assert found.message == "[redacted] was refused"
    assert not report(fields={"extra": {"also": SECRET}}, password=SECRET).shows(SECRET)
    assert report(fields={"extra": {"pool": "prefork", "n": 5}}).outcome.job.extra == {"pool": "prefork", "n": 5}


@pytest.mark.parametrize(
    ("name", "kwargs", "told"),
    [
        (f"sync {SECRET}", {"password": SECRET}, "sync [redacted]"),
        (f"sync postgres://kim:{SECRET}@db/x", {}, "sync postgres://[redacted]@db/x"),
        ("every%2Dwhere%2D7", {"password": SECRET}, "[redacted]"),
        ("shop.tasks.reports.nightly", {"password": SECRET}, "shop.tasks.reports.nightly"),
    ],
)
def test_names_of_jobs_and_queues(name: str, kwargs: dict[str, Any], told: str) -> None:
    """A program may have made them of a job's data."""
    found = report(name=name, fields={"queue": name}, **kwargs)
    assert (found.outcome.job.name, found.outcome.job.queue) == (told, told)
    assert report(name=name, fields={"queue": name}, **kwargs).outcome.job.name == told, "the second time too"


def test_ids_are_left_alone() -> None:
    """They have to be the same wherever they are told."""
    found = report(password=SECRET, fields={"id": f"id-{SECRET}", "correlation_id": SECRET})
    assert (found.outcome.job.id, found.outcome.job.correlation_id) == (f"id-{SECRET}", SECRET)


def connect(**given: Any) -> None:
    raise ValueError(f"could not connect with {given.get('password') or given}")


def written_out() -> None:
    connect(password="line-s3cret", user="kim")  # noqa: S106 - made up


def in_a_dict() -> None:
    connect(given={"api_key": "line-s3cret", "user": "kim"})


def in_a_url() -> None:
    connect(url="postgres://kim:line-s3cret@db/shop", user="kim")


def computed() -> None:
    token = "kim"  # noqa: S105 - made up
    connect(password=token.upper(), token=f"{token}", user="kim")


@pytest.mark.parametrize(
    ("act", "line"),
    [
        (written_out, 'connect(password=[redacted], user="kim")  # noqa: S106 - made up'),
        (in_a_dict, 'connect(given={"api_key": [redacted], "user": "kim"})'),
        (in_a_url, 'connect(url="postgres://[redacted]@db/shop", user="kim")'),
        (computed, 'connect(password=token.upper(), token=f"{token}", user="kim")'),
    ],
)
def test_lines_of_source(act: Any, line: str) -> None:
    """A secret that is written out in the code is in no frame, nor in the message; code that names one stays."""
    found = report(act=act)
    assert [frame.line for frame in found.outcome.error.frames if frame.function == act.__name__] == [line]
    assert not found.shows("line-s3cret")


def test_a_line_that_shows_an_argument() -> None:
    """A line that holds a value that is secret elsewhere loses it."""

    def act() -> None:
        raise ValueError("every-where-7")

    assert not report(act=act, password=SECRET).shows(SECRET)


def test_an_error_that_is_plain_data_already() -> None:
    """What a source knows as an `ErrorInfo` is redacted like an exception."""
    cause = ErrorInfo(type="a.B", message=f"first {SECRET}", notes=(f"password={SECRET}",))
    frame = Frame(filename="a.py", lineno=1, function="f", line=f'login("{SECRET}")', locals={"x": [SECRET]})
    error = ErrorInfo(type="a.C", message="token=tk-4-plain", cause=cause, frames=(frame,), exceptions=(cause,))
    found = report(password=SECRET, error=error, tags={"t": "tk-4-plain"})
    assert not found.shows(SECRET)
    assert not found.shows("tk-4-plain")
    assert found.outcome.error.cause.message == "first [redacted]"
    assert found.outcome.error.frames[0].line == 'login("[redacted]")'


def test_a_message_is_redacted_before_it_is_cut() -> None:
    """A secret whose shape ends beyond what is kept of a message is found all the same."""
    key = "ghp_" + "0000demo" * 5
    found = report(error="x" * 9_990 + f" {key}" + " and more" * 10)
    assert "ghp_" not in found.message
    assert found.message.endswith(" [redacted]... (10125 characters)")
