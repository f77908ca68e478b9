"""A notice of any failure fits, and loses what matters least first."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobreporter import ErrorInfo, Failure, Frame, Job
from jobreporter_honeybadger._notice import notice_of
from jobreporter_honeybadger._room import MOST_BYTES, ROOMS, encoded, trimmed
from jobreporter_honeybadger._server import Server

from . import schema
from .sample import FAILURE

SERVER = Server("/srv/shop", "shop", "production", "4f2a9c1", "web-3", 4711)

# Characters of one to four bytes, and those that JSON writes with six.
LONG = st.builds(
    lambda character, count: character * count,
    st.sampled_from(["a", "ä", "\u4e2d", "\U0001f4a3", "\x01", '"']),
    st.integers(1, 40_000),
)
TEXT = st.one_of(st.text(min_size=1, max_size=20), LONG)
PLAIN = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inside: st.one_of(st.lists(inside, max_size=8), st.dictionaries(TEXT, inside, max_size=8)),
    max_leaves=12,
)
TABLE = st.dictionaries(TEXT, PLAIN, max_size=8)
FEW = st.lists(
    st.builds(
        Frame,
        filename=TEXT,
        lineno=st.integers(0, 10**6),
        function=TEXT,
        line=st.none() | TEXT,
        locals=st.none() | TABLE,
    ),
    max_size=4,
)
FRAMES = st.builds(lambda few, times: tuple(few * times), FEW, st.sampled_from([1, 25]))
ERROR = st.recursive(
    st.builds(ErrorInfo, type=TEXT, message=TEXT, frames=FRAMES, notes=st.lists(TEXT, max_size=3).map(tuple)),
    lambda inside: st.builds(
        ErrorInfo,
        type=TEXT,
        message=TEXT,
        frames=FRAMES,
        cause=inside,
        exceptions=st.lists(inside, max_size=5).map(tuple),
    ),
    max_leaves=3,
)
JOB = st.builds(
    Job, id=TEXT, execution_id=TEXT, name=TEXT, source=TEXT, queue=TEXT, args=st.lists(PLAIN, max_size=5).map(tuple), kwargs=TABLE,
    worker=TEXT, correlation_id=TEXT, root_id=TEXT, parent_id=TEXT, extra=TABLE,
)  # fmt: skip
FAILURES = st.builds(
    Failure, job=JOB, at=st.just(1.0), error=ERROR, kind=st.sampled_from(["exception", "timeout"]),
    tags=st.dictionaries(TEXT, TEXT, max_size=12),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(FAILURES)
def test_every_notice_fits_and_is_one(failure: Failure) -> None:
    """Measured in bytes of the body; and trimmed or not, each field is as Honeybadger wants it."""
    body = encoded(notice_of(failure, SERVER))
    assert len(body) <= MOST_BYTES
    schema.check_notice(body)


def largest(fill: str = "\x01") -> Failure:
    """A failure that has a great deal of everything."""
    text = fill * 5_000
    data: Any = [text] * 300
    for _ in range(8):
        data = {text: data, "more": text}
    frames = tuple(Frame(filename=text, lineno=n, function=text, line=text, locals={"x": data}) for n in range(100))
    error = ErrorInfo(type=text, message=text, frames=frames)
    for _ in range(5):
        error = ErrorInfo(type=text, message=text, frames=frames, cause=error)
    job = Job(
        id=text, execution_id=text, name=f"{text}.{text}", source=text, queue=text, args=(data,), kwargs={"x": data},
        worker=text, correlation_id=text, root_id=text, parent_id=text, extra={"x": data},
    )  # fmt: skip
    return Failure(job=job, at=1.0, error=error, tags={f"{n}{text}": text for n in range(300)})


def test_the_smallest_room_holds_anything() -> None:
    """The last of the rooms leaves less than half of the limit, so that a server's lower limit may be met as well."""
    texts = SERVER._replace(
        project_root="\x01" * 5000, service="\x01" * 5000, revision="\x01" * 5000, hostname="\x01" * 5000
    )
    body = msgspec.json.encode(trimmed(notice_of(largest(), texts), ROOMS[-1]))
    assert len(body) < MOST_BYTES / 2
    schema.check_notice(body)


def shrunk(**changes: Any) -> Any:
    """What remains of the sample if this is in it as well."""
    failure = msgspec.structs.replace(FAILURE, **changes)
    return json.loads(encoded(notice_of(failure, SERVER)))


def test_what_fits_is_left_as_it_is() -> None:
    """To the last byte."""
    notice = notice_of(FAILURE, SERVER)
    assert json.loads(encoded(notice)) == json.loads(json.dumps(notice))
    length = len(encoded(notice))
    assert "trimmed" not in json.loads(encoded(notice, length))["request"]["context"]
    assert "trimmed" in json.loads(encoded(notice, length - 1))["request"]["context"]


def test_bytes_are_counted_and_not_characters() -> None:
    """Text of many-byte characters is trimmed though it has fewer characters than the limit."""
    text = "\U0001f4a3" * (MOST_BYTES // 3)
    assert shrunk(tags={"bombs": text})["request"]["context"]["trimmed"]
    assert len(text) < MOST_BYTES


def test_local_variables_go_first() -> None:
    """Everything else stays whole."""
    frames = (*FAILURE.error.frames, Frame(filename="a.py", lineno=1, function="a", locals={"x": "y" * MOST_BYTES}))
    notice = shrunk(error=msgspec.structs.replace(FAILURE.error, frames=frames))
    assert "local_variables" not in notice["request"]
    assert notice["request"]["context"].pop("trimmed")
    whole = shrunk(
        error=msgspec.structs.replace(
            FAILURE.error, frames=(*frames[:-1], msgspec.structs.replace(frames[-1], locals=None))
        )
    )
    for part in (notice, whole):
        part["error"].pop("token")
    assert notice == whole


def test_long_arguments_are_cut_next() -> None:
    """The beginning of each stays, and so does what was raised and where."""
    job = msgspec.structs.replace(FAILURE.job, kwargs={"to": "ann", "body": "x" * MOST_BYTES})
    notice = shrunk(job=job)
    assert notice["request"]["params"]["kwargs"] == {"to": "ann", "body": "x" * 4000 + "..."}
    assert notice["error"]["message"] == FAILURE.error.message


def test_long_lists_and_deep_tables_are_cut_too() -> None:
    """They say how much of them is missing."""
    deep: Any = "bottom"
    for _ in range(50):
        deep = {"deeper": deep}
    job = msgspec.structs.replace(FAILURE.job, args=(), kwargs={"many": ["x" * 100] * 5000, "deep": deep})
    found = shrunk(job=job)["request"]["params"]["kwargs"]
    assert found["many"] == ["x" * 100] * 200 + ["... 4800 more"]
    assert str(found["deep"]).count("deeper") == 8
    assert "'...'" in str(found["deep"])


def test_a_backtrace_keeps_both_ends() -> None:
    """The innermost calls, where it was raised, and a few of the outermost, where it began."""
    frames = tuple(Frame(filename=f"{n}.py", lineno=n, function="f", line="x" * 3000) for n in range(100))
    notice = shrunk(error=msgspec.structs.replace(FAILURE.error, frames=frames))
    numbers = [call["number"] for call in notice["error"]["backtrace"]]
    assert numbers == [*range(99, 69, -1), *range(9, -1, -1)]


def test_the_message_goes_last() -> None:
    """When everything else is at its smallest, its first 1,500 characters are still there."""
    notice = json.loads(encoded(notice_of(largest(), SERVER)))
    assert notice["error"]["message"] == "\x01" * 1500 + "..."
    assert len(notice["error"]["backtrace"]) == 12


def test_half_characters_do_no_harm() -> None:
    """What UTF-8 has no bytes for is replaced."""
    notice = notice_of(FAILURE, SERVER)
    notice["error"]["message"] = "a\ud800b"
    assert json.loads(encoded(notice))["error"]["message"] == "a?b"
