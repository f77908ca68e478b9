"""What a failure looks like at Honeybadger's."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jobreporter import ErrorInfo, Event, Failure, Frame, Origin, Secret
from jobreporter.testing import make_error, make_event, make_job
from jobreporter_honeybadger import HoneybadgerOptions
from jobreporter_honeybadger._notice import notice_of as notice_of_failure
from jobreporter_honeybadger._server import Server
from jobreporter_honeybadger._version import __version__

from .conftest import MakeDispatcher
from .fake_honeybadger import KEY, FakeHoneybadger
from .sample import CONTEXT, FAILURE


@pytest.fixture
def notice_of(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> Any:
    """Sends an event, and returns the notice that arrives. One dispatcher serves all of a test's events."""
    made: list[Any] = []

    def send(event: Event, **options: Any) -> Any:
        if not made:
            made.append(dispatcher_of(context=CONTEXT, **{"project_root": "/srv/shop", **options}))
        made[0].publish(event)
        assert made[0].flush(20)
        assert made[0].stats()["honeybadger"].lost == 0
        return honeybadger.notices[-1]

    return send


def test_a_notice_has_everything_that_is_known(notice_of: Any) -> None:
    """Each part of a failure has its place."""
    notice = notice_of(FAILURE, hostname="web-3")
    assert notice.pop("notifier") == {
        "name": "jobreporter-honeybadger",
        "version": __version__,
        "language": "python",
    }
    notice["error"].pop("token")
    assert notice == {
        "error": {
            "class": "shop.errors.NotSent",
            "message": "no mail to ann@example.org",
            "backtrace": [
                {
                    "number": 17,
                    "file": "[PROJECT_ROOT]/shop/mail.py",
                    "method": "send",
                    "source": {"17": 'raise NotSent(f"no mail to {to}") from error'},
                },
                {
                    "number": 41,
                    "file": "[PROJECT_ROOT]/shop/reports.py",
                    "method": "nightly",
                    "source": {"41": "send(render(year), to)"},
                },
            ],
            "tags": ["retried", "customer:acme"],
            "fingerprint": None,
            "causes": [
                {
                    "class": "ConnectionRefusedError",
                    "message": "[Errno 111] Connection refused",
                    "backtrace": [
                        {
                            "number": 88,
                            "file": "/srv/shop/.venv/lib/python3.12/site-packages/smtp/pool.py",
                            "method": "Pool.get",
                            "source": {"88": "sock.connect(self.address)"},
                        }
                    ],
                }
            ],
        },
        "request": {
            "component": "reports",
            "action": "nightly",
            "params": {"args": [2026], "kwargs": {"to": "ann@example.org", "token": "[redacted]"}},
            "context": {
                "service": "shop",
                "job": {
                    "id": "7c1e",
                    "execution_id": "7c1e:2",
                    "name": "reports.nightly",
                    "source": "celery",
                    "queue": "mail",
                    "attempt": 2,
                    "max_attempts": 5,
                    "enqueued_at": "2023-11-14T22:13:20.000Z",
                    "worker": "web-3:4711",
                    "correlation_id": "req-91",
                },
                "failure": {
                    "kind": "exception",
                    "final": False,
                    "will_retry": True,
                    "retry_delay": 30.0,
                    "duration": 1.24,
                    "queue_wait": 1.26,
                },
                "tags": {"customer": "acme"},
            },
        },
        "server": {
            "project_root": "/srv/shop",
            "environment_name": "production",
            "hostname": "web-3",
            "revision": "4f2a9c1",
            "pid": os.getpid(),
            "time": "2023-11-14T22:13:22.500Z",
        },
        "correlation_context": {"request_id": "req-91"},
    }


def test_the_version_is_that_of_the_distribution() -> None:
    """What the server is told is what pyproject.toml says."""
    pyproject = Path(__file__).parents[3] / "plugins/honeybadger/pyproject.toml"
    assert tomllib.loads(pyproject.read_text())["project"]["version"] == __version__


def test_options_override_the_context(notice_of: Any) -> None:
    """Environment, revision and host are those of the options where they say any."""
    server = notice_of(FAILURE, environment="staging", revision="r2", hostname="h2")["server"]
    assert (server["environment_name"], server["revision"], server["hostname"]) == ("staging", "r2", "h2")


def test_a_bare_failure_is_a_notice(notice_of: Any) -> None:
    """Nothing of what may be missing has to be there, and what isn't known is left out."""
    job = make_job(name="backup", source="command", args=(), kwargs={}, queue=None, worker=None)
    notice = notice_of(make_event("failure", job=job, error=ErrorInfo(type="builtins.OSError"), duration=None))
    assert (notice["error"]["class"], notice["error"]["backtrace"], notice["error"]["causes"]) == ("OSError", [], [])
    assert (notice["request"]["component"], notice["request"]["action"]) == ("command", "backup")
    assert "params" not in notice["request"]
    assert "correlation_context" not in notice
    assert set(notice["request"]["context"]) == {"service", "job", "failure"}


@pytest.mark.parametrize(
    ("name", "component", "action"),
    [("a.b.c", "a.b", "c"), ("c", "celery", "c"), ("a.", "a", "a."), (".c", "celery", "c"), (".", "celery", ".")],
)
def test_component_and_action(notice_of: Any, name: str, component: str, action: str) -> None:
    """They are the module and the function of the job's name, and the source stands in for a missing module."""
    request = notice_of(replace(FAILURE, job=replace(FAILURE.job, name=name)))["request"]
    assert (request["component"], request["action"]) == (component, action)


def test_each_execution_has_a_token_of_its_own(notice_of: Any) -> None:
    """Two failures of one job are two notices, and one that is sent again is the same."""
    another = make_event("failure", job=make_job(id="7c1e", execution_id="7c1e:3"))
    tokens = [notice_of(failure)["error"]["token"] for failure in (FAILURE, FAILURE, another)]
    assert tokens[0] == tokens[1] != tokens[2]


def test_notes_follow_the_message(notice_of: Any) -> None:
    """What was added to an exception is read with it."""
    error = make_error(message="boom", notes=("while reading a", "line 3"))
    assert notice_of(make_event("failure", error=error))["error"]["message"] == "boom\nwhile reading a\nline 3"


def test_local_variables_are_those_of_the_innermost_call(notice_of: Any) -> None:
    """If they were captured."""
    frames = (
        Frame(filename="a.py", lineno=1, function="a", locals={"x": "1"}),
        Frame(filename="b.py", lineno=2, function="b", locals={"y": "2"}),
    )
    request = notice_of(make_event("failure", error=make_error(frames=frames)))["request"]
    assert request["local_variables"] == {"y": "2"}


def causes_of(notice: Any) -> list[str]:
    return [cause["message"] for cause in notice["error"]["causes"]]


def test_causes_come_nearest_first(notice_of: Any) -> None:
    """A cause, or else what was being handled, and so on."""
    first = make_error(message="first")
    second = make_error(message="second", context=first)
    third = make_error(message="third", cause=second, context=make_error(message="not this"))
    assert causes_of(notice_of(make_event("failure", error=third))) == ["second", "first"]


def test_a_suppressed_context_is_no_cause(notice_of: Any) -> None:
    """``raise ... from None`` means it."""
    error = make_error(context=make_error(message="hidden"), suppress_context=True)
    assert causes_of(notice_of(make_event("failure", error=error))) == []


def test_members_of_a_group_are_causes(notice_of: Any) -> None:
    """After the group's own cause, each with what led to it."""
    first = make_error(message="first", cause=make_error(message="of first"))
    group = make_error(
        "builtins.ExceptionGroup",
        "group",
        cause=make_error(message="of group"),
        exceptions=(first, make_error(message="second")),
    )
    found = causes_of(notice_of(make_event("failure", error=group)))
    assert found == ["of group", "first", "of first", "second"]


def test_causes_are_bounded(notice_of: Any) -> None:
    """A group of any size leads to twenty causes at most."""
    members = tuple(make_error(message=str(number)) for number in range(50))
    group = make_error("builtins.ExceptionGroup", "group", exceptions=members)
    assert causes_of(notice_of(make_event("failure", error=group))) == [str(number) for number in range(20)]


@pytest.mark.parametrize(
    ("filename", "file"),
    [
        ("/srv/shop/a.py", "[PROJECT_ROOT]/a.py"),
        ("/srv/shopping/a.py", "/srv/shopping/a.py"),
        ("/srv/shop/lib/site-packages/b.py", "/srv/shop/lib/site-packages/b.py"),
        ("/srv/shop/dist-packages/b.py", "/srv/shop/dist-packages/b.py"),
        ("/usr/lib/python3/json.py", "/usr/lib/python3/json.py"),
        ("<string>", "<string>"),
        ("relative.py", "relative.py"),
    ],
)
def test_the_applications_own_files_are_marked(notice_of: Any, filename: str, file: str) -> None:
    """Those below the project's root, but for what is installed there."""
    frames = (Frame(filename=filename, lineno=1, function="f"),)
    [call] = notice_of(make_event("failure", error=make_error(frames=frames)))["error"]["backtrace"]
    assert call == {"number": 1, "file": file, "method": "f"}


def test_the_project_root_is_the_working_directory_by_default(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher
) -> None:
    """As it is for Honeybadger's own client."""
    dispatcher = dispatcher_of()
    frames = (Frame(filename=f"{os.getcwd()}/a.py", lineno=1, function="f"),)
    dispatcher.publish(make_event("failure", error=make_error(frames=frames)))
    assert dispatcher.flush(20)
    [notice] = honeybadger.notices
    assert notice["server"]["project_root"] == os.getcwd()
    assert notice["error"]["backtrace"][0]["file"] == "[PROJECT_ROOT]/a.py"


HERE = Origin(host="web-3", pid=7, version="1")


@pytest.mark.parametrize("elsewhere", [{"pid": 8}, {"host": "web-4"}])
def test_an_agent_does_not_take_its_own_folder_for_the_workers(elsewhere: dict[str, Any]) -> None:
    """The working directory is said of the process itself, and an option of all."""
    options = HoneybadgerOptions(api_key=Secret("k"))
    assert Server.of(options, HERE, HERE).project_root == os.getcwd()
    there = replace(HERE, **elsewhere)
    assert Server.of(options, there, HERE).project_root is None
    options = HoneybadgerOptions(api_key=Secret("k"), project_root="/srv/shop")
    assert Server.of(options, there, HERE).project_root == "/srv/shop"


@pytest.mark.parametrize(
    ("filename", "module", "in_app", "file"),
    [
        ("/srv/shop/shop/mail.py", "shop.mail", True, "[PROJECT_ROOT]/shop/mail.py"),
        ("/srv/shop/shop/__init__.py", "shop", True, "[PROJECT_ROOT]/shop/__init__.py"),
        ("/srv/shop/worker.py", "__main__", True, "/srv/shop/worker.py"),
        ("/srv/shop/shop/mail.py", "shop.mail", False, "/srv/shop/shop/mail.py"),
        ("/srv/shop/shop/mail.py", "shop.mail", None, "/srv/shop/shop/mail.py"),
        ("/srv/shop/shop/mail.py", None, True, "/srv/shop/shop/mail.py"),
        ("/env/lib/site-packages/shop/mail.py", "shop.mail", True, "[PROJECT_ROOT]/shop/mail.py"),
        ("/env/lib/site-packages/smtp/pool.py", "smtp.pool", False, "/env/lib/site-packages/smtp/pool.py"),
        ("<string>", "shop.made", True, "<string>"),
    ],
)
def test_without_a_root_a_file_is_shown_from_its_top_package_on(
    filename: str, module: str | None, in_app: bool | None, file: str
) -> None:
    """So that a failure is grouped alike, wherever the reporter runs."""
    frames = (Frame(filename=filename, lineno=1, function="f", module=module, in_app=in_app),)
    failure = make_event("failure", error=make_error(frames=frames))
    assert isinstance(failure, Failure)
    notice = notice_of_failure(failure, Server(None, None, None, None, "h", 1))
    assert notice["error"]["backtrace"][0]["file"] == file
    assert "project_root" not in notice["server"]


def test_tags(notice_of: Any) -> None:
    """A tag says whether another attempt follows, one how it failed if not by an exception, and then the job's own.

    Honeybadger splits at blanks and commas, so there are none in a tag.
    """
    final = notice_of(make_event("failure", kind="timeout", will_retry=False, tags={"a b": "c,  d", "e": "f" * 500}))
    assert final["error"]["tags"] == ["final", "timeout", "a_b:c_d", "e:" + "f" * 98]
    assert final["request"]["context"]["tags"]["e"] == "f" * 500
    assert notice_of(make_event("failure", will_retry=True))["error"]["tags"] == ["retried"]


def fingerprint_of(notice_of: Any, **fields: Any) -> Any:
    return notice_of(make_event(Failure, **fields))["error"]["fingerprint"]


def test_what_has_no_telling_stack_is_grouped_by_job(notice_of: Any) -> None:
    """Timeouts, lost workers and exit codes are grouped by kind and job; exceptions are Honeybadger's to group."""
    nightly, hourly = make_job(name="nightly"), make_job(name="hourly")
    kinds = ("timeout", "worker_lost", "exit_code")
    found = [fingerprint_of(notice_of, job=job, kind=kind) for job in (nightly, hourly) for kind in kinds]
    assert len(set(found)) == 6
    again = make_job(name="nightly", id="8", attempt=2)
    assert fingerprint_of(notice_of, job=again, kind="timeout", error=make_error(message="else")) == found[0]
    assert fingerprint_of(notice_of, job=nightly) is None


@pytest.mark.parametrize("at", [-1e18, 1e18, 1e300])
def test_an_impossible_time_is_left_out(notice_of: Any, at: float) -> None:
    """A job's time may be anything; only the event's own is taken for granted."""
    job = make_job(enqueued_at=at, scheduled_at=at)
    assert "enqueued_at" not in notice_of(make_event("failure", job=job))["request"]["context"]["job"]


def test_every_request_says_who_asks(honeybadger: FakeHoneybadger, notice_of: Any) -> None:
    """With the key in its header, and nowhere else."""
    notice_of(FAILURE)
    [request] = honeybadger.requests
    assert request.headers["X-API-Key"] == KEY
    assert KEY.encode() not in request.body
    assert KEY not in request.path


def test_the_endpoint_may_have_a_path(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """Where a proxy puts Honeybadger below a path of its own, requests go there."""
    honeybadger.next(honeybadger_at_a_path)
    dispatcher = dispatcher_of(endpoint=f"{honeybadger.url}/collect/hb/")
    dispatcher.publish(FAILURE)
    assert dispatcher.flush(20)
    assert [request.path for request in honeybadger.requests] == ["/collect/hb/v1/notices"]


def honeybadger_at_a_path(conversation: Any) -> None:
    honeybadger = conversation.stand_in
    conversation.say(honeybadger.answer(honeybadger.requests[-1]._replace(path="/v1/notices")))


@pytest.mark.parametrize("page", ["https://jobs.example.org", None])
def test_a_notice_links_to_the_executions_page(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, page: str | None
) -> None:
    """Where the config names a page, its address is the request's, which Honeybadger shows as a link."""
    dispatcher = dispatcher_of(context={} if page is None else {"page": page})
    dispatcher.publish(replace(FAILURE, job=replace(FAILURE.job, execution_id="7:1/a")))
    assert dispatcher.flush(20)
    [notice] = honeybadger.notices
    assert notice["request"].get("url") == (None if page is None else f"{page}/x/7%3A1%2Fa")
