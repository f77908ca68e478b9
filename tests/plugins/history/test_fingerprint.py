"""Which failures are one incident: real ones, of a program that is installed in several ways and run by several Pythons."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

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


def test_of_many_members_five_count_and_of_many_recurring_functions_three() -> None:
    """Whichever came first: a group of forty, and a recursion through six functions, have parts that can be read."""
    members = [make_error(f"shop.errors.E{number:02}", "no", frames=()) for number in range(40)]
    for order in (members, members[::-1]):
        group = make_error("builtins.ExceptionGroup", "40 failed", exceptions=tuple(order))
        found = of_failure(make_event(Failure, error=group), ORIGIN).parts
        assert found[1:] == ("builtins.ExceptionGroup", *(f"shop.errors.E{number:02} no" for number in range(5)))
    frames = [
        Frame(filename="/srv/shop/x.py", lineno=1, function=name, module="shop.x", in_app=True)
        for name in ["begin", *"fedcba" * 3, "end", "end"]
    ]
    error = make_error("builtins.RecursionError", "too deep", frames=frames, mro=("builtins.RecursionError",))
    found = of_failure(make_event(Failure, error=error), ORIGIN).parts
    assert found[1:] == ("builtins.RecursionError", "shop.x:a", "shop.x:b", "shop.x:c")


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
        ("order_1029 and user42 of SKU12345", "order_<number> and user<number> of SKU<number>"),
        ("job 5f2a waits for a1b2c3", "job <id> waits for <id>"),
        ("no utf8 on s3 or k8s in i18n", "no utf8 on s3 or k8s in i18n"),
        ("deadlock detected", "deadlock detected"),
        ("don't and can't stay", "don't and can't stay"),
    ],
)
def test_templates_leave_out_what_is_unique(message: str, expected: str) -> None:
    """Ids, dates, addresses, paths, quoted text and numbers are taken out, and words stay."""
    assert template(message) == expected


@pytest.mark.parametrize(
    ("filename", "other", "module"),
    [
        ("/srv/shop/releases/20261130121500/job.py", "/srv/shop/releases/20261201091100/job.py", "__main__"),
        ("/private/tmp/tmpab12cd_9/job.py", "/private/tmp/tmpzzqkqpxy/job.py", "__main__"),
        ("/var/folders/zz/T/tmpab12cd_9/job.py", "/var/folders/zz/T/tmpzz_4kq01/job.py", None),
        ("/home/kim/.pex/unzipped_pexes/3f9a11c07be2/__main__.py", "/home/kim/.pex/unzipped_pexes/77aa11c07be2/__main__.py", None),
        ("/home/kim/ipykernel_12345/1234567.py", "/home/kim/ipykernel_99112/7654321.py", "__main__"),
        ("<ipython-input-3-9f86d081884c>", "<ipython-input-4-1186d081884c>", "__main__"),
        ("/data/spark-3c2e1f9a-7c11-4e0a-9a77-abcdefabcdef/job.py", "/data/spark-112e1f9a-7c11-4e0a-9a77-abcdefabcdef/job.py", None),
        (r"C:\Temp\_MEI123442\job.py", r"C:\Temp\_MEI99442\job.py", "__main__"),
        ("/dev/fd/63", "/dev/fd/62", None),
        ("loader_140234234.flow", "loader_140999994.flow", ...),
        ("unusual_prefix_3f9a11c07be23f9a_nightly", "unusual_prefix_11111c07be23f9a0_nightly", ...),
    ],
)  # fmt: skip
def test_names_that_are_new_in_each_run_are_one_place(filename: str, other: str, module: Any) -> None:
    """A release's folder, a temporary one, a module that a framework makes up: the failures in it are one incident."""
    frames = [
        Frame(filename="/dags/x.py", lineno=1, function="f_839201", module=each, in_app=True)
        if module is ...
        else Frame(filename=each, lineno=1, function="f_117740", module=module, in_app=True)
        for each in (filename, other)
    ]
    found = {of_failure(make_event(Failure, error=make_error(frames=(frame,))), ORIGIN).value for frame in frames}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("/srv/v1/pay.py", "shop.v1.pay"), ("/srv/v2/pay.py", "shop.v2.pay")),
        (("/srv/etl/step-1/load.py", "__main__"), ("/srv/etl/step-2/load.py", "__main__")),
        (("/srv/tmp_reports/job.py", "__main__"), ("/srv/tmp_exports/job.py", "__main__")),
        (("/srv/deadbeef/job.py", "__main__"), ("/srv/cafebabe/job.py", "__main__")),
        (("<string>", None), ("<stdin>", None)),
        (("/x.py", "shop.migrations.0042_users"), ("/x.py", "shop.migrations.0043_users")),
    ],
)
def test_names_that_people_gave_are_several_places(one: tuple[str, str | None], other: tuple[str, str | None]) -> None:
    """Versions, steps and numbered modules are what they are called."""
    frames = [
        Frame(filename=filename, lineno=1, function="f", module=module, in_app=True)
        for filename, module in (one, other)
    ]
    found = {of_failure(make_event(Failure, error=make_error(frames=(frame,))), ORIGIN).value for frame in frames}
    assert len(found) == 2


@given(st.text(max_size=3000))
def test_templates_take_any_text(message: str) -> None:
    """Any message has a short template, which is its own template."""
    found = template(message)
    assert len(found) <= 300
    assert "\n" not in found
