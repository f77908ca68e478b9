"""What Sentry gets of a failure, over HTTP."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Dispatcher, ErrorInfo, Frame
from jobreporter.testing import make_error, make_event, make_job

from .conftest import MakeDispatcher
from .fake_sentry import Kent


class DeclinedError(Exception):
    """An error of the application's own."""


def charge(card: str, token: str) -> None:
    try:
        {}[card]
    except KeyError as error:
        raise DeclinedError("no funds") from error


def fail(dispatcher: Dispatcher, error: BaseException) -> None:
    """Have a job raise this, and have it delivered."""
    execution = dispatcher.begin("till.charge")
    execution.fail(error)
    execution.stop()
    assert dispatcher.flush(10.0)


def publish(dispatcher: Dispatcher, /, **fields: Any) -> None:
    """Publish a failure, and have it delivered."""
    dispatcher.publish(make_event("failure", **fields))
    assert dispatcher.flush(10.0)


def test_a_failure_arrives_with_all_that_is_known(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Exceptions, transaction, tags, the job's facts and its redacted arguments are in one event."""
    dispatcher = make_dispatcher(dsn=kent.dsn, context={"service": "shop", "environment": "test", "release": "shop@7"})
    execution = dispatcher.begin(
        "till.charge",
        function=charge,
        id="7",
        queue="cards",
        args=("visa", "c4nary"),
        attempt=2,
        max_attempts=2,
        enqueued_at=1.0,
    )
    execution.tag(customer="acme")
    try:
        charge("visa", "c4nary")
    except DeclinedError as error:
        execution.fail(error, will_retry=False)
    execution.stop()
    assert dispatcher.flush(10.0)

    event = kent.only()
    assert event["transaction"] == "till.charge"
    assert event["transaction_info"] == {"source": "task"}
    assert (event["level"], event["platform"], event["logger"]) == ("error", "python", "jobreporter")
    assert (event["environment"], event["release"]) == ("test", "shop@7")
    assert event["tags"] == {
        "source": "python",
        "queue": "cards",
        "job": "till.charge",
        "attempt": "2",
        "final": "true",
        "service": "shop",
        "customer": "acme",
    }
    job = event["contexts"]["job"]
    assert (job["id"], job["attempt"], job["max_attempts"]) == ("7", 2, 2)
    assert job["enqueued_at"] == "1970-01-01T00:00:01.000000Z"
    assert job["queue_wait"] > 1_000_000
    assert 0 <= job["duration"] < 60
    assert event["contexts"]["job arguments"] == {"args": ["visa", "[redacted]"], "kwargs": {}}
    assert "fingerprint" not in event

    cause, root = event["exception"]["values"]
    assert (cause["type"], cause["module"], cause["value"]) == ("KeyError", None, "'visa'")
    assert (root["type"], root["module"], root["value"]) == ("DeclinedError", DeclinedError.__module__, "no funds")
    assert root["mechanism"] == {"type": "jobreporter", "handled": False, "exception_id": 0}
    assert cause["mechanism"] == {
        "type": "chained",
        "handled": False,
        "exception_id": 1,
        "parent_id": 0,
        "source": "__cause__",
    }


def test_frames_have_their_source(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """A frame has file, function, line, and the five lines before and after."""
    dispatcher = make_dispatcher(dsn=kent.dsn)
    try:
        charge("visa", "token")
    except DeclinedError as error:
        fail(dispatcher, error)

    frame = kent.only()["exception"]["values"][-1]["stacktrace"]["frames"][-1]
    lines = Path(__file__).read_text().splitlines()
    at = frame["lineno"] - 1
    assert frame["function"] == "charge"
    assert frame["abs_path"] == __file__
    assert frame["filename"].endswith("test_failures.py")
    assert frame["context_line"] == '        raise DeclinedError("no funds") from error'
    assert frame["context_line"] == lines[at]
    assert frame["pre_context"] == lines[at - 5 : at]
    assert frame["post_context"] == lines[at + 1 : at + 6]
    assert frame["in_app"] is True
    assert "vars" not in frame


def test_frames_have_locals_where_they_are_captured(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """With capture.locals the variables of a frame arrive, without what has a secret name."""
    dispatcher = make_dispatcher(dsn=kent.dsn, capture={"locals": True})
    try:
        charge("visa", "c4nary")
    except DeclinedError as error:
        fail(dispatcher, error)

    variables = kent.only()["exception"]["values"][-1]["stacktrace"]["frames"][-1]["vars"]
    assert variables["card"] == "visa"
    assert "c4nary" not in str(variables)


def test_a_group_is_a_tree(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Members of groups, and their causes, name their parents; groups are marked as such."""
    member = ValueError("no ink")
    member.__cause__ = OSError("empty")
    group = ExceptionGroup("printing", [ExceptionGroup("trays", [KeyError("a4")]), member])
    dispatcher = make_dispatcher(dsn=kent.dsn)
    fail(dispatcher, group)

    values = kent.only()["exception"]["values"][::-1]
    found = [(each["type"], each["mechanism"]) for each in values]
    assert [(name, each["exception_id"], each.get("parent_id"), each.get("source")) for name, each in found] == [
        ("ExceptionGroup", 0, None, None),
        ("ExceptionGroup", 1, 0, "exceptions[0]"),
        ("KeyError", 2, 1, "exceptions[0]"),
        ("ValueError", 3, 0, "exceptions[1]"),
        ("OSError", 4, 3, "__cause__"),
    ]
    assert [each.get("is_exception_group", False) for _, each in found] == [True, True, False, False, False]


def test_a_context_counts_unless_it_is_suppressed(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """What was being handled is part of the event, unless the job has said `from None`."""
    dispatcher = make_dispatcher(dsn=kent.dsn)
    context = make_error("builtins.KeyError", "'first'")
    publish(dispatcher, error=make_error(message="second", context=context))
    publish(dispatcher, error=make_error(message="third", context=context, suppress_context=True))

    second, third = (event["exception"]["values"] for event in kent.items())
    assert [(each["value"], each["mechanism"].get("source")) for each in second] == [
        ("'first'", "__context__"),
        ("second", None),
    ]
    assert [each["value"] for each in third] == ["third"]


def test_notes_are_part_of_the_message(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """The notes of an exception stand below its message, as sentry-sdk writes them."""
    publish(make_dispatcher(dsn=kent.dsn), error=make_error(message="boom", notes=("while counting", "on monday")))
    assert kent.only()["exception"]["values"][0]["value"] == "boom\nwhile counting\non monday"


def test_a_large_tree_is_cut(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Of an error that was published by hand, no more than 100 exceptions are sent."""
    members = tuple(make_error(message=str(number)) for number in range(150))
    publish(make_dispatcher(dsn=kent.dsn), error=make_error("builtins.ExceptionGroup", "all", exceptions=members))
    values = kent.only()["exception"]["values"]
    assert [each["value"] for each in values[::-1]] == ["all", *map(str, range(99))]


def test_timeouts_are_grouped_by_job(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """A timeout's fingerprint is its job; any other failure is left to Sentry's own grouping."""
    dispatcher = make_dispatcher(dsn=kent.dsn)
    for kind in ("timeout", "exception", "worker_lost", "exit_code"):
        publish(dispatcher, kind=kind)
    timeout, *others = kent.items()
    assert timeout["fingerprint"] == ["jobreporter.timeout", "reports.nightly"]
    assert [event.get("fingerprint") for event in others] == [None, None, None]
    assert timeout["contexts"]["job"]["kind"] == "timeout"


@pytest.mark.parametrize("level", ["error", "warning"])
def test_a_retried_failure_has_the_level_that_was_asked_for(
    kent: Kent, make_dispatcher: MakeDispatcher, level: str
) -> None:
    """`retried_level` is for failures that another attempt follows, and for no others."""
    dispatcher = make_dispatcher(dsn=kent.dsn, retried_level=level)
    publish(dispatcher, will_retry=True, retry_delay=30.0)
    publish(dispatcher, will_retry=False)
    retried, final = kent.items()
    assert (retried["level"], retried["tags"]["final"]) == (level, "false")
    assert (final["level"], final["tags"]["final"]) == ("error", "true")
    assert retried["contexts"]["job"]["retry_delay"] == 30.0


def test_a_retried_failure_can_be_held_back(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """`when.attempts = "final"` is core's, and holds back what another attempt follows."""
    dispatcher = make_dispatcher(dsn=kent.dsn, when={"attempts": "final"})
    publish(dispatcher, will_retry=True)
    publish(dispatcher, will_retry=False)
    assert kent.only()["tags"]["final"] == "true"


def test_tags_of_a_job_are_made_to_fit(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Sentry refuses keys and values that are too long or have odd characters; a job can't change the facts."""
    publish(make_dispatcher(dsn=kent.dsn), tags={"a b/ü": "x\ny", "k" * 50: "v" * 500, "final": "maybe"})
    tags = kent.only()["tags"]
    assert tags["a_b__"] == "x y"
    assert tags["k" * 32] == "v" * 200
    assert tags["final"] == "true"


def test_a_job_without_anything_arrives(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Every field that may be missing may be."""
    job = make_job(queue=None, worker=None)
    publish(make_dispatcher(dsn=kent.dsn), job=job, duration=None, error=ErrorInfo(type="LostError"))
    event = kent.only()
    assert event["exception"]["values"] == [
        {
            "type": "LostError",
            "module": None,
            "value": "",
            "mechanism": {"type": "jobreporter", "handled": False, "exception_id": 0},
        }
    ]
    assert event["tags"] == {"source": "python", "job": "reports.nightly", "attempt": "1", "final": "true"}
    assert event["contexts"].keys() == {"job", "runtime"}


def test_times_that_are_none_are_left_out(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """A time that no calendar has is no reason to lose the event."""
    publish(make_dispatcher(dsn=kent.dsn), at=1e300, job=make_job(enqueued_at=-1e300))
    event = kent.only()
    assert event["timestamp"]
    assert "enqueued_at" not in event["contexts"]["job"]


def test_where_a_frame_lies_says_whose_it_is(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Installed packages, the standard library, frozen modules and jobreporter are not in_app, all else is."""
    stdlib = sysconfig.get_path("stdlib")
    paths = {
        "/srv/shop/jobs.py": True,
        "/srv/shop/.venv/lib/python3.11/site-packages/requests/api.py": False,
        "/usr/lib/python3/dist-packages/requests/api.py": False,
        f"{stdlib}/json/decoder.py": False,
        "<frozen importlib._bootstrap>": False,
        "<string>": True,
    }
    frames = tuple(Frame(filename=path, lineno=1, function="f", module="m") for path in paths)
    ours = Frame(
        filename="/src/jobreporter/_reported.py", lineno=1, function="run", module="jobreporter._publish.decorator"
    )
    publish(make_dispatcher(dsn=kent.dsn), error=make_error(frames=(*frames, ours)))
    found = kent.only()["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame["in_app"] for frame in found] == [*paths.values(), False]


def test_modules_can_be_named_as_in_app_or_not(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """`in_app_include` and `in_app_exclude` name modules with all that is below them; the former counts first."""
    dispatcher = make_dispatcher(
        dsn=kent.dsn, in_app_include=["shop", "vendor.ours"], in_app_exclude=["vendor", "shopping"]
    )
    modules = {"shop": True, "shop.jobs": True, "shopping.cart": False, "vendor.theirs": False, "vendor.ours.x": True}
    path = "/venv/lib/python3.11/site-packages/x.py"
    frames = tuple(Frame(filename=path, lineno=1, function="f", module=name) for name in modules)
    publish(dispatcher, error=make_error(frames=frames))
    found = kent.only()["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame["in_app"] for frame in found] == [*modules.values()]


def test_source_that_has_changed_is_not_shown(kent: Kent, make_dispatcher: MakeDispatcher, tmp_path: Path) -> None:
    """Where the file has another line by now, or none, the line that was captured stands alone."""
    path = tmp_path / "jobs.py"
    path.write_text("first\nsecond\nthird\n")
    frames = (
        Frame(filename=str(path), lineno=2, function="f", line="second"),
        Frame(filename=str(path), lineno=2, function="f", line="was here"),
        Frame(filename=str(path), lineno=9, function="f", line="was below"),
        Frame(filename=str(path), lineno=2, function="f"),
        Frame(filename="/nowhere.py", lineno=1, function="f", line="gone"),
        Frame(filename="a\0b", lineno=1, function="f", line="odd"),
        Frame(filename=str(tmp_path), lineno=1, function="f", line="folder"),
    )
    publish(make_dispatcher(dsn=kent.dsn), error=make_error(frames=frames))
    found = kent.only()["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame.get("pre_context") for frame in found] == [["first"], None, None, None, None, None, None]
    assert [frame.get("context_line") for frame in found] == [
        "second",
        "was here",
        "was below",
        None,
        "gone",
        "odd",
        "folder",
    ]
    assert [frame.get("post_context") for frame in found] == [["third"], None, None, None, None, None, None]


def test_source_can_be_left_out(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """`include_source_context = false` sends no line of source."""
    publish(make_dispatcher(dsn=kent.dsn, include_source_context=False))
    frame = kent.only()["exception"]["values"][0]["stacktrace"]["frames"][0]
    assert not frame.keys() & {"pre_context", "context_line", "post_context"}


def test_an_event_holds_so_much_source(kent: Kent, make_dispatcher: MakeDispatcher, tmp_path: Path) -> None:
    """An event with very long lines stays within what Sentry takes; the innermost frames keep their source."""
    path = tmp_path / "generated.py"
    path.write_text(f"{'x' * 5_000}\n" * 20)
    frame = Frame(filename=str(path), lineno=10, function="f", line="x" * 5_000)
    publish(make_dispatcher(dsn=kent.dsn), error=make_error(frames=(frame,) * 100))
    frames = kent.only()["exception"]["values"][0]["stacktrace"]["frames"]
    kept = ["context_line" in each for each in frames]
    assert kept == sorted(kept)
    assert 0 < kept.count(True) < 100
    assert sum(len(str(each)) for each in frames) < 300_000


def test_omitted_frames_are_told(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Where core has left out calls, Sentry knows which: those after the first half."""
    frame = make_error().frames[0]
    publish(make_dispatcher(dsn=kent.dsn), error=make_error(frames=(frame,) * 100, frames_omitted=25))
    assert kent.only()["exception"]["values"][0]["stacktrace"]["frames_omitted"] == [51, 76]


def test_paths_begin_at_the_top_package(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """A frame's filename is the path within its top package, as sentry-sdk has it."""
    paths = [
        ("shop.mail.send", "/srv/shop/mail/send.py", "shop/mail/send.py"),
        ("shop.mail", "/srv/shop/mail/__init__.py", "shop/mail/__init__.py"),
        ("__main__", "/srv/run.py", "run.py"),
        (None, "/srv/run.py", "/srv/run.py"),
    ]
    frames = tuple(Frame(filename=path, lineno=1, function="f", module=module) for module, path, _ in paths)
    publish(make_dispatcher(dsn=kent.dsn), error=make_error(frames=frames))
    found = kent.only()["exception"]["values"][0]["stacktrace"]["frames"]
    assert [(frame["module"], frame["abs_path"], frame["filename"]) for frame in found] == paths


@pytest.mark.parametrize(
    ("full_name", "module", "name"),
    [
        ("builtins.ValueError", None, "ValueError"),
        ("ValueError", None, "ValueError"),
        ("json.decoder.JSONDecodeError", "json.decoder", "JSONDecodeError"),
        ("json.decoder.JSONDecodeError.Inner", "json.decoder", "JSONDecodeError.Inner"),
        ("json.load.<locals>.Odd", "json", "load.<locals>.Odd"),
        ("json.elsewhere.Odd", "json.elsewhere", "Odd"),
        ("nowhere.errors.Odd", "nowhere.errors", "Odd"),
    ],
)
def test_type_and_module_are_those_of_the_original(
    kent: Kent, make_dispatcher: MakeDispatcher, full_name: str, module: str | None, name: str
) -> None:
    """A class's full name is divided where its module ends."""
    assert "json.decoder" in sys.modules
    publish(make_dispatcher(dsn=kent.dsn), error=make_error(full_name, mro=(full_name,)))
    value = kent.only()["exception"]["values"][0]
    assert (value["module"], value["type"]) == (module, name)


def test_no_event_changes_what_others_see(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """The SDK's scrubber changes what it is given: the event that all reporters share stays as it was."""
    frame = Frame(
        filename="/srv/x.py", lineno=1, function="f", locals={"password": "c4nary", "deep": {"token": "c4nary"}}
    )
    event = make_event("failure", error=make_error(frames=(frame,)), job=make_job(kwargs={"a": {"b": 1}}))
    before = repr(event)
    dispatcher = make_dispatcher(dsn=kent.dsn)
    dispatcher.publish(event)
    assert dispatcher.flush(10.0)
    sent = kent.only()["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"]
    assert "[Filtered]" in sent.values()
    assert repr(event) == before


@pytest.mark.parametrize("page", ["https://jobs.example.org", None])
def test_an_event_links_to_the_executions_page(kent: Kent, make_dispatcher: MakeDispatcher, page: str | None) -> None:
    """Where the config names a page, the job's facts have the address."""
    publish(
        make_dispatcher(dsn=kent.dsn, context={} if page is None else {"page": page}),
        job=make_job(execution_id="7:1/a"),
    )
    expected = None if page is None else f"{page}/x/7%3A1%2Fa"
    assert kent.only()["contexts"]["job"].get("page") == expected
