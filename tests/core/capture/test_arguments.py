"""A job's arguments: named, captured, redacted or hidden as the config says."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter._capture.arguments import ArgumentCapture, CapturedArguments
from jobreporter._capture.secrets import REDACTED
from jobreporter._config.settings import CaptureSettings
from jobreporter._dispatch.measure import NOT_PLAIN, measure
from jobreporter._foreign.signatures import Layer, Names, Wrapped, positional_names


@pytest.fixture
def capture() -> ArgumentCapture:
    return ArgumentCapture(CaptureSettings())


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((1, "a", 2.5, None, True), {"order": 5, "at": "12:30", "url": "https://host/x?page=1"}),
        (([1, {"a": "b"}],), {"order": (1, 2)}),
    ],
)
def test_harmless_arguments_are_kept(capture: ArgumentCapture, args: Any, kwargs: Any) -> None:
    """What is plain, short and not secret arrives as it was."""
    assert capture(args, kwargs, ("order",)) == CapturedArguments(args=args, kwargs=kwargs)


def test_the_jobs_own_containers_are_copied(capture: ArgumentCapture) -> None:
    """What the job does to its arguments later is not seen."""
    items, kwargs = [1], {"a": 1}
    one = capture((items,), kwargs)
    other = capture((1,), kwargs)
    items.append(2)
    kwargs["b"] = 2
    assert one == CapturedArguments(args=([1],), kwargs={"a": 1})
    assert other == CapturedArguments(args=(1,), kwargs={"a": 1})


def test_nothing_is_shared_between_jobs_without_arguments(capture: ArgumentCapture) -> None:
    """Two jobs without arguments have two dicts."""
    assert capture((), {}).kwargs is not capture((), {}).kwargs


def test_positional_arguments_are_redacted_by_their_names(capture: ArgumentCapture) -> None:
    """The function's signature says which positional argument is secret."""

    def login(user: str, password: str, *tokens_secret: str) -> None: ...

    found = capture(("bob", "hunter2", "first", 22222), {}, positional_names(login))
    assert found.args == ("bob", REDACTED, REDACTED, REDACTED)
    assert found.secrets == ("hunter2", "first", "22222")
    assert capture(("bob",), {}, positional_names(login)).args == ("bob",)
    assert capture(("bob", "hunter2"), {}).args == ("bob", "hunter2")


@pytest.mark.parametrize(
    "value", ["hunter2", 1234, 1.5, None, True, b"hunter2", ["hunter2"], {"a": "hunter2"}, object()]
)
def test_values_of_every_kind_are_redacted_by_name(capture: ArgumentCapture, value: Any) -> None:
    """A value with a secret name goes, whatever it is, at any depth."""
    assert capture((), {"password": value}).kwargs == {"password": REDACTED}
    assert capture(([{"deep": ({"api_key": value},)}],), {}).args == ([{"deep": ({"api_key": REDACTED},)}],)


class Login(NamedTuple):
    user: str
    password: str


@dataclass
class Account:
    user: str
    password: str


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ([("Authorization", "Bearer abcdef"), ("Accept", "a/b")], [("Authorization", REDACTED), ("Accept", "a/b")]),
        ([(b"cookie", b"a=b")], [("b'cookie'", REDACTED)]),
        ([["token", "abcd"]], [["token", REDACTED]]),
        (["curl", "--api-key", "abcd", "-v"], ["curl", "--api-key", REDACTED, "-v"]),
        (["token", "b", "c"], ["token", "b", "c"]),
        (Login("bob", "hunter2"), ("bob", REDACTED)),
        (Account("bob", "hunter2"), "Account(user='bob', password=[redacted])"),
        ("postgres://bob:hunter2@db/x", "postgres://[redacted]@db/x"),
        ("x" * 990 + "https://bob:hunter2@db", "x" * 990 + "https://[redacted]... (1012 characters)"),
        ({5: "a", "token": {"b": 1}}, {"5": "a", "token": REDACTED}),
    ],
)
def test_secrets_in_other_shapes(capture: ArgumentCapture, value: Any, kept: Any) -> None:
    """Pairs, options, named tuples, dataclasses and URLs name their secrets too."""
    assert capture((value,), {}).args == (kept,)
    assert capture((), {"value": value}).kwargs == {"value": kept}


def test_two_positional_arguments_are_no_pair(capture: ArgumentCapture) -> None:
    """Only nested pairs are read as name and value."""
    assert capture(("token", ["abcd"]), {}).args == ("token", ["abcd"])
    assert capture(["token", "abcd"], {}).args == ("token", "abcd")


def test_what_is_redacted_in_one_argument_is_redacted_in_all(capture: ArgumentCapture) -> None:
    """A secret under a harmless name goes as well if another name tells it."""
    found = capture(("mysql -phunter2", 5), {"password": "hunter2", "items": ["hunter2"]})
    assert found == CapturedArguments(
        args=(f"mysql -p{REDACTED}", 5),
        kwargs={"password": REDACTED, "items": [REDACTED]},
        secrets=("hunter2",),
    )


def test_words_of_the_config_are_secret_too() -> None:
    """`capture.redact` adds to the built-in words."""
    capture = ArgumentCapture(CaptureSettings(redact=("iban",)))
    assert capture(("DE12",), {"customer_iban": "DE34"}, ("iban",)).args == (REDACTED,)
    assert capture((), {"customer_iban": "DE34"}).kwargs == {"customer_iban": REDACTED}


def test_hidden_arguments_are_dropped_and_their_secrets_known() -> None:
    """With `hidden` nothing is kept but what must not show up in the error either."""
    capture = ArgumentCapture(CaptureSettings(args="hidden"))
    assert capture((1, "a"), {"password": "hunter2"}) == CapturedArguments(secrets=("hunter2",))
    assert capture((1,), {}) == CapturedArguments()
    assert capture((), {}) == CapturedArguments()


def test_full_arguments_are_kept_within_wide_bounds() -> None:
    """With `full` nothing is redacted, and more is kept, but not everything."""
    capture = ArgumentCapture(CaptureSettings(args="full"))
    found = capture(("hunter2", "x" * 5_000, "postgres://u:p4ss@h"), {"token": "abcd"}, ("password",))
    assert found == CapturedArguments(args=("hunter2", "x" * 5_000, "postgres://u:p4ss@h"), kwargs={"token": "abcd"})
    assert measure(capture(tuple(["x" * 1_000_000] * 100), {}).args) < 1_200_000


@pytest.mark.parametrize(
    ("args", "kwargs", "kept"),
    [
        ([1, 2], None, CapturedArguments(args=(1, 2))),
        (None, {}, CapturedArguments()),
        ("(1, 2)", "{'a': 1}", CapturedArguments(args=("(1, 2)",), kwargs={"kwargs": "{'a': 1}"})),
        ((1,), MappingProxyType({"a": 1}), CapturedArguments(args=(1,), kwargs={"kwargs": "mappingproxy({'a': 1})"})),
        ((), {5: 1}, CapturedArguments(kwargs={"5": 1})),
        ((), {"k" * 5_000: 1}, CapturedArguments(kwargs={"k" * 200 + "... (5000 characters)": 1})),
        ((), {"\ud800": 1}, CapturedArguments(kwargs={"\ufffd": 1})),
        (("\ud800", 2**64, float("nan")), {}, CapturedArguments(args=("\ufffd", str(2**64), "nan"))),
        ((float("inf"),), {}, CapturedArguments(args=("inf",))),
        ((2**63,), {}, CapturedArguments(args=(str(2**63),))),
        (("x" * 1_001,), {}, CapturedArguments(args=("x" * 1_000 + "... (1001 characters)",))),
        (tuple(range(51)), {}, CapturedArguments(args=(*range(50), "... (51 items)"))),
    ],
)
def test_odd_arguments_are_taken_all_the_same(capture: ArgumentCapture, args: Any, kwargs: Any, kept: Any) -> None:
    """Whatever a queue hands over as arguments, something plain is made of it."""
    assert capture(args, kwargs) == kept


def test_the_memory_of_functions_is_bounded(capture: ArgumentCapture) -> None:
    """However many signatures come, only so many are remembered."""
    for number in range(3_000):
        capture((1,), {}, (f"name_{number}",))
    assert len(capture._judged) <= 1_024


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.just(object()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


@given(
    st.lists(values).map(tuple),
    st.dictionaries(st.text(st.characters()), values),
    st.lists(st.text()).map(tuple),
    st.sampled_from(["hidden", "redacted", "full"]),
)
def test_any_arguments_become_plain(args: Any, kwargs: Any, names: Any, mode: Any) -> None:
    """Whatever the arguments and the mode, what is kept is plain."""
    found = ArgumentCapture(CaptureSettings(args=mode))(args, kwargs, names)
    assert NOT_PLAIN not in (measure(found.args), measure(found.kwargs), measure(found.secrets))
    msgspec.json.encode(found)


def plain_function(a: Any, b: Any, /, c: Any = 1, *, d: Any = 2) -> None: ...


def with_rest(a: Any, *rest: Any, key: Any = 1, **more: Any) -> None: ...


@functools.wraps(plain_function)
def wrapper(*args: Any, **kwargs: Any) -> None: ...


class Job:
    def __init__(self, job_id: int) -> None: ...

    def run(self, order: int) -> None: ...

    def __call__(self, called: int) -> None: ...

    @classmethod
    def of_class(cls, kind: int) -> None: ...

    @staticmethod
    def of_none(alone: int) -> None: ...


class Made:
    def __new__(cls, made: int) -> Self:
        return super().__new__(cls)


class Wrapper:
    """A wrapper as queues make them: an object that calls the function."""

    def __init__(self, function: Any) -> None:
        wrapped: Any = self
        functools.update_wrapper(wrapped, function)


class Endless:
    def __init__(self) -> None:
        self.__wrapped__ = self


class Slotted:
    __slots__ = ()


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (plain_function, ("a", "b", "c")),
        (with_rest, ("a", "*rest")),
        (lambda: None, ()),
        (wrapper, Wrapped((Layer(("*args",), 0), Layer(("a", "b", "c"), 2)))),
        (functools.lru_cache(plain_function), ("a", "b", "c")),
        (Wrapper(plain_function), ("a", "b", "c")),
        (functools.partial(plain_function, 1), ("b", "c")),
        (functools.partial(functools.partial(with_rest, 1), 2, 3), ("*rest",)),
        (Job, ("job_id",)),
        (Job(1).run, ("order",)),
        (Job(1), ("called",)),
        (Job.of_class, ("kind",)),
        (Job.of_none, ("alone",)),
        (vars(Job)["of_none"], ("alone",)),
        (Made, ("made",)),
        (Account, ("user", "password")),
        (functools.partial(Job(1).run, 5), ()),
        (print, ()),
        (len, ()),
        (object(), ()),
        (Slotted(), ()),
        (None, ()),
        (5, ()),
        (int, ()),
        (Endless(), ()),
    ],
)
def test_the_names_of_positional_arguments(function: Callable[..., Any], names: Names | Wrapped) -> None:
    """A callable of any kind tells the names of its positional arguments, or nothing."""
    assert positional_names(function) == names


def test_a_hostile_callable_is_not_asked() -> None:
    """Neither a function's own attributes nor those of its class run."""

    class Hostile:
        def __getattribute__(self, name: str) -> Any:
            raise SystemExit

        def __call__(self, order: int) -> None: ...

    assert positional_names(Hostile()) == ("order",)
