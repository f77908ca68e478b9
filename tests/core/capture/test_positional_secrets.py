"""Positional arguments of decorated functions: whose names count."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from .reports import report

Function = Callable[..., Any]


def with_database(function: Function) -> Function:
    """A decorator with names of its own, which adds an argument."""

    @functools.wraps(function)
    def inner(user: str, password: str) -> Any:
        return function("DB", user, password)

    return inner


def with_connection(function: Function) -> Function:
    """A decorator that adds an argument to those that it doesn't know."""

    @functools.wraps(function)
    def inner(*args: Any) -> Any:
        return function("DB", *args)

    return inner


def without_context(function: Function) -> Function:
    """A decorator that keeps the first argument for itself."""

    @functools.wraps(function)
    def inner(_context: Any, *args: Any) -> Any:
        return function(*args)

    return inner


def passing_on(function: Function) -> Function:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


class Counted:
    """A decorator that is a class, with names of its own."""

    def __init__(self, function: Function) -> None:
        wrapper: Any = self
        functools.update_wrapper(wrapper, function)
        self.function = function

    def __call__(self, user: str, password: str) -> Any:
        return self.function("DB", user, password)


@with_database
def login(database: str, user: str, password: str) -> None: ...


@with_connection
def connect(database: str, user: str, password: str) -> None: ...


@with_connection
def connect_by_default(database: str, user: str, password: str = "") -> None: ...


@without_context
def sign_in(user: str, password: str) -> None: ...


@with_connection
@passing_on
def sign_up(database: str, user: str, password: str) -> None: ...


@Counted
def count(database: str, user: str, password: str) -> None: ...


class Session:
    @with_connection
    def open(self, user: str, password: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (login, ("kim", "hunter2x")),
        (connect, ("kim", "hunter2x")),
        (connect_by_default, ("kim", "hunter2x")),
        (sign_in, (None, "kim", "hunter2x")),
        (sign_up, ("kim", "hunter2x")),
        (count, ("kim", "hunter2x")),
        (Session().open, ("kim", "hunter2x")),
        (functools.partial(connect, "kim"), ("hunter2x",)),
    ],
)
def test_a_password_below_a_decorator_is_found(function: Function, args: tuple[Any, ...]) -> None:
    """A decorator's own names count; where it takes ``*args``, what any alignment with the function calls secret goes."""
    found = report(*args, function=function, error="hunter2x was refused")
    assert not found.shows("hunter2x")


def declaring(function: Function) -> Function:
    """A decorator that says what it takes, and not what it wraps."""

    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    inner.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # as inspect looks for it
    return inner


class Declaring:
    """The same as an object."""

    def __init__(self, function: Function) -> None:
        self.__signature__ = inspect.signature(function)

    def __call__(self, *args: Any) -> None: ...


class InASlot:
    """A decorator that keeps what it wraps in a slot."""

    __slots__ = ("__wrapped__",)

    def __init__(self, function: Function) -> None:
        self.__wrapped__ = function

    def __call__(self, *args: Any) -> Any:
        return self.__wrapped__(*args)


class Calling(type):
    """A class of classes that are called with other arguments than their ``__init__``."""

    def __call__(cls, user: str, password: str) -> object:
        return object.__new__(cls)


class Called(metaclass=Calling): ...


def enter(user: str, password: str) -> None: ...


class Door:
    def unlock(self, house: str, user: str, password: str) -> None: ...

    @classmethod
    def shut(cls, user: str, password: str) -> None: ...

    front = functools.partialmethod(unlock, "front")


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (declaring(enter), ("kim", "hunter2x")),
        (Declaring(enter), ("kim", "hunter2x")),
        (declaring(Door().unlock), ("front", "kim", "hunter2x")),
        (passing_on(declaring(enter)), ("kim", "hunter2x")),
        (InASlot(enter), ("kim", "hunter2x")),
        (Called, ("kim", "hunter2x")),
        (vars(Door)["shut"], ("kim", "hunter2x")),
        (Door().front, ("kim", "hunter2x")),
        (Door.front, (Door(), "kim", "hunter2x")),
    ],
)
def test_a_password_is_found_by_whatever_names_the_arguments(function: Function, args: tuple[Any, ...]) -> None:
    """Signatures that are declared, methods of classes and parts of them, and what a metaclass takes."""
    found = report(*args, function=function, error="hunter2x was refused")
    assert not found.shows("hunter2x")
    assert found.shows("kim")


@pytest.mark.parametrize("nonsense", [5, "user, password", inspect.Signature.__new__(inspect.Signature)])
def test_a_signature_that_is_none_names_nothing(nonsense: object) -> None:
    """Anybody may write into a function's attributes: the function's own names count then."""

    def job(user: str, password: str) -> None: ...

    def open_job(*args: Any) -> None: ...

    job.__signature__ = open_job.__signature__ = nonsense  # type: ignore[attr-defined]  # as inspect looks for it
    assert report("kim", "hunter2x", function=job).outcome.job.args == ("kim", "[redacted]")
    assert report("kim", "hunter2x", function=open_job).outcome.job.args == ("kim", "hunter2x")


@passing_on
def plain(user: str, password: str, retries: int = 3) -> None: ...


def test_a_decorator_that_passes_all_on_takes_nothing_else() -> None:
    """Where the function's secret gets its value as the arguments stand, no other alignment is considered."""
    assert report("kim", "hunter2x", function=plain).outcome.job.args == ("kim", "[redacted]")


def test_names_that_a_decorator_says_are_its_own() -> None:
    """A decorator that adds a secret in front of what it is given hides nothing of that."""

    def with_token(function: Function) -> Function:
        @functools.wraps(function)
        def inner(order: int, amount: int) -> Any:
            return function("a-token", order, amount)

        return inner

    @with_token
    def pay(token: str, order: int, amount: int) -> None: ...

    assert report(77, 12, function=pay).outcome.job.args == (77, 12)
