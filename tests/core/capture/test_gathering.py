"""Secrets among arguments that are too many, too deep or too long to be kept."""

from __future__ import annotations

import time
from collections import UserDict
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from jobreporter._capture.gathering import Gathering
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.secret_names import SecretNames
from jobreporter._capture.secrets import Secrets

from .reports import report

SECRET = "far-away-77"  # noqa: S105 - made up


class Login(NamedTuple):
    user: str
    password: str


class Account:
    def __init__(self, password: str) -> None:
        self.name = "kim"
        self._password = password


def deep(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value


def repeated(value: Any, levels: int) -> Any:
    """Little data, of which each part stands in many places."""
    for _ in range(levels):
        value = [value] * 60
    return value


FAR_AWAY = {
    "the 51st name": {**{f"name{number}": number for number in range(50)}, "password": SECRET},
    "the 2,001st name": {**{f"name{number}": number for number in range(2_000)}, "password": SECRET},
    "seven levels deep": deep({"token": SECRET}, 7),
    "forty levels deep": deep({"token": SECRET}, 40),
    "behind 64 KB": ["x" * 300_000, {"api_key": SECRET}],
    "behind 500 secrets": {"secrets": [f"secret-{number}" for number in range(500)], "password": SECRET},
    "behind what stands in many places": [repeated("x", 6), deep({"password": SECRET}, 8)],
    "behind 15,000 items": [*({"a": 1} for _ in range(15_000)), {"secret": SECRET}],
    "in a text, behind 600 others": " ".join(f"token=tk{number:05}x" for number in range(600)) + f" password={SECRET}",
    "in a long text": "x " * 10_000 + f"postgres://kim:{SECRET}@db/shop",
    "a named tuple at the end": [*range(100), Login("kim", SECRET)],
    "a pair at the end": [*range(100), ("X-Api-Key", SECRET)],
    "in a command line at the end": [*range(100), ["mysql", f"-p{SECRET}", "shop"]],
    "an object's attribute": Account(SECRET),
    "in a mapping at the end": [*range(100), UserDict({"cookie": SECRET})],
    "a key that is a URL": {**{f"name{number}": number for number in range(50)}, f"redis://:{SECRET}@cache/0": 1},
}


@pytest.mark.parametrize("given", FAR_AWAY.values(), ids=FAR_AWAY)
@pytest.mark.parametrize("args", ["redacted", "hidden"])
def test_the_error_does_not_show_what_was_cut_from_the_arguments(given: Any, args: str) -> None:
    """What is secret is remembered, however far it is from what is kept, also where no arguments are kept."""
    found = report(given=given, error=f"{SECRET} was refused", capture={"args": args})
    assert found.message == "[redacted] was refused"
    assert not found.shows(SECRET)


def test_many_keyword_arguments() -> None:
    """The 61st keyword argument may be a password."""
    names = {f"name{number}": number for number in range(60)}
    assert report(**names, password=SECRET, error=f"{SECRET} was refused").message == "[redacted] was refused"


def test_many_local_variables() -> None:
    """So may the 61st local variable, where these are captured."""
    scope: dict[str, Any] = {f"name{number}": number for number in range(60)}
    scope["password"] = SECRET

    def act() -> None:
        exec(compile(f"raise ValueError('{SECRET}')", "<job>", "exec"), scope)

    assert not report(act=act, capture={"locals": True}).shows(SECRET)


def test_what_has_a_secret_name_comes_first() -> None:
    """However many secrets the texts hold, what has a secret name is remembered."""
    secrets = Secrets()
    hostile = " ".join(f"token=tk{number:05}x" for number in range(3_000))
    Gathering(Redaction(), secrets).values([[hostile] * 5, {"password": SECRET}])
    assert SECRET in secrets.found()
    assert len(secrets.found()) <= 2_000


@pytest.mark.parametrize(
    "made",
    [
        lambda: [0] * 3_000_000,
        lambda: [[0] * 1_000] * 1_000,
        lambda: {number: [number] for number in range(300_000)},
        lambda: ["password=x" * 100_000] * 50,
        lambda: [Account(str(number)) for number in range(100_000)],
    ],
    ids=["numbers", "lists", "a dict", "texts", "objects"],
)
def test_gathering_is_bounded(made: Callable[[], Any]) -> None:
    """However much there is, no more than a part is looked at."""
    value = made()
    begin = time.thread_time()
    Gathering(Redaction(), Secrets()).values(value)
    assert time.thread_time() - begin < 2, "seconds of this thread alone; to look at all of it takes many"


def test_modules_and_functions_are_no_data() -> None:
    """What a job refers to besides its data is not searched: the whole program hangs on it."""
    secrets = Secrets()
    Gathering(Redaction(), secrets).values([pytest, report, Account])
    assert secrets.found() == ()


@pytest.mark.parametrize("value", [7, "seven", ["seven"]])
def test_names_of_many_are_judged_together(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 19,000 names each that is secret counts, and a key that is one by its shape; hardly any has to be judged."""
    judged: list[list[str]] = []
    judge = SecretNames._judge
    monkeypatch.setattr(SecretNames, "_judge", lambda self, words: judged.append(words) or judge(self, words))
    key = "ghp_" + "demo0000" * 5
    many = {f"of_{key}": 1} | {f"customer_key_{number:05}_total": value for number in range(19_000)}
    secrets = Secrets()
    Gathering(Redaction(), secrets).values(many | {"db_password": SECRET, "İ_şifre": "Quokka-77"})
    assert {SECRET, key, "Quokka-77"} <= set(secrets.found())
    assert len(judged) < 100


def test_a_name_beside_its_value_is_seen_among_many() -> None:
    """So is what has its name under another key of the same dict."""
    secrets = Secrets()
    many = {f"field_{number}": number for number in range(1_000)}
    Gathering(Redaction(), secrets).values(many | {"name": "DB_PASSWORD", "value": SECRET})
    assert SECRET in secrets.found()
