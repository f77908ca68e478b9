"""Which failures are one incident: real ones, of a program that is installed in several ways and run by several Pythons."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter import Aborted, Failure, Frame, Origin
from jobreporter.testing import make_error, make_event, make_job
from jobreporter_history._incidents.fingerprint import exit_code, of_failure, of_missed
from jobreporter_history._incidents.own_frames import own_frames
from jobreporter_history._incidents.template import template

from .failures.installations import RECORDED, failures, tell_all

ORIGIN = Origin(service="shop", environment="production", host="web-1", pid=7, version="0.1.0")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Failure]:
    """What this Python tells of the failing program in each installation."""
    return failures(tell_all(tmp_path_factory.mktemp("failures")))


def groups_of(events: Iterable[Failure]) -> dict[str, set[str]]:
    """The fingerprints of each incident, as the program names them."""
    groups: dict[str, set[str]] = {}
    for event in events:
        incident = re.split(r" \| | \d in ", event.job.id)[0]
        groups.setdefault(incident, set()).add(of_failure(event, ORIGIN).value)
    return groups


def test_failures_of_one_cause_are_one_incident_and_others_are_not(told: list[Failure]) -> None:
    """More than 150 failures of a source tree on two hosts and of a wheel fall into the groups that their program says."""
    groups = groups_of(told)
    assert len(told) >= 150
    assert {name: found for name, found in groups.items() if len(found) != 1} == {}
    every = [value for found in groups.values() for value in found]
    assert len(set(every)) == len(groups) >= 26


def test_pythons_agree(told: list[Failure]) -> None:
    """What another Python told of the same program falls into the same incidents, comprehensions included."""
    recorded = failures(RECORDED)
    assert len(recorded) >= 55
    assert groups_of(recorded) == groups_of(told)


def test_parts_say_why(told: list[Failure]) -> None:
    """The parts name the job, the type, and the two innermost places in the program's own code."""
    parts = {event.job.id.partition(" | ")[0]: of_failure(event, ORIGIN).parts for event in told}
    charge = "shopapp.jobs.charge"
    place = "worker/program.py:<lambda>"
    assert parts["parse"] == (charge, "json.decoder.JSONDecodeError", "shopapp.bank:parse", place)
    assert parts["decorated"] == (
        charge,
        "shopapp.errors.Declined",
        "shopapp.bank:refund",
        "shopapp.bank:audited.audit",
    )
    assert parts["nested function"][2:] == ("shopapp.bank:nested.inner", "shopapp.bank:nested")
    assert parts["comprehension"][2:] == ("shopapp.bank:transfer", "shopapp.bank:all_at_once")
    assert parts["recursion"] == (charge, "builtins.RecursionError", "shopapp.bank:ascend", "shopapp.bank:descend")
    assert parts["cause of a cause"] == (
        charge,
        "shopapp.errors.Declined",
        "shopapp.bank:from_two",
        place,
        "caused by",
        "builtins.KeyError",
        "shopapp.bank:from_a_key",
    )
    assert parts["timeout"] == (charge, "timeout")
    assert parts["killed"] == (charge, "worker_lost", "SIGKILL")
    assert parts["exit 1"] == ("backup", "exit_code", "code 1")
    assert parts["tagged"] == ("tag", "bank down")
    assert parts["library alone"] == (
        "json.loads",
        "json.decoder.JSONDecodeError",
        "json.decoder:JSONDecoder.raw_decode",
    )
    assert parts["no frame: template"][2:] == ("no row <number> in <text> since <date>",)
    assert parts["script 1 in host a"][2:] == ("application/script.py:work", "application/script.py:main")


def test_service_and_environment_are_part_of_it() -> None:
    """The same failure in staging is another incident than in production."""
    event = make_event(Failure)
    values = {
        of_failure(event, Origin(service=service, environment=environment, host="h", pid=1, version="0")).value
        for service in ("shop", "crm")
        for environment in ("staging", "production", None)
    }
    assert len(values) == 6


def test_a_missed_run_is_its_schedules_incident() -> None:
    """Every run that a schedule missed is the same incident, whatever the colons in its name."""
    jobs = [make_job(id=f"missed:nightly: backup:{at}", name="backup") for at in (1_700_000_000, 1_700_086_400)]
    found = {of_missed(make_event(Aborted, job=job, reason="missed"), ORIGIN) for job in jobs}
    assert [each.parts for each in found] == [("missed", "nightly: backup")]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (-9, "SIGKILL"),
        (137, "SIGKILL"),
        (-15, "SIGTERM"),
        (1, "code 1"),
        (0, "code 0"),
        (255, "code 255"),
        (None, "unknown"),
    ],
)
def test_exit_codes_have_one_spelling(status: int | None, code: str) -> None:
    """A signal is the same signal, whether the system or a shell tells of it."""
    assert exit_code(status) == code


def test_own_modules_are_own() -> None:
    """A package that the config names is the application's own, though the worker took it for a library."""
    frames = (
        Frame(filename="/v/site-packages/shoplib/pay.py", lineno=1, function="pay", module="shoplib.pay", in_app=False),
        Frame(
            filename="/v/site-packages/requests/api.py", lineno=1, function="get", module="requests.api", in_app=False
        ),
    )
    error = make_error(frames=frames)
    assert own_frames(error, "shop.jobs.charge", ()) == ()
    assert own_frames(error, "shop.jobs.charge", ("shoplib",)) == frames[:1]
    assert own_frames(error, "shop.jobs.charge", ("shoplib.pay",)) == frames[:1]


@pytest.mark.parametrize(
    ("filename", "module", "own"),
    [
        ("/srv/shop/jobs.py", "jobs", True),
        ("/venv/lib/python3.12/site-packages/shop/jobs.py", "shop.jobs", True),
        ("/venv/lib/python3.12/site-packages/requests/api.py", "requests.api", False),
        ("/usr/lib/python3/dist-packages/yaml/reader.py", "yaml.reader", False),
        ("/srv/shop/celery/app/trace.py", "celery.app.trace", False),
        ("/usr/lib/python3.11/json/decoder.py", "json.decoder", False),
        ("/srv/shop/json/views.py", "json.views", True),
        ("<frozen importlib._bootstrap>", "importlib._bootstrap", False),
        ("<string>", None, True),
    ],
)
def test_without_the_workers_word_names_and_folders_decide(filename: str, module: str | None, own: bool) -> None:
    """Of a frame that no worker has judged: queues, what is installed and the standard library are not own."""
    error = make_error(frames=(Frame(filename=filename, lineno=1, function="f", module=module),))
    assert (own_frames(error, "shop.jobs.charge", ()) != ()) is own


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("no user 4711", "no user <number>"),
        ("customer 'acme' has no funds", "customer <text> has no funds"),
        ("can't reach 10.0.0.7:5432 in 30s", "can't reach <address> in <number>s"),
        ("GET https://bank.example/v1/3?x=1 failed", "GET <url> failed"),
        ("no such file: /srv/app/releases/42/x.csv", "no such file: <path>"),
        ("id 6f9619ff-8b86-d011-b42d-00c04fc964ff is gone", "id <id> is gone"),
        ("object at 0x7f3a9c001f40", "object at <address>"),
        ("due 2026-01-02T03:04:05.678Z, now 03:04", "due <date>, now <time>"),
        ("mail to ada@shop.example bounced", "mail to <mail> bounced"),
        ("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit <id>"),
        ("deadlock detected", "deadlock detected"),
        ("don't and can't stay", "don't and can't stay"),
    ],
)
def test_templates_leave_out_what_is_unique(message: str, expected: str) -> None:
    """Ids, dates, addresses, paths, quoted text and numbers are taken out, and words stay."""
    assert template(message) == expected


@given(st.text(max_size=3000))
def test_templates_take_any_text(message: str) -> None:
    """Any message has a short template, which is its own template."""
    found = template(message)
    assert len(found) <= 300
    assert "\n" not in found
